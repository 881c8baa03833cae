"""What publishing would change, to look at: the draft's steps with marks, and the same in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows.definitions.definition import Definition
from workflows.definitions.ways import label_of
from workflows.drafting.comparing import ADDED, CHANGED, MOVED, REMOVED, compare
from workflows.editor.change_words import NOTHING, Change, of_settings, of_step, of_trigger
from workflows.editor.layout import layout
from workflows.editor.picture import picture
from workflows.editor.settings_panel import NAME as SETTINGS
from workflows.registries import actions
from workflows.step_forms.params import StepContext

#: The mark of a trigger that stays as it is: the picture of a way would light it.
SAME = "unchanged"


@dataclass(frozen=True)
class Line:
    """One difference: its mark, the mark in words, and what it is about; `step` leads there, "" where it is gone.

    `change` says how what is changed was, and how it will be.
    """

    mark: str
    said: str
    name: str
    sentence: str = ""
    step: str = ""
    change: Change = NOTHING


@dataclass(frozen=True)
class Changes:
    """Everything that differs from what is live, and the picture of the draft."""

    lines: list[Line]
    picture: SafeString


def changes(live: Definition, draft: Definition, editor: str) -> Changes:
    """What a draft, or a later version, would change; `editor` is the address of the editor, where each step leads."""
    found = compare(live, draft)
    lines = []
    if found.trigger:
        lines.append(line(CHANGED, _("Trigger"), step="trigger", change=of_trigger(live, draft)))
    lines += [
        line(
            mark, label_of(draft.by_id[one], draft), said(draft, one), one,
            of_step(live, draft, one) if mark == CHANGED else NOTHING,
        )
        for one, mark in found.marks.items()
    ]  # fmt: skip
    lines += [line(REMOVED, label_of(step, live), said(live, step.id)) for step in found.removed]
    if found.settings:
        lines.append(line(CHANGED, _("Settings"), step=SETTINGS, change=of_settings(live, draft)))
    marks = {**found.marks, "trigger": CHANGED if found.trigger else SAME}
    return Changes(lines, picture(layout(draft), marks, editor, _("The steps, with what has changed")))


def line(mark: str, name: str, sentence: str = "", step: str = "", change: Change = NOTHING) -> Line:
    words = {ADDED: _("Added"), CHANGED: _("Changed"), MOVED: _("Moved"), REMOVED: _("Removed")}
    # How it will be is told by the sentence where that is all that differs.
    return Line(mark, words[mark], name, "" if change.was or change.will_be else sentence, step, change)


def said(definition: Definition, step_id: str) -> str:
    """A step's setting in a sentence."""
    step = definition.by_id[step_id]
    return str(actions[step.action].describe(step.params, StepContext(definition, step)))
