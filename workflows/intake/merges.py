"""Whom a merge of two records changes: nobody is enrolled by that, unless the workflow says so (TRG-35, SET-16).

Lists, goals and unenrollment follow a merge like any other change. What somebody has changed besides counts as ever:
who begins to match by a merge and by something else, before either was looked at, is enrolled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from records.merging.movers import SOURCE
from records.models import PendingChange, PendingEvent
from workflows.models import Workflow

#: The key of a workflow's settings.
SETTING = "enroll_merged"
Occurrence = TypeVar("Occurrence", PendingChange, PendingEvent)


def by_merge(occurrence: PendingChange | PendingEvent) -> bool:
    """Whether a merge has caused it."""
    return (occurrence.source or {}).get("kind") == SOURCE


def enrolls_merged(workflow: Workflow) -> bool:
    """Whether a workflow enrolls whom merges have changed."""
    assert workflow.live is not None, "nothing follows a workflow that was never published"
    return (workflow.live.definition.get("settings") or {}).get(SETTING) is True


def counting(workflow: Workflow, occurrences: Sequence[Occurrence]) -> Sequence[Occurrence]:
    """Those that may enroll in a workflow."""
    return occurrences if enrolls_merged(workflow) else [one for one in occurrences if not by_merge(one)]


def counting_causes(workflow: Workflow, causes: Mapping[int, list[PendingChange]]) -> dict[int, list[PendingChange]]:
    """The same for the changes that have reached each record; who was reached by none that counts is left out."""
    kept = {pk: list(counting(workflow, changes)) for pk, changes in causes.items()}
    return {pk: changes for pk, changes in kept.items() if changes}


def entering(workflow: Workflow, record_ids: Iterable[int], causes: Mapping[int, list[PendingChange]]) -> list[int]:
    """The records that something else than a merge has brought to the trigger; time is such a thing."""
    return [pk for pk in record_ids if not causes.get(pk) or counting(workflow, causes[pk])]
