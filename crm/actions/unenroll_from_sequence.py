"""Unenroll from sequence: contacts leave the one they are in (COM-02, ACG-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.models import SequenceEnrollment
from crm.sequences.fields import SequenceField, sequence_named
from crm.sequences.leaving import unenroll
from crm.sequences.words import NOT_IN_ONE
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class UnenrollFromSequence(Action):
    slug = "unenroll_from_sequence"
    label = gettext_lazy("Unenroll from sequence")
    description = gettext_lazy("Take contacts out of the sequence they are in.")
    group = gettext_lazy("Communication")
    icon = "x"

    class Params(TargetForm):
        to = "contact"

        sequence = SequenceField(
            label=gettext_lazy("Only from this sequence"),
            required=False,
            choices=[],
            help_text=gettext_lazy("Leave it out for whichever sequence the contact is in."),
        )

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "change", SequenceEnrollment)]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name = sequence_named(document)
        if not name:
            return _("Take the contact out of the sequence it is in")
        return _("Take the contact out of the sequence “%(name)s”") % {"name": name}

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"unenrolled": Property("unenrolled", gettext_lazy("Number of contacts unenrolled"), "number")}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """One statement ends all enrollments there are."""
        targets, sequence = targets_of(batch, params), params["sequence"]
        left = unenroll(targets.ids, sequence=sequence.pk if sequence else None, now=batch.now)
        for enrollment in batch.enrollments:
            if not (contacts := targets.of(enrollment)):
                continue
            out = [pk for pk in contacts if pk in left]
            if out:
                batch.done(enrollment, contacts=len(out))
            else:
                batch.skip(enrollment, NOT_IN_ONE)
            batch.output(enrollment, unenrolled=len(out))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count = detail.get("contacts")
        count = count if isinstance(count, int) else 0
        sentence = ngettext(
            "Took {count} contact out of its sequence", "Took {count} contacts out of their sequences", count
        )
        return format_html(sentence, count=count)
