"""Finding words anywhere in a workflow: in names, settings, texts, branches and comments of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from workflows.definitions.definition import Definition, Step
from workflows.editor.layout import caption
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext

LENGTH_LIMIT = 200
#: Places of one step that are told, and characters shown before and after what was found.
PLACES, AROUND = 3, 30
Text = tuple[str, str]


@dataclass(frozen=True)
class Hit:
    """A step ("trigger" for the trigger) in which something was found.

    `places` say where besides its name, and what; `around` are the ids of the branchings around it, outermost first.
    """

    step: str
    name: str
    places: list[str]
    around: list[str]

    def as_json(self) -> dict[str, Any]:
        return {"step": self.step, "name": self.name, "places": self.places, "around": self.around}


def find(definition: Definition, wanted: str) -> list[Hit]:
    """Every step in which a text occurs, in reading order; capitals make no difference."""
    folded = wanted.strip()[:LENGTH_LIMIT].casefold()
    if not folded:
        return []
    hits = []
    for step, name, around, texts in everything(definition):
        places = [told(label, text, folded) for label, text in texts if folded in text.casefold()]
        if places or folded in name.casefold():
            hits.append(Hit(step, name, list(dict.fromkeys(places))[:PLACES], around))
    return hits


def everything(definition: Definition) -> Iterator[tuple[str, str, list[str], list[Text]]]:
    """Each step's id, name, branchings around it, and texts with what they are."""
    trigger = triggers[definition.trigger.kind]
    sentence = trigger.describe(definition.trigger.document, definition.object)
    yield "trigger", _("Trigger"), [], [(_("Setting"), sentence)]
    context = StepContext(definition)
    by_path = {step.path: step.id for step in definition.walk()}
    for number, step in enumerate(definition.walk(), 1):
        name = _("%(number)d. %(action)s") % {"number": number, "action": actions[step.action].label}
        yield step.id, name, around(step.path, by_path), list(texts_of(step, context.at(step)))


def around(path: str, by_path: dict[str, str]) -> list[str]:
    parts = path.split(".branches.")
    return [by_path[".branches.".join(parts[:count])] for count in range(1, len(parts))]


def texts_of(step: Step, context: StepContext) -> Iterator[Text]:
    action = actions[step.action]
    yield _("Id"), step.id
    yield _("Setting"), str(action.describe(step.params, context))
    for key, value in step.params.items():
        field = action.Params.base_fields.get(key)
        label = str(field.label) if field is not None and field.label else key
        yield from ((label, text) for text in leaves(value))
    for index, branch in enumerate(step.branches):
        yield _("Branch"), caption(branch, index)
        yield _("Branch"), str(action.describe_branch(index, context))
    if step.comment:
        yield _("Comment"), step.comment


def leaves(value: Any) -> Iterator[str]:
    """The texts and numbers of a setting."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from leaves(part)
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield str(value)


def told(label: str, text: str, folded: str) -> str:
    """What it was found in, with a piece of the text around it."""
    flat = " ".join(text.split())
    at = max(flat.casefold().find(folded), 0)
    start, end = max(at - AROUND, 0), at + len(folded) + AROUND
    piece = f"{'…' if start else ''}{flat[start:end]}{'…' if end < len(flat) else ''}"
    return _("%(label)s: %(text)s") % {"label": label, "text": piece}
