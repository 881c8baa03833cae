"""The timeline of a record: its changes, activities and enrollments, newest first, a page at a time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.html import escape
from django.utils.translation import gettext as _

from crm.admin.activity_lines import TOLD, activities
from crm.admin.sentences import Teller
from crm.admin.timeline_lines import SIZE, Line, first
from crm.record_links import url
from records.event_types import known_event_types
from records.ids import id_of
from records.journal import changes_of
from records.models import Event
from records.object_types import ObjectType
from workflows.history.event_stories import details_of, seen_by, sentence_of
from workflows.intake.deriving import DERIVED
from workflows.models import Enrollment
from workflows.rights.opening import openable


@dataclass
class Timeline:
    """Some lines, and where the next ones begin ("" at the end); pinned ones come first."""

    lines: list[Line] = field(default_factory=list)
    before: str = ""


def page_of(object_type: ObjectType, record_id: int, user: Any, before: str = "") -> Timeline:
    """The lines older than a place in the timeline; the newest without one."""
    place = parse_place(before)
    lines = changes(object_type, record_id, user, place)
    pinned, told = activities(object_type, record_id, user, place)
    lines += told
    lines += enrollments(object_type, record_id, user, place)
    lines += happened(object_type, record_id, user, place)
    if place is not None:
        lines = [line for line in lines if line.key < place]
    lines.sort(key=lambda line: line.key, reverse=True)
    shown = lines[:SIZE]
    more = len(lines) > SIZE
    return Timeline([*(pinned if place is None else ()), *shown], place_of(shown[-1]) if more else "")


def place_of(line: Line) -> str:
    return f"{line.at.astimezone(dt.UTC).isoformat()}|{line.kind}|{line.id}"


def parse_place(text: str) -> tuple[dt.datetime, str, int] | None:
    at, _bar, rest = text.partition("|")
    kind, _bar, number = rest.partition("|")
    try:
        instant = parse_datetime(at)
    except ValueError:
        return None
    found = id_of(number)
    return (instant, kind, found) if instant and instant.tzinfo and found is not None else None


def changes(object_type: ObjectType, record_id: int, user: Any, place: Any) -> list[Line]:
    found = first(changes_of(object_type, record_id), "at", place)
    found = [change for change in found if not is_activity_link(change)]
    teller = Teller(object_type, found, user)
    return [
        Line(change.at, "change", change.pk, teller.icon(change), teller.sentence(change), teller.who(change))
        for change in found
    ]


def is_activity_link(change: Any) -> bool:
    """Links with activities that have lines of their own."""
    facts = change.after or change.before
    return change.kind in ("associated", "dissociated") and facts.get("to_type") in TOLD


def happened(object_type: ObjectType, record_id: int, user: Any, place: Any) -> list[Line]:
    """Events, but those the timeline tells of in other lines."""
    kinds = known_event_types(object_type.slug)
    told = [slug for slug, kind in kinds.items() if not kind.told]
    rows = Event.objects.filter(object_type=object_type.slug, record_id=record_id).exclude(event__in=told)
    # What meetings and calls tell of has a line of its own.
    rows = rows.exclude(key__isnull=False, key__startswith=DERIVED)
    return [
        Line(
            row.occurred_at,
            "event",
            row.pk,
            "zap",
            sentence_of(kinds.get(row.event), row.event, row.properties),
            body=escape(details_of(kind := kinds.get(row.event), seen_by(user, kind, row.properties))),
        )
        for row in first(rows, "occurred_at", place)
    ]


def enrollments(object_type: ObjectType, record_id: int, user: Any, place: Any) -> list[Line]:
    found = Enrollment.objects.filter(workflow__object_type=object_type.slug, record_id=record_id)
    found = openable(found, user, "workflow")
    lines = []
    for one in first(found.select_related("workflow"), "enrolled_at", place):
        facts = {"workflow": one.workflow.name, "status": one.get_status_display()}
        line = Line(
            one.enrolled_at,
            "enrollment",
            one.pk,
            "workflow",
            _("Workflow “%(workflow)s”: %(status)s") % facts,
            url=url("admin:workflows_enrollment_change", one.pk),
        )
        refused = one.status == Enrollment.Status.REFUSED
        lines.append(dataclasses.replace(line, icon="circle-x") if refused else line)
    return lines
