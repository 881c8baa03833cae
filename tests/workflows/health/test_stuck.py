"""Nothing can be stuck, and where it is nevertheless, it is said: every rule broken on purpose."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from crm.models import Contact, Hit, User
from records.clock import database_now
from records.happening import happen
from records.models import PendingEvent, Segment
from tests.slow_statements import ends_as_after
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine import tallying
from workflows.health import alerting, broken_triggers, stuck
from workflows.models import (
    Alert,
    Beat,
    CodeRun,
    Delivery,
    Enrollment,
    EventWait,
    Hindrance,
    Notification,
    Schedule,
    SetAside,
    Tally,
    Webhook,
    WebhookRequest,
    Workflow,
)
from workflows.processes.clock import Clock
from workflows.processes.rounds import Rounds

pytestmark = pytest.mark.django_db
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
STEPS = [step("wait", "delay", days=1), step("set", "edit_record", property="city", value="Malmö")]


@pytest.fixture
def now() -> dt.datetime:
    return database_now()


@pytest.fixture
def enrollment(now: dt.datetime) -> Enrollment:
    """One that is fine: it waits until tomorrow."""
    contact = Contact.objects.create(email="a@example.com")
    [made] = enroll(make_workflow(STEPS), [contact.pk], now=now + dt.timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM records_pendingchange")
    return made


def change(enrollment: Enrollment, **values: Any) -> None:
    Enrollment.objects.filter(pk=enrollment.pk).update(**values)


def delivery(enrollment: Enrollment, **values: Any) -> Delivery:
    return Delivery.objects.create(
        key=f"{enrollment.pk}:x:0", kind="mail", enrollment_id=enrollment.pk, request={}, created_at=values["due_at"],
        **values,
    )  # fmt: skip


def waits_for_nothing(enrollment, now):
    change(enrollment, due_at=None, waiting_in="wait")


def due_and_not_taken(enrollment, now):
    change(enrollment, due_at=now - HOUR)


def lease_over(enrollment, now):
    change(enrollment, due_at=now - MINUTE, claim=uuid.uuid4(), claimed_until=now - 6 * MINUTE)


def step_not_in_revision(enrollment, now):
    change(enrollment, step="nowhere")


def ended_yet_due(enrollment, now):
    change(enrollment, status="completed")


def delivery_interrupted(enrollment, now):
    delivery(enrollment, state="sending", due_at=now - HOUR, claim=uuid.uuid4(), claimed_until=now - HOUR)


def delivery_not_sent(enrollment, now):
    delivery(enrollment, state="pending", due_at=now - HOUR)


def code_not_run(enrollment, now):
    CodeRun.objects.create(
        enrollment=enrollment, workflow_id=enrollment.workflow_id, revision_id=enrollment.revision_id, step="s",
        visit=0, event={}, due_at=now - HOUR, since=now - HOUR,
    )  # fmt: skip


def changes_not_followed(enrollment, now):
    Contact.objects.update(city="Lund")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE records_pendingchange SET at = %s", [now - HOUR])


def events_not_followed(enrollment, now):
    happen("page_viewed", "contact", [enrollment.record_id], properties={"url": "https://a.example/"}, now=now)
    PendingEvent.objects.update(at=now - HOUR)


def requests_not_matched(enrollment, now):
    webhook = Webhook.objects.create(name="Shop", object_type="contact", token_digest="x")
    WebhookRequest.objects.create(webhook=webhook, payload={}, received_at=now - HOUR)


def hits_not_recorded(enrollment, now):
    Hit.objects.create(visitor="v", kind="page_viewed", occurred_at=now, received_at=now - HOUR)


def segment_not_checked(enrollment, now):
    Segment.objects.create(object_type="contact", criteria={"all": []}, active=True, time_sensitive=True)
    Segment.objects.update(check_at=now - HOUR)


def set_aside(enrollment, now):
    found = Hindrance.objects.create(kind="segment", error="division by zero", since=now, due_at=now + HOUR)
    SetAside.objects.create(hindrance=found, record_id=enrollment.record_id)


def schedule_fails(enrollment, now):
    facts = {"rule": {}, "zone": "UTC", "since": now}
    Schedule.objects.create(workflow=enrollment.workflow, again_at=now + HOUR, tries=1, **facts)


def still_on(enrollment, now):
    Workflow.objects.update(turn_off_at=now - HOUR)


def still_finishing(enrollment, now):
    change(enrollment, status="completed", due_at=None)
    Workflow.objects.update(status="draining", updated_at=now - HOUR)


def trigger_broken(enrollment, now):
    revision = enrollment.workflow.live
    document = revision.definition | {"trigger": {"kind": "event", "events": [{"event": "of_a_package_that_is_gone"}]}}
    copy = type(revision).objects.create(
        workflow=enrollment.workflow, number=2, definition=document, published_at=revision.published_at
    )
    Workflow.objects.update(live=copy)


BREAKERS: list[Callable[[Enrollment, dt.datetime], None]] = [
    waits_for_nothing, due_and_not_taken, lease_over, step_not_in_revision, ended_yet_due, delivery_interrupted,
    delivery_not_sent, code_not_run, changes_not_followed, events_not_followed, requests_not_matched,
    segment_not_checked, set_aside, schedule_fails, still_on, still_finishing, hits_not_recorded,
    trigger_broken,
]  # fmt: skip
OF_NO_WORKFLOW = (
    changes_not_followed, events_not_followed, requests_not_matched, hits_not_recorded, segment_not_checked, set_aside,
)  # fmt: skip


def test_every_rule_is_broken_by_a_test() -> None:
    assert [breaker.__name__ for breaker in BREAKERS] == list(stuck.RULES)


def test_nothing_is_stuck_where_everything_is_as_it_should_be(enrollment, now):
    assert stuck.find(now) == []


@pytest.mark.parametrize("breaker", BREAKERS, ids=lambda breaker: breaker.__name__)
def test_what_is_stuck_is_found_with_its_workflow_and_ids(breaker, enrollment, now):
    breaker(enrollment, now)
    [found] = [one for one in stuck.find(now) if one.rule.code == breaker.__name__]
    assert found.count == 1
    assert len(found.ids) == 1
    assert found.workflow == (None if breaker in OF_NO_WORKFLOW else enrollment.workflow_id)
    assert found.sentence.strip()
    assert str(found.rule.remedy).strip()


def test_waiting_for_an_event_or_a_delivery_is_waiting_for_something(enrollment, now):
    waits_for_nothing(enrollment, now)
    waiting = EventWait.objects.create(
        enrollment=enrollment, step="wait", visit=0, object_type="contact", record_id=enrollment.record_id, event="x",
        source="change:contact", through="", wanted={}, mark=0, since=now,
    )  # fmt: skip
    assert stuck.find(now) == []
    waiting.happened_at = now
    waiting.save()
    assert [found.rule.code for found in stuck.find(now)] == ["waits_for_nothing"]
    delivery(enrollment, state="pending", due_at=now)
    assert stuck.find(now) == []


def test_what_is_held_on_purpose_or_being_worked_off_is_not_stuck(enrollment, now):
    due_and_not_taken(enrollment, now)
    Workflow.objects.update(status="paused")
    assert stuck.find(now) == []
    Workflow.objects.update(status="on")
    Tally.objects.create(workflow=enrollment.workflow, minute=now - MINUTE, outcome="success", steps=500)
    assert stuck.find(now) == []
    Tally.objects.update(minute=now - HOUR)
    assert [found.rule.code for found in stuck.find(now)] == ["due_and_not_taken"]


def test_a_trigger_that_lost_what_it_names_is_told_until_it_is_mended(enrollment, now):
    trigger_broken(enrollment, now)
    rule = [stuck.RULES["trigger_broken"]]
    for second in (0, 60):
        alerting.watch(now + dt.timedelta(seconds=second), rule)
    (alert,) = alerting.open_alerts(now + MINUTE)
    assert alert.workflow == enrollment.workflow
    Workflow.objects.update(status="off")
    assert stuck.find(now + 2 * MINUTE, rule) == [], "nobody would enter anyway"
    Workflow.objects.update(status="on", live=enrollment.workflow.live)
    assert stuck.find(now + 2 * MINUTE, rule) == []


def test_triggers_are_looked_at_some_at_a_time_and_those_known_to_be_broken_stay_known(enrollment, now, monkeypatch):
    trigger_broken(enrollment, now)
    rule = [stuck.RULES["trigger_broken"]]
    assert [found.workflow for found in stuck.find(now, rule)] == [enrollment.workflow_id]
    monkeypatch.setattr(broken_triggers, "PORTION", 1)
    others = [make_workflow([step("end", "end")]) for _each in range(3)]
    for minute in range(1, 4):
        assert [found.workflow for found in stuck.find(now + minute * MINUTE, rule)] == [enrollment.workflow_id]
    assert {other.live_id for other in others} <= broken_triggers.known.keys()


def make_user(name: str, **more: Any) -> User:
    return User.objects.create(username=name, email=f"{name}@example.com", is_staff=True, **more)


@pytest.fixture
def told_about_stuck(enrollment):
    """The workflow's settings name Ann, who wants to hear of what is stuck and of errors."""
    revision = enrollment.workflow.live
    notify = {"users": ["ann"], "about": ["stuck", "errors"]}
    document = {**revision.definition, "settings": {"notify": notify}}
    make_user("ann")
    copy = type(revision).objects.create(
        workflow=enrollment.workflow, number=2, definition=document, published_at=revision.published_at
    )
    Workflow.objects.update(live=copy)


def test_it_is_told_when_seen_twice_and_once_a_day(enrollment, told_about_stuck, now, caplog):
    admin = make_user("boss", is_superuser=True)
    make_user("nobody")
    due_and_not_taken(enrollment, now)
    alerting.watch(now)
    assert not Notification.objects.exists(), "seen once may be seen at a bad moment"
    assert alerting.open_alerts(now) == []
    for minute in (1, 2, 3):
        alerting.watch(now + minute * MINUTE)
    told = Notification.objects.order_by("pk").values_list("user__username", "title")
    sentence = "“Test”: 1 record has been due for more than ten minutes and nobody takes it."
    assert list(told) == [(admin.username, sentence), ("ann", sentence)]
    assert [record.levelname for record in caplog.records if record.name == "workflows.health.alerting"] == ["ERROR"]
    [alert] = alerting.open_alerts(now + 3 * MINUTE)
    assert (alert.rule, alert.count, alert.detail["first"]) == ("due_and_not_taken", 1, [enrollment.pk])
    assert alerting.open_alerts(now + HOUR) == [], "what was not seen for a while is not open any more"
    alerting.watch(now + dt.timedelta(days=1))
    alerting.watch(now + dt.timedelta(days=1) + MINUTE)
    assert Alert.objects.count() == 2
    assert Notification.objects.filter(user=admin).count() == 2


def test_a_rule_that_cannot_be_asked_does_not_silence_the_others(enrollment, now, monkeypatch):
    due_and_not_taken(enrollment, now)
    slow = stuck.Rule("slow", f"SELECT NULL::bigint, 1, ARRAY[1] FROM {ends_as_after(77)} AS ended", "x", "y")
    monkeypatch.setattr(stuck, "STATEMENT_TIMEOUT", "77s")
    monkeypatch.setitem(stuck.RULES, "slow", slow)
    failed: list[str] = []
    found = stuck.find(now, failed=lambda rule, error: failed.append(rule.code))
    assert failed == ["slow"]
    assert [one.rule.code for one in found] == ["due_and_not_taken"]


@pytest.mark.covers("CPL-06")
def test_failures_are_told_when_they_are_many(enrollment, told_about_stuck, now):
    tally = Tally.objects.create(workflow=enrollment.workflow, minute=now - MINUTE, outcome="failed", steps=20)
    assert alerting.tell_failures(now) == 0
    tally.steps = 21
    tally.save()
    assert alerting.tell_failures(now) == 1
    assert alerting.tell_failures(now) == 0, "once a day"
    assert "21 steps failed" in Notification.objects.get().title
    assert alerting.tell_failures(now + 2 * HOUR) == 0


def test_the_check_says_what_is_stuck_and_fails(enrollment, now, capsys):
    alerting.beat("here:1", now, now)
    call_command("workflow_check")
    assert f"Nothing is stuck ({len(BREAKERS)} rules)." in capsys.readouterr().out
    due_and_not_taken(enrollment, now)
    Beat.objects.update(at=now - MINUTE)
    with pytest.raises(SystemExit) as stopped:
        call_command("workflow_check")
    assert stopped.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"due_and_not_taken: workflow {enrollment.workflow_id} (Test): 1 record has been due")
    assert f"First ids: {enrollment.pk}." in lines[0]
    assert lines[1].startswith("no_clock: ")


def test_a_clock_gives_a_sign_of_life_and_searches_every_minute(enrollment, now):
    due_and_not_taken(enrollment, now)
    rounds = Rounds()
    rounds.make(now)
    assert Beat.objects.get().at == now
    rounds.make(now + dt.timedelta(seconds=2))
    assert Beat.objects.get().at == now
    assert not Alert.objects.exists()
    for second in range(len(stuck.RULES) + 1):
        rounds.make(now + MINUTE + dt.timedelta(seconds=second))
    assert Beat.objects.get().at >= now + MINUTE
    assert Beat.objects.get().started_at == now
    assert Alert.objects.get().rule == "due_and_not_taken"


def test_staff_is_warned_when_no_clock_runs(enrollment, now):
    assert alerting.trouble(now).words == ["No clock is running"]
    alerting.beat("here:1", now, now)
    assert alerting.trouble(now + dt.timedelta(seconds=20)).words == []
    assert alerting.trouble(now + MINUTE).words == ["No clock is running"]
    Workflow.objects.update(status="off")
    assert alerting.trouble(now + MINUTE).words == [], "nothing waits for a clock"


@pytest.mark.django_db(transaction=True)
def test_a_running_clock_is_heard_of(transactional_db):
    clock = Clock()
    try:
        clock.beat()
    finally:
        clock.disconnect()
    assert Beat.objects.get().at <= database_now()


def test_steps_are_counted_by_workflow_outcome_and_minute(enrollment, now):
    from workflows.engine.taking_steps import run_due

    change(enrollment, step="set", due_at=now)
    assert run_due(now) == 1
    tallying.flush()
    tallying.flush()
    minutes = Tally.objects.exclude(minute=tallying.EPOCH)
    assert list(minutes.values_list("workflow", "outcome", "steps")) == [(enrollment.workflow_id, "success", 1)]
    tallying.counted[(enrollment.revision_id, "success")] += 2
    tallying.flush()
    assert sum(minutes.values_list("steps", flat=True)) == 3
    assert Tally.objects.get(minute=tallying.EPOCH).steps == 3
    assert tallying.forget(now) == 0
    assert tallying.forget(now + dt.timedelta(days=3)) >= 1
    assert Tally.objects.get().steps == 3, "the sum stays"
