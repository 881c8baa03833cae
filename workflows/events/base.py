"""What every event answers: a record can wait for it, and it can trigger workflows.

An event the journal or the engine tells of is one file in an `events` folder; the event types of records.event_types
are events by themselves (workflows.events.stored).
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from records.object_types import ObjectType
from records.properties import Text
from workflows.step_forms.params import StepContext
from workflows.times.wall_time import workflow_zone

#: The key of `Want.wanted` for the zone whose days filters on an event's properties count.
ZONE = "zone"


@dataclass(frozen=True)
class Want:
    """What the records on a step wait for: where occurrences come from and how they reach the record.

    `wanted` is what `Event.found` compares them with; JSON.
    """

    source: str
    through: str
    wanted: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """One record that waits. `id` is its enrollment's; only what comes after `mark` counts (DLY-08)."""

    id: int
    object_type: str
    record_id: int
    event: str
    through: str
    wanted: dict[str, Any]
    mark: int
    since: dt.datetime
    happened_at: dt.datetime | None
    check_at: dt.datetime | None

    @property
    def identity(self) -> tuple[Any, ...]:
        """Differs when the record waits again, or for something else."""
        return self.id, self.event, self.through, str(self.wanted), self.mark, self.since


class Event(ABC):
    """One kind of event.

    `mark` is SQL for where its history stands now, for a row `v` of record ids (`v.record_id`) and the parameter
    `wanted`. `again`: how often waits are compared with the history although nothing was announced, for kinds whose
    announcement another transaction may miss.
    """

    slug: str
    label: Text
    category: Text = gettext_lazy("Records")
    mark: str
    again: dt.timedelta | None = None
    #: Whether a record can wait for it, and whether it can enroll records.
    waited = True
    triggering = True
    #: A sentence that says what is still to be done before it can begin anything.
    unfinished: Text = ""
    #: Who may bring it into a workflow (TRG-12); "" is everybody.
    permission = ""

    def offered(self, object_type: ObjectType) -> bool:
        """Whether records of a type can wait for it."""
        return True

    def fields(self) -> dict[str, forms.Field]:
        """The settings that say what exactly is waited for, besides those of the delay."""
        return {}

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        """The event in a sentence without an end, also for settings that are not finished or years old."""
        return str(self.label)

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        """The properties the wait reads, as "object_type.property"."""
        return set()

    def facts(self, document: dict[str, Any], context: StepContext) -> dict[str, Any]:
        """What the log keeps of the settings, so that `describe` can tell them without asking the database."""
        return {name: document[name] for name in self.fields() if name in document}

    @abstractmethod
    def want(self, params: dict[str, Any], context: StepContext) -> Want:
        """What to wait for, from cleaned settings; a constant number of queries."""

    def filters(self, params: dict[str, Any], context: StepContext) -> dict[str, Any]:
        """The part of `Want.wanted` that says which occurrences count: filters, and whose days they count."""
        where = params.get("where")
        return {"where": where, ZONE: workflow_zone(context.definition.settings).key} if where else {}

    def rows(self, document: dict[str, Any], object_type: ObjectType) -> ObjectType | None:
        """What filters on the event's properties (`where`) are about; None when it has none (yet)."""
        return None

    def detail(self, params: dict[str, Any]) -> str:
        """Which occurrences of `Want.source` can trigger: a property, or a kind of change (see `details_of`)."""
        return ""

    @abstractmethod
    def found(self, waits: Sequence[Wait]) -> dict[int, dt.datetime]:
        """When it happened for each of these waits for which it has, by their id.

        Compares with the committed history since each wait's mark, with a constant number of queries.
        """
