"""A step's context that notices what is asked of it beside what is known beforehand to matter.

What matters to every answer about a step: its own settings, what the whole definition fixes for all steps (object
type, trigger, data sources, settings, centre), and the vocabulary (records.vocabulary). Whoever looks at other steps,
at the step's place among them, or at any other table, is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from records import vocabulary
from workflows.definitions.definition import Branch, Definition, Step
from workflows.step_forms.params import StepContext

Part = TypeVar("Part", bound="Watched")


class Noticing:
    """Whether somebody has looked beyond; as a wrapper around statements it notices those about other tables."""

    def __init__(self) -> None:
        self.beyond = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not vocabulary.covers(sql):
            self.beyond = True
        return execute(sql, params, many, context)


class Watched:
    """Mixed into a part of a definition: all that is asked of it but what is in `known` is noticed."""

    known: ClassVar[frozenset[str]]

    def __getattribute__(self, name: str) -> Any:
        if name not in type(self).known and (not name.startswith("__") or name == "__dict__"):
            # What was made of a part with `replace` notices nothing any more: making it was noticed.
            noticing = object.__getattribute__(self, "__dict__").get("noticing")
            if noticing is not None:
                noticing.beyond = True
        return super().__getattribute__(name)


class WatchedBranch(Watched, Branch):
    known = frozenset({"name", "criteria", "values", "percent"})


class WatchedStep(Watched, Step):
    known = frozenset({"id", "action", "params", "branches", "comment", "retries", "stops"})


class WatchedDefinition(Watched, Definition):
    known = frozenset({"object", "trigger", "settings", "centre"})


class WatchedContext(Watched, StepContext):
    """`shared` may hold anything; the rest is made of what is known, or of the watched parts."""

    known = frozenset(
        {"definition", "step", "user", "workflow", "object_type", "properties", "told", "results", "sources"}
    )


def watched(kind: type[Part], part: Any, noticing: Noticing, **others: Any) -> Part:
    """A part as it is, but for some `others`, that notices."""
    made = object.__new__(kind)
    object.__getattribute__(made, "__dict__").update(vars(part), noticing=noticing, **others)
    return made


def watched_context(context: StepContext, step: Step, noticing: Noticing, vague: Iterable[str] = ()) -> StepContext:
    """The context of a step of the same definition, to be looked at under watch; what is `vague` is read anew."""
    definition = context.definition
    branches = tuple(watched(WatchedBranch, branch, noticing) for branch in step.branches)
    made = watched(
        WatchedContext, context, noticing,
        # The centre follows from the document, which tells more.
        definition=watched(WatchedDefinition, definition, noticing, centre=definition.centre),
        step=watched(WatchedStep, step, noticing, branches=branches),
    )  # fmt: skip
    for name in vague:
        object.__getattribute__(made, "__dict__").pop(name)
    return made
