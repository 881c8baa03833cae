"""A step at a glance: everything it is set to, in words, and the message it would send as it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from workflows.definitions.definition import Definition
from workflows.editor.failure_form import note
from workflows.editor.layout import caption
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext


@dataclasses.dataclass(frozen=True)
class Glance:
    """The step's name, its setting in a sentence, each setting by its label, its branches, and its comment.

    `number` is 0 for the trigger.
    """

    number: int
    label: str
    sentence: str
    rows: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    branches: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    failure: str = ""
    comment: str = ""


def glance(definition: Definition, step_id: str, user: Any = None) -> Glance:
    """`user` is who looks. Raises KeyError when there is no such step."""
    step = definition.by_id[step_id]
    action, context = actions[step.action], StepContext(definition, step, user)
    form = action.Params(document=step.params, context=context)
    branches = [
        (caption(branch, index), action.describe_branch(index, context)) for index, branch in enumerate(step.branches)
    ]
    return Glance(
        definition.number_of(step_id), str(action.label), str(action.describe(step.params, context)),
        list(rows(form, step.params)), branches, note(step), step.comment,
    )  # fmt: skip


def trigger_glance(definition: Definition) -> Glance:
    """The trigger's whole sentence: the card has room for three lines of it."""
    document = definition.trigger.document
    sentence = triggers[definition.trigger.kind].describe(document, definition.object)
    rows = [(_("Re-enrollment"), _("On"))] if document.get("reenroll") else []
    return Glance(0, _("Trigger"), str(sentence), rows)


def rows(form: forms.Form, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each setting that was made, as people read it. What is made of parts stands in the sentence only."""
    for name, field in form.fields.items():
        text = shown(field, params.get(name))
        if text:
            yield str(field.label or name), text


def shown(field: forms.Field, value: Any) -> str:
    labels = choices_of(field)
    if isinstance(value, bool):
        return _("Yes") if value else ""
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return get_text_list([labels.get(str(one), str(one)) for one in value], _("and"))
    if isinstance(value, str | int | float):
        return labels.get(str(value), str(value))
    return ""


def choices_of(field: forms.Field) -> dict[str, str]:
    """What a field offers, by value."""
    found: dict[str, str] = {}
    for value, label in getattr(field, "choices", None) or ():
        pairs = label if isinstance(label, list | tuple) else [(value, label)]
        found |= {str(one): str(text) for one, text in pairs}
    return found
