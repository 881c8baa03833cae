"""Meetings and calls tell by themselves what happens to the records they are associated with."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Call, Contact, Deal, Meeting
from records.associations import associate
from records.clock import database_now
from records.journal import change_source
from records.merging.performing import merge
from records.models import Event
from records.object_types import object_types
from records.saving import Row, save_batch
from workflows import drafting
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Enrollment

pytestmark = pytest.mark.django_db


def run() -> None:
    while dispatch(database_now()):
        pass


def told(event: str, **about: Any) -> list[tuple[str, int, dict[str, Any]]]:
    rows = Event.objects.filter(event=event, **about).order_by("object_type", "record_id", "id")
    return [(row.object_type, row.record_id, row.properties) for row in rows]


@pytest.fixture
def ann(db: Any) -> Contact:
    return Contact.objects.create(email="ann@example.com")


@pytest.mark.covers("EVT-18")
def test_a_meeting_is_booked_for_those_it_is_associated_with_once_each(ann: Contact, boss: Any) -> None:
    deal = Deal.objects.create(name="Big")
    links = [{"type": "contact", "id": ann.pk}, {"type": "deal", "id": deal.pk}]
    (saved,) = save_batch(
        object_types["meeting"],
        [Row({"title": "Demo", "owner": "boss", "starts_at": "2030-01-02T10:00:00Z"}, associations=links)],
    )
    run()
    facts = {"meeting": "Demo", "host": boss.pk, "starts_at": "2030-01-02T10:00:00+00:00"}
    assert told("meeting_booked") == [("contact", ann.pk, facts), ("deal", deal.pk, facts)]
    associate("contact", "meeting", [(ann.pk, saved.id or 0)], "again")
    done = Meeting.objects.create(title="Was long ago", outcome="completed")
    associate("meeting", "contact", [(done.pk, ann.pk)])
    run()
    assert len(told("meeting_booked")) == 2


@pytest.mark.covers("EVT-19")
def test_another_outcome_of_a_meeting_is_told_to_all_it_is_associated_with(ann: Contact) -> None:
    meeting = Meeting.objects.create(title="Demo")
    associate("meeting", "contact", [(meeting.pk, ann.pk)])
    run()
    for outcome in ("no_show", "no_show", "completed"):
        Meeting.objects.filter(pk=meeting.pk).update(outcome=outcome, location="Room 1")
        run()
    assert [facts["outcome"] for _type, _id, facts in told("meeting_outcome_changed")] == ["no_show", "completed"]


@pytest.mark.covers("EVT-20", "EVT-21")
def test_calls_begin_and_end_when_they_were_in_progress_here(ann: Contact) -> None:
    logged = Call.objects.create(title="Logged", status="completed")
    begun = Call.objects.create(title="Now", status="in_progress", direction="outbound", number="+46 1")
    queued = Call.objects.create(title="Later", status="queued")
    for call in (logged, begun, queued):
        associate("call", "contact", [(call.pk, ann.pk)])
    run()
    assert told("call_started") == [("contact", ann.pk, {"direction": "outbound", "number": "+46 1"})]
    Call.objects.filter(pk=queued.pk).update(status="in_progress")
    Call.objects.filter(pk=begun.pk).update(status="completed", duration=65, outcome="connected")
    run()
    assert len(told("call_started")) == 2
    facts = {"direction": "outbound", "number": "+46 1", "seconds": 65, "outcome": "connected"}
    assert told("call_ended") == [("contact", ann.pk, facts)]


@pytest.mark.covers("EVT-20", "EVT-21")
def test_a_call_that_has_ended_before_anybody_looked_has_begun_all_the_same(ann: Contact) -> None:
    call = Call.objects.create(title="Short", status="ringing")
    associate("call", "contact", [(call.pk, ann.pk)])
    Call.objects.filter(pk=call.pk).update(status="no_answer")
    run()
    assert [len(told(event)) for event in ("call_started", "call_ended")] == [1, 1]


@pytest.mark.covers("EVT-18")
def test_a_booked_meeting_enrolls_and_keeps_what_caused_it(ann: Contact, boss: Any) -> None:
    where = [{"property": "meeting", "operator": "contains_any_of", "value": ["Demo"]}]
    definition = {
        "format": 1, "object": "contact",
        "trigger": {"kind": "event", "events": [{"event": "meeting_booked", "where": where}]},
        "steps": [{"id": "wait", "action": "delay", "params": {"days": 1}}],
    }  # fmt: skip
    workflow = drafting.create("Booked", "contact", boss, definition)
    publishing.publish(workflow, by=boss, now=database_now(), enroll_existing=False)
    with change_source("workflow", depth=3, workflow=7):
        meeting = Meeting.objects.create(title="Demo")
        associate("meeting", "contact", [(meeting.pk, ann.pk)])
    run()
    (enrollment,) = Enrollment.objects.filter(workflow=workflow)
    assert (enrollment.record_id, enrollment.cause["event"], enrollment.cause["depth"]) == (
        ann.pk,
        "meeting_booked",
        3,
    )


def test_the_number_of_statements_does_not_grow_with_the_meetings(ann: Contact) -> None:
    counts = []
    for many in (2, 40):
        meetings = Meeting.objects.bulk_create(Meeting(title=f"M{i}") for i in range(many))
        associate("meeting", "contact", [(meeting.pk, ann.pk) for meeting in meetings])
        with CaptureQueriesContext(connection) as queries:
            dispatch(database_now())
        counts.append(len(queries))
    assert len(told("meeting_booked")) == 42 and counts[0] == counts[1]


def test_merged_contacts_do_not_book_their_meetings_again(ann: Contact) -> None:
    other = Contact.objects.create(email="other@example.com")
    meeting = Meeting.objects.create(title="Demo")
    associate("meeting", "contact", [(meeting.pk, other.pk)])
    run()
    merge(object_types["contact"], ann.pk, other.pk, now=database_now())
    run()
    assert [properties for _type, pk, properties in told("meeting_booked") if pk not in (ann.pk, other.pk)] == []
    assert len(told("meeting_booked", key__isnull=False)) == 1
