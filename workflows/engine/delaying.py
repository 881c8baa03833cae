"""What the delays until a certain time have in common: whose clocks count, how records are held, how it is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Option, Property
from workflows.actions.base import Action
from workflows.engine.writing import current_values
from workflows.step_forms.params import StepContext
from workflows.step_forms.time_fields import ZONE
from workflows.times.moments import shown_moment
from workflows.times.wall_time import workflow_zone, zone_named

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

Key = TypeVar("Key", bound=Hashable)


class DelayUntil(Action):
    """Holds records until an instant. Only steers: so windows never shift it (DLY-14), and it runs in workflows that
    are off (LIF-02)."""

    group = gettext_lazy("Flow")
    flow = True

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {f"{context.object_type.slug}.{ZONE}"} if document.get("zone") == "record" else set()

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        if outcome == "waiting":
            return format_html(_("Waits until {until}"), until=shown_moment(detail.get("until")))
        return _("The wait was over")


class DelayUntilDate(DelayUntil):
    """Holds records until a date, which may be past: then they go on at once, and say so (DLY-01, DLY-04)."""

    #: What its output `state` may be.
    states: tuple[Option, ...] = (
        Option("waited", gettext_lazy("The record waited")),
        Option("past", gettext_lazy("The date was past")),
    )

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"state": Property("state", gettext_lazy("Whether it waited"), "select", options_source=self.states)}

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        go_on(batch, batch.enrollments, "waited")

    def hold(self, batch: Batch, enrollments: list[Standing], until: dt.datetime, /, **facts: Any) -> None:
        """Have enrollments wait, or go on where it is too late to."""
        facts["until"] = until.isoformat()
        if until > batch.now:
            batch.wait(enrollments, until, **facts)
        else:
            go_on(batch, enrollments, "past", **facts)


def go_on(batch: Batch, enrollments: Iterable[Standing], state: str, /, **facts: Any) -> None:
    """The records go on; how it came about is an output that later branches can ask for (DLY-04)."""
    enrollments = list(enrollments)
    batch.done(enrollments, state=state, **facts)
    for enrollment in enrollments:
        batch.output(enrollment, state=state)


def zones(batch: Batch, choice: str | None) -> Callable[[Standing], dt.tzinfo]:
    """Whose clocks count for an enrollment: the workflow's, or the record's as far as it has a zone that is known."""
    own = workflow_zone(batch.definition.settings)
    prop = batch.properties.get(ZONE) if choice == "record" else None
    if prop is None:
        return lambda enrollment: own
    names = current_values(batch, prop)
    return lambda enrollment: zone_named(str(names.get(enrollment.record_id) or "")) or own


def grouped(enrollments: Iterable[Standing], key: Callable[[Standing], Key]) -> dict[Key, list[Standing]]:
    """The enrollments that share an answer, by what they share: an answer per group is logged as cheaply as one."""
    groups: dict[Key, list[Standing]] = {}
    for enrollment in enrollments:
        groups.setdefault(key(enrollment), []).append(enrollment)
    return groups


def in_zone(sentence: str, document: dict[str, Any]) -> str:
    """A card's sentence, with whose time it is where that is not the workflow's."""
    return _("%(sentence)s in the record’s time zone") % {"sentence": sentence} if own_zone(document) else sentence


def own_zone(document: dict[str, Any]) -> bool:
    return document.get("zone") == "record"
