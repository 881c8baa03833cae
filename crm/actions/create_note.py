"""Create note: a text about the record, on its timeline (CRM-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nh3
from django.utils.html import format_html, strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.links import linked
from crm.models import Note
from records.associations import associate_new, associations_of
from records.object_types import object_types
from records.problems import Problem
from workflows.actions.base import Action
from workflows.engine.writing import insert
from workflows.enrollment.loops import without_made_here
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.forms import FlagField, TokenField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.recipients import owners_of
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class CreateNote(Action):
    slug = "create_note"
    label = gettext_lazy("Create note")
    description = gettext_lazy("Write a note about the record.")
    group = gettext_lazy("Tasks and notes")
    icon = "sticky-note"

    class Params(ParamsForm):
        body = TokenField(label=gettext_lazy("Text"), lines=6)
        pinned = FlagField(label=gettext_lazy("Pin it to the top of the record’s timeline"))

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "add", object_types["note"])]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        body = document.get("body")
        if not isinstance(body, str) or not body.strip():
            return _("Create a note: write a text")
        facts = {"text": excerpt(body)}
        return (
            _("Create note “%(text)s” and pin it") % facts
            if document.get("pinned")
            else (_("Create note “%(text)s”") % facts)
        )

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return tokens.reads(document.get("body"), context.object_type)

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """A workflow for notes makes none for those it has made itself (ACG-14)."""
        part = without_made_here(batch) if batch.object_type is object_types["note"] else batch
        self.create(part, params)
        if part is not batch:
            batch.absorb(part)

    def create(self, batch: Batch, params: dict[str, Any]) -> None:
        """One INSERT for all notes, one for their associations."""
        bodies = batch.render(params["body"], "html")
        owners = owners_of(batch)
        texts = [as_html(bodies[pk]) for pk in batch.ids]
        shared: dict[str, Any] = {
            "pinned": bool(params["pinned"]), "created_at": batch.now, "updated_at": batch.now, "custom": {},
        }  # fmt: skip
        own: dict[str, list[Any]] = {
            "body": texts,
            "owner_id": [owners[pk].pk if pk in owners else None for pk in batch.ids],
        }
        notes = insert(Note, len(batch.ids), shared, own)
        if "note" in associations_of(batch.object_type):
            associate_new(batch.object_type, object_types["note"], zip(batch.ids, notes, strict=True))
        for enrollment, note, text in zip(batch.enrollments, notes, texts, strict=True):
            batch.note(enrollment, note=note, text=excerpt(text), **({"pinned": True} if params["pinned"] else {}))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        text = linked(object_types["note"], detail.get("note"), str(detail.get("text", "")))
        pinned = detail.get("pinned")
        sentence = _("Wrote the note “{text}” and pinned it") if pinned else _("Wrote the note “{text}”")
        return format_html(sentence, text=text)


def as_html(text: str) -> str:
    """A text with tags as what nh3 lets through; a plain one with its line breaks."""
    written = text if "<" in text else text.replace("\r\n", "\n").replace("\n", "<br>")
    return nh3.clean(written)


def excerpt(html: str) -> str:
    return Truncator(strip_tags(html.replace("<br>", " "))).chars(80)
