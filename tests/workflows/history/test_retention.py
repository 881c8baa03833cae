"""What is older than it is kept goes, a month or some thousand rows at a time; everything else stays."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from crm.models import Contact
from records.clock import database_now
from records.models import Change, Event, EventKey
from records.partitions import ensure_partitions
from tests.workflows.building import enroll, make_workflow, step
from workflows.history import retention
from workflows.models import CodeRun, Delivery, Enrollment, Outcome, StepExecution

pytestmark = pytest.mark.django_db
YEAR = dt.timedelta(days=365)


def happened(at: dt.datetime, key: str = "") -> None:
    Event.objects.create(event="page_viewed", object_type="contact", record_id=1, occurred_at=at, received_at=at)
    if key:
        EventKey.objects.create(event="page_viewed", key=key, at=at)


def partitions(table: str) -> set[str]:
    return set(retention.months(table))


def forget(now: dt.datetime) -> int:
    count = 0
    while retention.prune(now):
        count += 1
    return count


@pytest.mark.covers("HIS-03", "LIM-08")
def test_events_and_changes_are_kept_two_years_and_then_go_month_by_month(settings: Any) -> None:
    now = database_now()
    long_ago = now - 3 * YEAR
    for table in ("records_event", "records_change"):
        ensure_partitions(table, long_ago)
    for age in (3 * YEAR, 5 * YEAR, 1.9 * YEAR, dt.timedelta(0)):
        happened(now - age, f"k{age.days}")
    Change.objects.create(object_type="contact", record_id=1, kind="updated", at=long_ago)
    Change.objects.create(object_type="contact", record_id=1, kind="updated", at=now - 1.9 * YEAR)
    assert f"records_event_{long_ago:%Y_%m}" in partitions("records_event")
    settings.KEEP_EVENTS_DAYS = 1
    forget(now)
    assert sorted(Event.objects.values_list("occurred_at", flat=True)) == [now - 1.9 * YEAR, now]
    assert Change.objects.filter(object_type="contact", record_id=1).count() == 1
    assert set(EventKey.objects.values_list("key", flat=True)) == {f"k{(1.9 * YEAR).days}", "k0"}
    assert f"records_event_{long_ago:%Y_%m}" not in partitions("records_event")
    assert f"records_event_{now:%Y_%m}" in partitions("records_event")
    assert "records_event_default" in partitions("records_event")


@pytest.mark.covers("HIS-01")
def test_the_log_of_steps_is_kept_ninety_days_and_who_was_inside_for_ever() -> None:
    now = database_now()
    ann = Contact.objects.create(email="ann@example.com")
    (made,) = enroll(make_workflow([step("end", "end")]), [ann.pk], now=now - 2 * YEAR)
    for days in (200, 91, 89, 0):
        StepExecution.objects.create(
            enrollment=made, revision_id=made.revision_id, visit=0, step="end", action="end", outcome=Outcome.SUCCESS,
            at=now - dt.timedelta(days=days),
        )  # fmt: skip
    forget(now)
    kept = [(now - line.at).days for line in StepExecution.objects.order_by("at")]
    assert kept == [89, 0]
    assert Enrollment.objects.count() == 1


def test_what_lies_outside_the_months_goes_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PORTION", 2)
    now = database_now()
    for _each in range(5):
        happened(now - 4 * YEAR)
    assert [retention.prune(now) for _turn in range(4)] == [2, 2, 1, 0]


def test_a_month_that_is_being_read_is_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PATIENCE", "50ms")
    name = f"records_event_{database_now():%Y_%m}"
    reader = connections.create_connection("default")
    try:
        with reader.cursor() as cursor:
            cursor.execute(f"BEGIN; LOCK TABLE {name} IN ACCESS SHARE MODE")
        assert retention.dropped(name) == 0
        with reader.cursor() as cursor:
            # Hanging up alone frees the table some time later.
            cursor.execute("ROLLBACK")
    finally:
        reader.close()
    assert name in partitions("records_event")
    assert retention.dropped(name) == 1


@pytest.mark.parametrize(
    ("year", "month", "after"), [(2025, 12, (2026, 1)), (2024, 2, (2024, 3)), (2024, 11, (2024, 12))]
)
def test_a_month_ends_where_the_next_one_begins(year: int, month: int, after: tuple[int, int]) -> None:
    assert retention.month_after(year, month) == dt.datetime(*after, 1, tzinfo=dt.UTC)


def test_what_was_sent_is_kept_ninety_days_and_as_long_as_its_record_waits_for_it() -> None:
    now = database_now()
    ann = Contact.objects.create(email="ann@example.com")
    (made,) = enroll(make_workflow([step("hook", "send_webhook"), step("end", "end")]), [ann.pk], now=now)

    def sent(key: str, days: int, state: str = "done") -> None:
        done = now - dt.timedelta(days=days)
        over = state in ("done", "skipped")
        Delivery.objects.create(
            key=key, kind="webhook", enrollment_id=made.pk, request={"body": "secret"}, state=state, created_at=done,
            done_at=done if over else None,
        )  # fmt: skip

    standing = f"{made.pk}:hook:{made.visit}"
    sent(standing, 200)
    sent("young", 89)
    sent("old", 91)
    sent("skipped", 91, "skipped")
    for state in ("dead", "uncertain", "pending"):
        sent(state, 400, state)
    forget(now)
    left = {standing, "young", "dead", "uncertain", "pending"}
    assert set(Delivery.objects.values_list("key", flat=True)) == left
    Enrollment.objects.update(step="end")
    forget(now)
    assert set(Delivery.objects.values_list("key", flat=True)) == left - {standing}


def test_results_of_scripts_nobody_waits_for_go() -> None:
    now, people = database_now(), [Contact.objects.create().pk for _each in range(3)]
    made = enroll(make_workflow([step("js", "custom_code"), step("end", "end")]), people, now=now)
    for one, result in zip(made, ({}, {}, None), strict=True):
        CodeRun.objects.create(
            enrollment=one, workflow_id=one.workflow_id, revision_id=one.revision_id, step="js", visit=one.visit,
            event={}, since=now - dt.timedelta(days=1), result=result, due_at=now if result is None else None,
        )  # fmt: skip
    Enrollment.objects.exclude(pk=made[0].pk).update(step="end")
    forget(now)
    assert set(CodeRun.objects.values_list("pk", flat=True)) == {made[0].pk, made[2].pk}, "what is to run, runs first"


def test_the_command_says_what_it_did() -> None:
    now, told = database_now(), StringIO()
    happened(now - 4 * YEAR)
    call_command("prune_history", stdout=told)
    call_command("prune_history", stdout=told)
    assert told.getvalue().splitlines() == ["1 portions were removed.", "Nothing is older than it is kept."]
