"""The timeline of a record: its changes, tasks, notes and enrollments, newest first, a page at a time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import nh3
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from crm.admin.sentences import Teller
from crm.models import Note, Task
from crm.record_links import may, url, url_of, users_by_id
from records.associations import ids_of
from records.event_types import known_event_types
from records.ids import id_of
from records.journal import changes_of
from records.models import Event
from records.object_types import ObjectType, object_types
from workflows.history.event_stories import details_of, sentence_of
from workflows.models import Enrollment

SIZE = 20


@dataclass(frozen=True)
class Line:
    """One thing that happened. `body` is safe HTML."""

    at: dt.datetime
    kind: str
    id: int
    icon: str
    sentence: SafeString | str
    who: SafeString | str = ""
    body: SafeString | str = ""
    url: str = ""
    task: Task | None = None

    @property
    def key(self) -> tuple[dt.datetime, str, int]:
        return (self.at, self.kind, self.id)


@dataclass
class Timeline:
    """Some lines, and where the next ones begin ("" at the end)."""

    lines: list[Line] = field(default_factory=list)
    before: str = ""


def page_of(object_type: ObjectType, record_id: int, user: Any, before: str = "") -> Timeline:
    """The lines older than a place in the timeline; the newest without one."""
    place = parse_place(before)
    lines = changes(object_type, record_id, place)
    for slug, read in (("note", notes), ("task", tasks)):
        if slug != object_type.slug and may(user, "view", object_types[slug]):
            lines += read(object_type, record_id, place)
    lines += enrollments(object_type, record_id, place)
    lines += happened(object_type, record_id, place)
    if place is not None:
        lines = [line for line in lines if line.key < place]
    lines.sort(key=lambda line: line.key, reverse=True)
    shown = lines[:SIZE]
    more = len(lines) > SIZE
    return Timeline(shown, place_of(shown[-1]) if more else "")


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


def first(queryset: QuerySet, column: str, place: tuple[dt.datetime, str, int] | None) -> list[Any]:
    """The newest rows at or before the place; enough that a page and its successor can be told."""
    if place is not None:
        queryset = queryset.filter(**{f"{column}__lte": place[0]})
    return list(queryset.order_by(f"-{column}", "-id")[: SIZE + 5])


def changes(object_type: ObjectType, record_id: int, place: Any) -> list[Line]:
    found = first(changes_of(object_type, record_id), "at", place)
    found = [change for change in found if not is_activity_link(change)]
    teller = Teller(object_type, found)
    return [
        Line(change.at, "change", change.pk, teller.icon(change), teller.sentence(change), teller.who(change))
        for change in found
    ]


def is_activity_link(change: Any) -> bool:
    """Links with tasks and notes: these have lines of their own."""
    facts = change.after or change.before
    return change.kind in ("associated", "dissociated") and facts.get("to_type") in ("task", "note")


def notes(object_type: ObjectType, record_id: int, place: Any) -> list[Line]:
    note_type = object_types["note"]
    ids = ids_of(object_type, [record_id], note_type).get(record_id, [])
    found = first(Note.objects.filter(pk__in=ids), "created_at", place)
    people = users_by_id(note.owner_id for note in found)
    return [
        Line(
            note.created_at,
            "note",
            note.pk,
            "sticky-note",
            _("Note"),
            people.get(note.owner_id, ""),
            safe_body(note.body),
            url_of(note_type, note.pk),
        )
        for note in found
    ]


def safe_body(body: str) -> SafeString:
    """A note's text as HTML: what nh3 lets through, with line breaks where it is plain."""
    return mark_safe(nh3.clean(body if "<" in body else linebreaks(body)))


def tasks(object_type: ObjectType, record_id: int, place: Any) -> list[Line]:
    task_type = object_types["task"]
    ids = ids_of(object_type, [record_id], task_type).get(record_id, [])
    found = first(Task.objects.filter(pk__in=ids), "created_at", place)
    people = users_by_id(task.owner_id for task in found)
    return [
        Line(
            task.created_at,
            "task",
            task.pk,
            "check-square",
            _("Task: %(title)s") % {"title": task.title},
            people.get(task.owner_id, _("nobody")),
            safe_body(task.body) if task.body else "",
            url_of(task_type, task.pk),
            task,
        )
        for task in found
    ]


def happened(object_type: ObjectType, record_id: int, place: Any) -> list[Line]:
    """Events, but those the timeline tells of in other lines."""
    kinds = known_event_types(object_type.slug)
    told = [slug for slug, kind in kinds.items() if not kind.told]
    rows = Event.objects.filter(object_type=object_type.slug, record_id=record_id).exclude(event__in=told)
    return [
        Line(
            row.occurred_at,
            "event",
            row.pk,
            "zap",
            sentence_of(kinds.get(row.event), row.event, row.properties),
            body=escape(details_of(kinds.get(row.event), row.properties)),
        )
        for row in first(rows, "occurred_at", place)
    ]


def enrollments(object_type: ObjectType, record_id: int, place: Any) -> list[Line]:
    found = Enrollment.objects.filter(workflow__object_type=object_type.slug, record_id=record_id)
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
