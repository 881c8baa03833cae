"""The map of dependencies: which workflow reads, changes or names what, for one person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.property_access.rights import rights_of
from records.seeing import may_use
from workflows.dependencies import keeping
from workflows.dependencies.kinds import PROPERTY, WORKFLOW, kinds, valued
from workflows.dependencies.reading import (
    CHANGES,
    DOORS,
    NAMES,
    READS,
    SETTINGS,
    SOURCES,
    STEP,
    SUPPRESSION,
    TRIGGER,
    UNREADABLE,
)
from workflows.models import Revision, Workflow
from workflows.registries import actions
from workflows.rights.opening import closed_to, openable

WAYS = {READS: gettext_lazy("reads"), CHANGES: gettext_lazy("changes"), NAMES: gettext_lazy("uses")}
PLACES = {
    TRIGGER: gettext_lazy("trigger"), DOORS: gettext_lazy("goal and unenrollment"),
    SUPPRESSION: gettext_lazy("suppression"), SOURCES: gettext_lazy("data sources"),
    SETTINGS: gettext_lazy("settings"),
}  # fmt: skip
LIVE, DRAFT, BOTH = "live", "draft", "both"
STATES = {LIVE: gettext_lazy("live"), DRAFT: gettext_lazy("draft"), BOTH: gettext_lazy("live and draft")}


@dataclass(frozen=True)
class Asked:
    """What of the map somebody wants to see; everything where all is empty."""

    workflow: int | None = None
    #: One thing, as (kind, key).
    thing: tuple[str, str] | None = None
    kind: str = ""
    way: str = ""
    text: str = ""


@dataclass(frozen=True)
class Thing:
    """A thing as the map shows it; `gone`: it is named, but there is none (any more)."""

    kind: str
    key: str
    name: str
    gone: bool = False

    @property
    def kind_label(self) -> str:
        return str(kinds[self.kind].label)

    @property
    def icon(self) -> str:
        return str(kinds[self.kind].icon)


@dataclass(frozen=True)
class Line:
    """One workflow's use of one thing in one way, with the steps and other places where, in words."""

    workflow: Workflow
    thing: Thing
    way: str
    state: str
    #: (id of the step or "", the place in words).
    places: tuple[tuple[str, str], ...]

    @property
    def way_label(self) -> str:
        return str(WAYS[self.way])

    @property
    def state_label(self) -> str:
        return str(STATES[self.state])


@dataclass(frozen=True)
class Map:
    """The lines somebody may see, by workflow; `unreadable`: workflows with a version that cannot be read."""

    lines: list[Line]
    unreadable: list[Workflow]


def map_for(user: Any, asked: Asked) -> Map:
    """What a person may know of the map: no closed workflow, no hidden property, nothing they may not see besides."""
    keeping.refresh()
    rows = openable(keeping.current(), user, "workflow").select_related("workflow")
    if asked.workflow is not None:
        # Also what others do with it.
        own = {"kind": WORKFLOW, "key": str(asked.workflow)}
        rows = rows.filter(Q(workflow=asked.workflow) | Q(uses__contains=[own]))
    if asked.thing is not None:
        rows = rows.filter(uses__contains=[{"kind": asked.thing[0], "key": asked.thing[1]}])
    revisions = list(rows.order_by("workflow__name", "workflow", "pk"))
    found: dict[tuple[int, str, str, str], dict[str, list[str]]] = {}
    unreadable: dict[int, Workflow] = {}
    for revision in revisions:
        for use in revision.uses:
            if use["kind"] == UNREADABLE:
                unreadable[revision.workflow_id] = revision.workflow
            elif wanted(use, revision.workflow_id, asked):
                key = (revision.workflow_id, use["kind"], use["key"], use["way"])
                state = LIVE if revision.pk == revision.workflow.live_id else DRAFT
                found.setdefault(key, {}).setdefault(state, []).append(use["place"])
    things = things_of({(kind, key) for _workflow, kind, key, _way in found}, user)
    return Map(list(searched(lines_of(revisions, found, things), asked.text)), [*unreadable.values()])


def wanted(use: Mapping[str, str], workflow: int, asked: Asked) -> bool:
    if (asked.kind and use["kind"] != asked.kind) or (asked.way and use["way"] != asked.way):
        return False
    if asked.thing is not None and (use["kind"], use["key"]) != asked.thing:
        return False
    return asked.workflow in (None, workflow) or (use["kind"], use["key"]) == (WORKFLOW, str(asked.workflow))


def things_of(keys: Collection[tuple[str, str]], user: Any) -> dict[tuple[str, str], Thing]:
    """The things a person may know of, with their names: a query for each kind."""
    rights, closed, values = rights_of(user), closed_to(user), set(valued.values())
    found: dict[tuple[str, str], Thing] = {}
    for slug, kind in kinds.items():
        own = {key for of, key in keys if of == slug}
        if not own or (kind.permission and user is not None and not may_use(user, kind.permission)):
            continue
        if slug == PROPERTY:
            own = {key for key in own if "." in key and rights.may_view(*key.split(".", 1))}
        elif slug == WORKFLOW:
            own -= closed
        elif slug in values:
            own = {key for key in own if "." in key and rights.may_view(*key.split(".")[:2])}
        names = kind.names(own) if own else {}
        for key in own:
            # Not every value of a property is a thing.
            if key in names or slug not in values:
                found[slug, key] = Thing(slug, key, names.get(key, key), gone=key not in names)
    return found


def lines_of(
    revisions: Iterable[Revision],
    found: Mapping[tuple[int, str, str, str], Mapping[str, list[str]]],
    things: Mapping[tuple[str, str], Thing],
) -> Iterator[Line]:
    workflows: dict[int, Workflow] = {}
    steps: dict[int, dict[str, str]] = {}
    for revision in revisions:  # The draft, which comes after the live one, numbers the steps as the canvas does.
        workflows[revision.workflow_id] = revision.workflow
        steps.setdefault(revision.workflow_id, {}).update(step_words(revision.definition))
    for (workflow, kind, key, way), places in found.items():
        if (kind, key) in things:
            every = sorted({place for names in places.values() for place in names})
            state = BOTH if len(places) > 1 else next(iter(places))
            told = tuple(place_words(place, steps[workflow]) for place in every)
            yield Line(workflows[workflow], things[kind, key], way, state, told)


def step_words(document: Any) -> dict[str, str]:
    """Of each step's id its number on the canvas and what it does."""
    found: dict[str, str] = {}

    def walk(steps: Any) -> None:
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict):
                action = actions.get(str(step.get("action")))
                facts = {"number": len(found) + 1, "action": action.label if action is not None else "?"}
                found[str(step.get("id", ""))] = _("%(number)d. %(action)s") % facts
                for branch in step.get("branches") or ():
                    walk(branch.get("steps") if isinstance(branch, dict) else None)

    walk(document.get("steps") if isinstance(document, dict) else None)
    return found


def place_words(place: str, steps: Mapping[str, str]) -> tuple[str, str]:
    if place.startswith(STEP):
        step = place.removeprefix(STEP)
        return step, steps.get(step, step)
    return "", capfirst(str(PLACES.get(place, place)))


def searched(lines: Iterable[Line], text: str) -> Iterator[Line]:
    """The lines whose workflow's or thing's name has every word of a text in it."""
    words = text.casefold().split()
    for line in lines:
        told = f"{line.workflow.name} {line.thing.name} {line.thing.key}".casefold()
        if all(word in told for word in words):
            yield line
