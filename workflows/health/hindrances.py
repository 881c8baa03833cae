"""What dispatching has set aside, in words: which part an error keeps from its work, and when it is tried again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.models import RecordList
from records.object_types import object_types
from workflows import doorbell
from workflows.intake import isolating
from workflows.models import Hindrance, Subscription, Workflow

SHOWN = 50
#: By the kind of part, without a name.
PARTS = {
    isolating.DELETION: gettext_lazy("Unenrolling deleted records"),
    isolating.SUPPRESSION: gettext_lazy("Unenrolling records in suppression lists"),
    isolating.REACTION: gettext_lazy("Enrolling by the event trigger"),
    isolating.MERGE: gettext_lazy("Following merged records"),
    isolating.WAITING: gettext_lazy("Waking records that wait for an event"),
    isolating.LOOKUP: gettext_lazy("Finding the triggers and lists that changes concern"),
}
PURPOSES: dict[str, Any] = {
    Subscription.Purpose.TRIGGER: gettext_lazy("Enrolling by the trigger’s filters"),
    Subscription.Purpose.REENROLLMENT: gettext_lazy("Enrolling again by a filter of the trigger"),
    Subscription.Purpose.GOAL: gettext_lazy("Following the goal"),
    Subscription.Purpose.UNENROLLMENT: gettext_lazy("Following the unenrollment criteria"),
}


@dataclass(frozen=True)
class Hindered:
    """A part of dispatching that raises: what it is, of which workflow, and how much is set aside for it."""

    hindrance: Hindrance
    what: str
    workflow: Workflow | None
    aside: int


def hindered() -> list[Hindered]:
    """Everything that an error keeps dispatching from, the oldest first."""
    rows = Hindrance.objects.select_related("workflow").annotate(set_aside=Count("aside")).order_by("since")[:SHOWN]
    return [described(row, int(row.set_aside)) for row in rows]


def described(hindrance: Hindrance, aside: int) -> Hindered:
    workflow = hindrance.workflow
    if hindrance.kind == isolating.DERIVATION:
        kind: Any = object_types.get(hindrance.object_type)
        facts = {"records": kind.label_plural if kind else hindrance.object_type, "rule": hindrance.name}
        return Hindered(hindrance, _("Events that follow from changes of %(records)s (%(rule)s)") % facts, None, aside)
    if hindrance.kind != isolating.SEGMENT:
        return Hindered(hindrance, str(PARTS.get(hindrance.kind, hindrance.kind)), workflow, aside)
    if found := RecordList.objects.filter(segment=hindrance.segment_id).first():
        return Hindered(hindrance, _("Keeping the list “%(name)s” up to date") % {"name": found.name}, None, aside)
    own = Subscription.objects.filter(segment=hindrance.segment_id).select_related("revision__workflow").first()
    if own is None:
        return Hindered(hindrance, _("Following criteria"), None, aside)
    return Hindered(hindrance, str(PURPOSES.get(own.purpose, own.purpose)), own.revision.workflow, aside)


def try_now(hindrance_id: int, now: dt.datetime) -> bool:
    """Have a part tried again at once; False when nothing is set aside for it any more."""
    found = Hindrance.objects.filter(pk=hindrance_id).update(due_at=now) > 0
    if found:
        doorbell.ring("high")
    return found
