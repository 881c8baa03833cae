"""What timelines tell of the activities a record is associated with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from crm.admin.timeline_lines import Line, Place, first, safe_body
from crm.models import Call, Email, Meeting, Note, Task
from crm.record_links import may, url_of, users_by_id
from records.associations import associations_of
from records.models import Association
from records.object_types import ObjectType, object_types

#: Pinned notes that stand above a timeline.
PINNED = 5


@dataclass(frozen=True)
class Telling:
    """How to tell of activities of one type: in which words, and since when (`at`, else when they were written)."""

    sentence: Callable[[Any], str]
    at: str = "created_at"


def of_note(note: Note) -> str:
    return _("Note")


def of_task(task: Task) -> str:
    return _("Task: %(title)s") % {"title": task.title}


def of_meeting(meeting: Meeting) -> str:
    return _("Meeting: %(title)s (%(outcome)s)") % {"title": meeting.title, "outcome": meeting.get_outcome_display()}


def of_call(call: Call) -> str:
    ended = call.get_outcome_display() or call.get_status_display()
    return _("Call: %(title)s (%(outcome)s)") % {"title": call.title, "outcome": ended}


def of_email(email: Email) -> str:
    if email.direction == Email.Direction.INCOMING:
        return _("Email received: %(subject)s") % {"subject": email.subject}
    return _("Email: %(subject)s (%(status)s)") % {"subject": email.subject, "status": email.get_status_display()}


#: The types whose records are lines of the timelines of those they are associated with, instead of panels.
TOLD = {
    "note": Telling(of_note), "task": Telling(of_task), "meeting": Telling(of_meeting, "starts_at"),
    "call": Telling(of_call, "happened_at"), "email": Telling(of_email, "sent_at"),
}  # fmt: skip


def activities(object_type: ObjectType, record_id: int, user: Any, place: Place) -> tuple[list[Line], list[Line]]:
    """The activities the person may see: pinned notes, and all others up to the place, as lines.

    A statement for the links, one for each type there is, one for pinned notes.
    """
    shown = [slug for slug in TOLD if slug != object_type.slug and slug in associations_of(object_type)]
    links = Association.objects.filter(from_type=object_type.slug, from_id=record_id, to_type__in=shown)
    ids: dict[str, set[int]] = defaultdict(set)
    for to_type, to_id in links.values_list("to_type", "to_id"):
        ids[to_type].add(to_id)
    note = object_types["note"]
    pinned = pinned_notes(ids["note"]) if ids["note"] and may(user, "view", note) else []
    ids["note"] -= {one.pk for one in pinned}
    found = [
        (object_types[slug], record)
        for slug in shown
        if ids[slug] and may(user, "view", object_types[slug])
        for record in newest(slug, ids[slug], place)
    ]
    people = users_by_id(record.owner_id for record in [*pinned, *(record for _kind, record in found)])
    return [line(note, one, people) for one in pinned], [line(kind, record, people) for kind, record in found]


def pinned_notes(ids: set[int]) -> list[Any]:
    """The newest of the notes that are pinned; older ones stand among the others."""
    rows = object_types["note"].records().filter(pk__in=ids, pinned=True)
    return list(rows.annotate(told_at=F("created_at")).order_by("-created_at", "-id")[:PINNED])


def newest(slug: str, ids: set[int], place: Place) -> list[Any]:
    rows = object_types[slug].records().filter(pk__in=ids)
    return first(rows.annotate(told_at=Coalesce(TOLD[slug].at, "created_at")), "told_at", place)


def line(kind: ObjectType, record: Any, people: dict[int, str]) -> Line:
    return Line(
        record.told_at,
        kind.slug,
        record.pk,
        kind.icon,
        TOLD[kind.slug].sentence(record),
        people.get(record.owner_id, _("nobody") if kind.slug == "task" else ""),
        safe_body(record.body) if record.body else "",
        url_of(kind, record.pk),
        record if kind.slug == "task" else None,
        kind.slug == "note" and record.pinned,
    )
