"""A definition as a nested list: what the canvas shows, to be read aloud, printed, and changed without a script.

Written by Python functions with `escape`, like the canvas. Everything stands in one form: each button sends the
operation it is for, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.definitions.definition import Definition, Step
from workflows.editor.canvas import icon
from workflows.editor.failure_form import note
from workflows.editor.layout import caption, ends
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext


@dataclass
class Reading:
    """What is told beside the steps: problems by step id, where the editor is, and what is being done.

    `moving` is the id of a step that looks for its place, `adding` whether a new one does.
    """

    editor: str
    problems: dict[str, list[str]] = field(default_factory=dict)
    editable: bool = False
    moving: str = ""
    adding: bool = False
    #: Where comments are read, and how many threads about each step are open.
    comments: str = ""
    threads: dict[str, int] = field(default_factory=dict)


def outline(definition: Definition, reading: Reading) -> SafeString:
    """The trigger and the steps under each other, branches as lists in their step."""
    return mark_safe("".join(Outline(definition, reading).parts()))


class Outline:
    """One pass over the definition, in reading order."""

    def __init__(self, definition: Definition, reading: Reading) -> None:
        self.definition, self.reading = definition, reading
        self.context = StepContext(definition)
        self.number = 0

    def parts(self) -> Iterator[str]:
        trigger = triggers[self.definition.trigger.kind]
        sentence = trigger.describe(self.definition.trigger.document, self.definition.object)
        yield '<ol class="outline" role="list"><li id="s-trigger" class="outline-step">'
        yield self.head("trigger", trigger.icon, escape(_("Trigger")), sentence)
        yield "</li>"
        yield from self.steps(self.definition.steps, "steps", _("Add a step after the trigger"))
        yield "</ol>"

    def steps(self, steps: tuple[Step, ...], path: str, first: str) -> Iterator[str]:
        where = first
        for index, step in enumerate(steps):
            yield self.place(f"{path}.{index}", where)
            self.number += 1
            yield from self.step(step, index, len(steps), path)
            number = self.definition.number_of(step.id)
            where = _("Add a step after step %(number)d") % {"number": number}
        if not (steps and ends(steps[-1])):
            yield self.place(f"{path}.{len(steps)}", where)

    def step(self, step: Step, index: int, count: int, path: str) -> Iterator[str]:
        action = actions[step.action]
        title = f'<span class="outline-number">{self.number}.</span> {escape(action.label)}'
        moved = ' aria-current="true"' if step.id == self.reading.moving else ""
        yield f'<li id="s-{escape(step.id)}" class="outline-step"{moved}>'
        yield self.head(step.id, action.icon, title, action.describe(step.params, self.context.at(step)))
        yield from (f'<p class="outline-note">{escape(text)}</p>' for text in (note(step), step.comment) if text)
        if self.reading.editable and not self.choosing:
            yield menu(step, self.number, index, count, path)
        if step.branches:
            yield from self.branches(step, f"{path}.{index}")
        yield "</li>"

    def branches(self, step: Step, path: str) -> Iterator[str]:
        yield '<ul class="outline-branches" role="list">'
        for index, branch in enumerate(step.branches):
            told = actions[step.action].describe_branch(index, self.context.at(step))
            name = caption(branch, index)
            about = f' <span class="muted">{escape(told)}</span>' if told and told != name else ""
            yield f'<li><p class="outline-branch"><strong>{escape(name)}</strong>{about}</p>'
            yield '<ol class="outline" role="list">'
            first = _("Add the first step of the branch %(name)s") % {"name": name}
            yield from self.steps(branch.steps, f"{path}.branches.{index}.steps", first)
            if not branch.steps and not self.choosing:
                yield f'<li class="outline-note muted">{escape(_("No steps: records go on below."))}</li>'
            yield "</ol></li>"
        yield "</ul>"

    def head(self, key: str, symbol: str, title: str, sentence: str) -> str:
        """The name of a step, leading to its settings, its setting in words, and what is wrong with it."""
        link = f'<a href="{escape(self.reading.editor)}?step={escape(key)}">{title}</a>'
        faults = self.reading.problems.get(key, [])
        wrong = "".join(f'<p class="outline-problem">{icon("alert-triangle")} {escape(fault)}</p>' for fault in faults)
        return (
            f'<p class="outline-title">{icon(symbol)} {link}{self.talk(key)}</p>'
            f'<p class="outline-text">{escape(sentence)}</p>{wrong}'
        )

    def talk(self, key: str) -> str:
        """How many threads about a step are open, leading to them."""
        count = self.reading.threads.get(key, 0)
        if not count:
            return ""
        told = ngettext("%(count)d open comment thread", "%(count)d open comment threads", count) % {"count": count}
        url = f"{self.reading.comments}?{urlencode({'step': key})}"
        return f' <a class="outline-talk" href="{escape(url)}">{icon("message")} {escape(told)}</a>'

    @property
    def choosing(self) -> bool:
        return self.reading.adding or bool(self.reading.moving)

    def place(self, path: str, where: str) -> str:
        """Where a step can be put, while one looks for its place."""
        if self.reading.adding:
            return (
                f'<li class="outline-place"><a class="btn btn-small" href="?at={path}">{icon("plus")}'
                f'{escape(_("Add here"))}<span class="visually-hidden">: {escape(where)}</span></a></li>'
            )
        if self.reading.moving:
            op = {"op": "move", "step": self.reading.moving, "to": path}
            return f'<li class="outline-place">{button(op, _("Move here"), where)}</li>'
        return ""


def menu(step: Step, number: int, index: int, count: int, path: str) -> str:
    """What can be done with a step."""
    offered = [button({"op": "duplicate", "step": step.id}, _("Duplicate"))]
    if index:
        offered.append(button({"op": "move", "step": step.id, "to": f"{path}.{index - 1}"}, _("Move up")))
    if index + 1 < count:
        offered.append(button({"op": "move", "step": step.id, "to": f"{path}.{index + 2}"}, _("Move down")))
    offered.append(f'<a class="btn btn-small" href="?move={escape(step.id)}">{escape(_("Move to…"))}</a>')
    offered.append(f'<a class="btn btn-small" href="?copy={escape(step.id)}">{escape(_("Copy as text"))}</a>')
    offered += deletions(step)
    label = _("Change step %(number)d") % {"number": number}
    return (
        f'<details class="outline-menu"><summary class="btn btn-small btn-quiet" aria-label="{escape(label)}">'
        f'{icon("dots")}</summary><div class="toolbar">{"".join(offered)}</div></details>'
    )


def deletions(step: Step) -> Iterator[str]:
    """Deleting a step; a branching can leave the steps of one of its branches in its place."""
    inside = any(branch.steps for branch in step.branches)
    yield button({"op": "delete", "step": step.id}, _("Delete with all its branches") if inside else _("Delete"))
    for index, branch in enumerate(step.branches):
        if branch.steps:
            text = ngettext(
                "Delete, but keep the step of “%(name)s”",
                "Delete, but keep the steps of “%(name)s”",
                len(branch.steps),
            )
            op = {"op": "delete", "step": step.id, "keep": index}
            yield button(op, text % {"name": caption(branch, index)})


def button(op: dict[str, Any], text: str, about: str = "") -> str:
    hidden = f'<span class="visually-hidden">: {escape(about)}</span>' if about else ""
    return f'<button class="btn btn-small" name="op" value="{escape(json.dumps(op))}">{escape(text)}{hidden}</button>'
