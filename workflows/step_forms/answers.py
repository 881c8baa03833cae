"""What actions say of steps, kept until something has changed that they looked at to say it.

After each change the editor asks every step of a draft what is wrong with it, and how its card reads. Of 500 steps one
is another one. An answer is kept under all that is known to matter (workflows.step_forms.watching). An action may look
at anything else as well: at other steps, at tables, at the person. That is noticed the first time, and from then on
that step is asked anew each time. So no action has to promise what it looks at, and one that is new is right from its
first day.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeVar

from django.db import connection
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from records import vocabulary
from workflows.definitions.definition import Definition, Step
from workflows.step_forms.params import StepContext
from workflows.step_forms.watching import Noticing, watched_context

Answer = TypeVar("Answer")
#: The parts of a document that are the same for all of its steps, and that steps may look at.
FRAME = ("object", "trigger", "sources", "settings", "centre")
#: What the contexts of all steps have in common.
SHARED = ("properties", "told", "sources")
KEPT = 20_000
#: By a digest of all that matters; BEYOND stands for a step that is asked anew each time.
kept: OrderedDict[bytes, Any] = OrderedDict()
BEYOND = object()


class Answers:
    """What is said of the steps of one definition, for nobody in particular.

    Made before anything is read that belongs to the vocabulary, inside of `read_once`.
    """

    def __init__(self, definition: Definition, workflow: int | None = None) -> None:
        self.context = StepContext(definition, workflow=workflow)
        frame = {key: definition.document.get(key) for key in FRAME}
        self.frame = digest(frame, workflow, vocabulary.version_once(), get_language(), get_current_timezone_name())
        self.steps: dict[str, bytes] = {}

    @cached_property
    def vague(self) -> list[str]:
        """What all steps share though the frame does not tell all of it: who looks at it looks at more."""
        found = []
        for name in SHARED:
            noticing = Noticing()
            with connection.execute_wrapper(noticing):
                getattr(self.context, name)
            if noticing.beyond:
                found.append(name)
        return found

    def of(self, question: str, step: Step, ask: Callable[[StepContext], Answer]) -> Answer:
        """What `ask` comes to for a step; `question` is what tells it from other ones."""
        found = self.found(question, step, ask)
        answer: Answer = ask(self.context.at(step)) if found is BEYOND else found[0]
        return answer

    def found(self, question: str, step: Step, ask: Callable[[StepContext], Any]) -> Any:
        """The answer in a tuple, or BEYOND."""
        if step.id not in self.steps:
            self.steps[step.id] = digest(self.frame.hex(), own(step))
        key = self.steps[step.id] + question.encode()
        found = kept.get(key)
        if found is None:
            found = kept[key] = self.asked(step, ask)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        return found

    def asked(self, step: Step, ask: Callable[[StepContext], Any]) -> Any:
        """The same, by asking under watch."""
        vague, noticing = self.vague, Noticing()
        with connection.execute_wrapper(noticing):
            answer = ask(watched_context(self.context, step, noticing, vague))
        return BEYOND if noticing.beyond else (answer,)


def own(step: Step) -> list[Any]:
    """A step's own settings, without its place and the steps in its branches."""
    branches = [[one.name, one.criteria, one.values, one.percent] for one in step.branches]
    return [step.id, step.action, step.params, step.comment, step.retries, step.stops, branches]


def digest(*facts: Any) -> bytes:
    """Of JSON as it is written: true is not 1, and 1.0 is not 1."""
    return blake2b(json.dumps(facts).encode(), digest_size=16).digest()
