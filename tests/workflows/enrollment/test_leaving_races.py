"""Two who take a record out at once, and two who merge in a circle: one does it, the other is told or does nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from crm.models import Contact
from records.clock import database_now
from records.merging.performing import merge
from records.models import Event, MergedRecord
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.publishing_deals import boss
from workflows import drafting
from workflows.enrollment import recording
from workflows.enrollment.enrolling import enroll
from workflows.enrollment.leaving import unenroll
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = {"id": "wait", "action": "delay", "params": {"days": 1}}
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def live(trigger: dict[str, Any], kind: str = "contact") -> Workflow:
    document = {"format": 1, "object": kind, "trigger": trigger, "steps": [WAIT]}
    workflow = drafting.create("Test", kind, boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def meanwhile(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """Do the first, and before it is committed begin the second elsewhere, which has to wait; what the second did."""

    def elsewhere() -> Any:
        try:
            return second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            answer: Future[Any] = pool.submit(elsewhere)
            wait_until_blocked()
        return answer.exception(30) or answer.result(30)


def wait_until_blocked() -> None:
    for _attempt in range(500):
        with connection.cursor() as cursor:
            # Within a transaction the server shows the activity as it was when it was first asked for.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(BLOCKED)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("The second did not wait for the first.")


def test_a_record_that_two_take_out_at_once_is_told_of_once() -> None:
    workflow = live({"kind": "manual"})
    live({"kind": "event", "events": [{"event": "workflow_unenrolled"}]})
    ann = Contact.objects.create(email="ann@example.com")
    enroll(workflow, [ann.pk], cause={"kind": "manual"}, now=database_now(), manual=True)

    def leave() -> int:
        return unenroll(Enrollment.objects.filter(workflow=workflow), reason="by_hand", by=None, now=database_now())

    assert meanwhile(leave, leave) == 0
    assert Event.objects.filter(event=recording.UNENROLLED).count() == 1


def test_who_merges_in_a_circle_at_once_is_told_where_the_other_one_went() -> None:
    ann, anne = (Contact.objects.create(email=f"{name}@example.com") for name in ("ann", "anne"))
    kind = object_types["contact"]
    error = meanwhile(
        lambda: merge(kind, ann.pk, anne.pk, now=database_now()),
        lambda: merge(kind, anne.pk, ann.pk, now=database_now()),
    )
    assert isinstance(error, DocumentError)
    assert [(problem.path, problem.code) for problem in error.problems] == [("winner", "merged")]
    assert MergedRecord.objects.get().winner_id == ann.pk


def test_events_of_a_workflow_are_recorded_only_where_somebody_listens_for_its_type_of_record() -> None:
    live({"kind": "event", "events": [{"event": "workflow_enrolled"}]}, "deal")
    assert recording.heard(recording.ENROLLED)
    assert recording.heard(recording.ENROLLED, object_type="deal")
    assert not recording.heard(recording.ENROLLED, object_type="contact")
    assert not recording.heard(recording.UNENROLLED)
