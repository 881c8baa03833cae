"""Published revisions next to each other: what one changed of another, step by step (HIS-18)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from workflows.definitions.definition import Definition, Step
from workflows.drafting import comparing
from workflows.drafting.auditing import changes
from workflows.history.auditing import shown
from workflows.models import Revision, Workflow
from workflows.registries import actions

#: What of a document is no step, under the words people know it by.
TRIGGER, SETTINGS = "trigger", "settings"


@dataclass(frozen=True)
class Changed:
    """One step, the trigger or the settings: what became of it, and what each of its values was and is.

    `mark` is "added", "changed", "moved" or "removed"; `number` is the step's in the later revision.
    """

    place: str
    label: str
    mark: str
    number: int | None = None
    values: tuple[tuple[str, str, str], ...] = ()


def published(workflow: Workflow) -> QuerySet[Revision]:
    """The revisions that were ever live, newest first."""
    return workflow.revisions.exclude(published_at=None).select_related("published_by").order_by("-number")


def between(before: Definition, after: Definition) -> list[Changed]:
    """What has to be done to one definition to have the other, in the order in which people read."""
    marks = comparing.compare(before, after)
    found = []
    if marks.trigger:
        found.append(Changed(TRIGGER, _("Trigger"), comparing.CHANGED, None, part(before, after, comparing.DOOR)))
    for step in after.walk():
        if mark := marks.marks.get(step.id):
            old = before.by_id.get(step.id)
            values = told(settings_of(old), settings_of(step)) if old is not None else ()
            found.append(Changed(step.id, label_of(step), mark, after.number_of(step.id), values))
    found += [Changed(step.id, label_of(step), comparing.REMOVED) for step in marks.removed]
    if marks.settings:
        values = part(before, after, comparing.SETTINGS)
        found.append(Changed(SETTINGS, _("Settings"), comparing.CHANGED, None, values))
    return found


def label_of(step: Step) -> str:
    return str(actions[step.action].label)


def part(before: Definition, after: Definition, keys: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    old, new = ({key: one.document.get(key) or {} for key in keys} for one in (before, after))
    return told(old, new)


def settings_of(step: Step) -> dict[str, Any]:
    """What a step is set to, without the steps in its branches."""
    ways = [
        {"name": branch.name, "criteria": branch.criteria, "values": branch.values, "percent": branch.percent}
        for branch in step.branches
    ]
    return {
        "action": step.action, "params": step.params, "comment": step.comment, "retries": step.retries,
        "stops": step.stops, "branches": ways,
    }  # fmt: skip


def told(before: dict[str, Any], after: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    found = changes(jsonable(before), jsonable(after))
    return tuple((str(one["at"]), shown(one["before"]), shown(one["after"])) for one in found)


def jsonable(value: Any) -> Any:
    """Tuples as the lists they were in the document."""
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    return [jsonable(item) for item in value] if isinstance(value, list | tuple) else value
