"""Schedules fired: each instant once, for everybody who matches then, whatever dies or is late (spec section 7)."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, OperationalError, connection, connections
from psycopg import errors

from crm.models import Deal
from records.problems import DocumentError
from tests.examples import FULL
from tests.workflows.publishing_deals import BIG, boss, finish, history, inside
from tests.workflows.scheduled_deals import NOON, document, fired, live, stockholm, work
from workflows import drafting
from workflows.chores import chores
from workflows.definitions.parsing import parse
from workflows.enrollment.enrolling import enroll
from workflows.health import stuck
from workflows.lifecycle import publishing, switching
from workflows.models import AuditEntry, Enrollment, Schedule, ScheduledRecord, ScheduleRun, Workflow
from workflows.schedules import runs, scheduling
from workflows.times.windows import closed_at

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def deals() -> list[Deal]:
    return [Deal.objects.create(name=f"D{n}", amount=n * 10) for n in range(4)]


@pytest.mark.parametrize(
    "schedule", [{"every": "cron", "cron": "0 9 30 2 *"}, {"every": "once", "date": "2020-05-01", "at": "09:00"}]
)
def test_a_schedule_that_never_fires_is_told_before_it_is_published(schedule: dict[str, Any]) -> None:
    made = drafting.create("Never", "deal", boss(), definition=document(schedule=schedule))
    found = publishing.review(made, user=boss(), now=NOON)
    assert [(one.path, one.code) for one in found.problems] == [("trigger.schedule", "never_fires")] and found.ready


@pytest.mark.covers("SCH-01", "SCH-10", "SCH-11", "SCH-15", "SCH-21", "TRG-02")
def test_each_time_everybody_who_matches_then_is_enrolled(deals):
    workflow = live(BIG)
    assert inside(workflow) == [] and work(NOON) == 0, "publishing enrolls nobody"
    work(stockholm(11) - HOUR)
    assert inside(workflow) == []
    work(stockholm(11))
    assert inside(workflow) == [deals[2].pk, deals[3].pk]
    finish(workflow)
    Deal.objects.filter(pk=deals[3].pk).update(amount=1)
    Deal.objects.filter(pk=deals[0].pk).update(amount=50)
    work(stockholm(12))
    assert inside(workflow) == [deals[0].pk, deals[2].pk], "who was enrolled before is again; who stopped matching not"
    assert fired(workflow) == [(stockholm(11), "done"), (stockholm(12), "done")]
    run = ScheduleRun.objects.latest("at")
    assert (run.matched, run.enrolled, run.skipped, run.refused) == (2, 2, 0, 0)


@pytest.mark.covers("SCH-32", "TRG-19")
def test_who_is_still_inside_is_passed_over_and_the_history_says_so(deals):
    workflow = live(BIG)
    work(stockholm(11))
    Enrollment.objects.filter(record_id=deals[2].pk).update(status="completed", step="", due_at=None)
    work(stockholm(12))
    assert history(workflow, deals[3]) == [("active", ""), ("refused", "still_inside")]
    assert history(workflow, deals[2])[-1] == ("active", "")
    run = ScheduleRun.objects.latest("at")
    assert (run.matched, run.enrolled, run.skipped) == (2, 1, 1)
    assert not ScheduledRecord.objects.exists()


@pytest.mark.covers("SCH-13", "SCH-14")
def test_who_is_enrolled_by_hand_runs_at_once_and_is_not_enrolled_at_later_times(deals):
    workflow = live(BIG)
    small = deals[0]
    done = enroll(workflow, [small.pk], cause={"kind": "manual", "actor": boss().pk}, now=NOON, manual=True)
    assert done.enrolled == [small.pk]
    found = Enrollment.objects.get(record_id=small.pk)
    assert found.due_at == NOON
    finish(workflow)
    work(stockholm(11))
    assert small.pk not in inside(workflow)
    again = enroll(workflow, [small.pk], cause={"kind": "manual", "actor": boss().pk}, now=stockholm(12), manual=True)
    assert again.enrolled == [small.pk], "a schedule enrolls again and again, and so may a person"


def test_all_records_must_be_asked_for(deals):
    workflow = live()
    work(stockholm(11))
    assert inside(workflow) == [deal.pk for deal in deals]
    for criteria in ({}, None, {"any": []}):
        broken = document(BIG)
        broken["trigger"]["criteria"] = criteria
        draft = drafting.create("Test", "deal", boss(), definition=broken)
        with pytest.raises(DocumentError) as error:
            publishing.publish(draft, by=boss(), now=NOON, enroll_existing=False)
        assert [problem.path.split(".any")[0] for problem in error.value.problems] == ["trigger.criteria"]


@pytest.mark.covers("SCH-16")
def test_an_edited_schedule_counts_at_once(deals):
    workflow = live(BIG)
    revision = drafting.draft_of(workflow)
    revision.definition = document(BIG, schedule={"every": "day", "at": "15:00"})
    revision.save()
    publishing.publish(workflow, by=boss(), now=NOON + HOUR, enroll_existing=False)
    work(stockholm(11, 10))
    assert fired(workflow) == [(stockholm(10, 15), "done")], "the old time is forgotten"
    revision = drafting.draft_of(workflow)
    revision.definition = document(BIG) | {"trigger": {"kind": "manual"}}
    revision.save()
    publishing.publish(workflow, by=boss(), now=stockholm(11, 10), enroll_existing=False)
    work(stockholm(20))
    assert len(fired(workflow)) == 1
    assert Schedule.objects.get(workflow=workflow).next_at is None


def republished(workflow: Workflow, *filters: Any, now: dt.datetime, **parts: Any) -> None:
    revision = drafting.draft_of(workflow)
    revision.definition = document(*filters, **parts)
    revision.save()
    publishing.publish(workflow, by=boss(), now=now, enroll_existing=False)


def test_publishing_with_a_clock_behind_the_one_that_fired_plans_no_instant_twice(deals):
    workflow = live(BIG)
    work(stockholm(11))
    republished(workflow, BIG, now=stockholm(11) - dt.timedelta(seconds=1))
    assert Schedule.objects.get(workflow=workflow).next_at == stockholm(12)
    Schedule.objects.filter(workflow=workflow).update(next_at=stockholm(11), since=NOON)
    work(stockholm(11, 10))
    assert fired(workflow) == [(stockholm(11), "done")], "what has a run is passed over"
    work(stockholm(12))
    assert fired(workflow) == [(stockholm(11), "done"), (stockholm(12), "done")]


def test_a_run_ends_when_another_trigger_is_published_and_goes_on_with_the_same_one(deals):
    workflow = live(BIG)
    scheduling.fire(workflow.pk, stockholm(11))
    republished(workflow, BIG, now=stockholm(11), settings={"pause_dates": ["2028-01-01"]})
    assert fired(workflow) == [(stockholm(11), "running")] and ScheduledRecord.objects.count() == 2
    republished(workflow, BIG | {"value": 25}, now=stockholm(11))
    assert fired(workflow) == [(stockholm(11), "stopped")] and not ScheduledRecord.objects.exists()
    work(stockholm(11, 10))
    assert inside(workflow) == []
    work(stockholm(12))
    assert inside(workflow) == [deals[3].pk]


@pytest.mark.parametrize("table", ["workflows_schedulerun", "workflows_scheduledrecord"])
def test_a_schedule_that_fails_keeps_no_other_from_firing(deals, caplog, table):
    broken, well = live(BIG), live(BIG)
    schedule = Schedule.objects.get(workflow=broken)

    def failing(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(f'INSERT INTO "{table}"') and params[0] == schedule.pk:
            raise IntegrityError("poison")
        if sql.strip().startswith(f"DELETE FROM {table}") and params["run"] in runs_of(broken):
            raise IntegrityError("poison")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(failing):
        work(stockholm(11))
    assert inside(well) == [deals[2].pk, deals[3].pk] and inside(broken) == []
    assert "A schedule failed (" in caplog.text
    work(stockholm(11) + dt.timedelta(seconds=10))
    assert inside(broken) == [deals[2].pk, deals[3].pk], "it goes on when it can"


def test_twenty_runs_that_fail_each_time_keep_no_other_run_waiting(deals, monkeypatch):
    workflows = [live(BIG) for _ in range(21)]
    failing = {workflow.pk for workflow in workflows[:20]}
    real = runs.enroll_taken

    def poisoned(workflow: Workflow, *args: Any) -> None:
        if workflow.pk in failing:
            raise ZeroDivisionError
        real(workflow, *args)

    monkeypatch.setattr(runs, "enroll_taken", poisoned)
    for seconds in range(0, 12, 6):
        work(stockholm(11) + dt.timedelta(seconds=seconds))
    assert inside(workflows[20]) == [deals[2].pk, deals[3].pk]
    assert {found.workflow for found in stuck.find(stockholm(11), [stuck.RULES["schedule_fails"]])} == failing


def test_a_record_that_cannot_be_enrolled_keeps_no_other_of_its_run_out_and_is_refused_in_the_end(deals):
    workflow = live(BIG)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.record_id = {deals[2].pk} AND NEW.status = 'active' THEN RAISE 'poison'; END IF; RETURN NEW;
            END $$;
            CREATE TRIGGER poison BEFORE INSERT ON workflows_enrollment FOR EACH ROW EXECUTE FUNCTION poison()"""
        )
    work(stockholm(11))
    assert inside(workflow) == [deals[3].pk]
    for hours in range(1, 8):
        work(stockholm(11) + hours * HOUR)
    assert history(workflow, deals[2]) == [("refused", "enrolling_failed")]
    run = ScheduleRun.objects.get(schedule__workflow=workflow)
    assert (run.state, run.enrolled, run.refused) == ("done", 1, 1)


def runs_of(workflow: Workflow) -> set[int]:
    return set(ScheduleRun.objects.filter(schedule__workflow=workflow).values_list("pk", flat=True))


def test_a_statement_the_database_refuses_each_time_keeps_no_other_schedule_from_its_turn(deals):
    """Too many filters for its stack, say: it reports that like an outage."""
    workflows, refused = [live(BIG), live(BIG)], []

    def refusing(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('INSERT INTO "workflows_schedulerun"') and not refused:
            refused.append(params)
            raise OperationalError("stack depth limit exceeded") from errors.StatementTooComplex()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refusing):
        work(stockholm(11))
    assert sorted(len(inside(workflow)) for workflow in workflows) == [0, 2]


def test_a_lost_connection_is_no_schedules_fault(deals):
    live(BIG)

    def lost(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('INSERT INTO "workflows_schedulerun"'):
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lost), pytest.raises(OperationalError):
        scheduling.work(stockholm(11))


@pytest.mark.covers("SCH-17", "SCH-18")
def test_execution_times_are_not_heeded_and_pause_dates_are():
    night = {"windows": [{"days": ["mon"], "from": "02:00", "to": "03:00"}]}
    assert closed_at(parse(document(BIG, settings=night)), NOON) is None
    paused = closed_at(parse(document(BIG, settings={"pause_dates": ["2027-01-10"]})), NOON)
    assert paused is not None and paused.reason == "pause_date"


@pytest.mark.covers("SCH-12", "REN-13")
def test_a_schedule_has_no_reenrollment():
    broken = document(BIG)
    broken["trigger"]["reenroll"] = ["any.0.all.0"]
    with pytest.raises(DocumentError) as error:
        parse(broken)
    assert error.value.problems[0].path == "trigger.reenroll"


@pytest.mark.covers("SCH-19")
def test_who_meets_the_unenrollment_criteria_is_not_enrolled(deals):
    leaves = {"criteria": {"all": [{"property": "name", "operator": "is_equal_to_any_of", "value": ["D3"]}]}}
    workflow = live(BIG, unenroll=leaves)
    work(stockholm(11))
    assert inside(workflow) == [deals[2].pk]
    run = ScheduleRun.objects.get()
    assert (run.matched, run.enrolled, run.refused) == (2, 1, 1)


def test_a_schedule_that_cannot_be_read_any_more_is_turned_off_alone(deals):
    from records.models import PropertyDefinition

    renewal = PropertyDefinition.objects.create(object_type="deal", slug="renewal", label="Renewal", type="date")
    by_date = live(schedule={"every": "property", "property": "renewal", "at": "09:00"})
    by_filter = live({"property": "renewal", "operator": "is_known"})
    well = live(BIG)
    renewal.delete()
    work(stockholm(11))
    for broken in (by_date, by_filter):
        broken.refresh_from_db()
        assert broken.status == "off"
        assert "renewal" in AuditEntry.objects.get(workflow=broken, action="turned_off").detail["because"]
    assert inside(well) == [deals[2].pk, deals[3].pk]
    assert scheduling.waiting_since(stockholm(11)) is None


def test_what_nobody_was_there_for_is_made_up_for_a_day_and_kept_as_missed_before(deals):
    workflow = live(BIG, schedule={"every": "cron", "cron": "0 * * * *"})
    work(stockholm(15, 9) + HOUR / 2)
    found = fired(workflow)
    assert found[0] == (stockholm(10, 14), "missed")
    assert [at for at, _state in found[1:]] == [stockholm(15, 9) - HOUR * back for back in range(23, -1, -1)]
    missed = ScheduleRun.objects.get(state="missed")
    assert missed.until == stockholm(14, 9) and missed.times == 4 * 24 - 4
    assert len(Enrollment.objects.filter(workflow=workflow, status="active")) == 2
    assert work(stockholm(15, 9) + HOUR / 2) == 0


def test_a_daily_time_missed_by_more_than_a_day_is_not_made_up_for(deals, settings):
    workflow = live(BIG)
    work(stockholm(12, 10))
    assert fired(workflow) == [(stockholm(11), "missed"), (stockholm(12), "done")]
    settings.WORKFLOW_SCHEDULE_CATCH_UP_HOURS = 48
    work(stockholm(14, 8))
    assert fired(workflow)[2:] == [(stockholm(13), "done")]


def test_times_while_the_workflow_was_off_are_nobodys_business(deals):
    workflow = live(BIG)
    switching.turn_off(workflow, by=boss(), now=NOON)
    assert scheduling.waiting_since(stockholm(13)) is None and work(stockholm(13)) == 0
    switching.turn_on(workflow, by=boss(), now=stockholm(13, 12))
    work(stockholm(13, 13))
    assert fired(workflow) == []
    switching.pause(workflow, by=boss(), now=stockholm(13, 14))
    work(stockholm(14))
    assert fired(workflow) == [(stockholm(14), "done")], "records enter a paused workflow"


def test_a_workflow_that_is_turned_off_stops_its_run(deals):
    workflow = live(BIG)
    scheduling.fire(workflow.pk, stockholm(11))
    assert ScheduledRecord.objects.count() == 2
    switching.turn_off(workflow, by=boss(), now=stockholm(11))
    assert scheduling.waiting_since(stockholm(11)) == stockholm(11)
    work(stockholm(11))
    assert fired(workflow) == [(stockholm(11), "stopped")]
    assert not ScheduledRecord.objects.exists() and inside(workflow) == []


@pytest.mark.covers("SCH-24")
def test_a_date_property_enrolls_on_its_day_or_days_before_once_or_every_year(deals):
    days = [dt.date(2027, 1, 14), dt.date(2026, 1, 14), dt.date(2027, 1, 15), None]
    for deal, day in zip(deals, days, strict=True):
        Deal.objects.filter(pk=deal.pk).update(close_date=day)
    before = {"every": "property", "property": "close_date", "offset_days": -3, "at": "09:00"}
    only, yearly = live(schedule=before), live(schedule={**before, "yearly": True})
    work(stockholm(11))
    assert inside(only) == [deals[0].pk]
    assert inside(yearly) == [deals[0].pk, deals[1].pk]
    work(stockholm(12))
    assert inside(only) == [deals[0].pk, deals[2].pk]


@pytest.mark.covers("SCH-09", "SCH-24")
def test_a_yearly_date_of_29_february_comes_in_leap_years_only(deals):
    Deal.objects.filter(pk=deals[0].pk).update(close_date=dt.date(2024, 2, 29))
    yearly = {"every": "property", "property": "close_date", "yearly": True, "at": "09:00"}
    workflow = live(schedule=yearly)
    for day in (dt.date(2027, 2, 28), dt.date(2027, 3, 1), dt.date(2028, 2, 28), dt.date(2028, 2, 29)):
        Schedule.objects.update(next_at=dt.datetime.combine(day, dt.time(8), dt.UTC))
        work(dt.datetime.combine(day, dt.time(8), dt.UTC))
        assert bool(inside(workflow)) == (day == dt.date(2028, 2, 29))


def test_a_date_with_a_time_counts_as_the_workflows_clocks_show_it(deals):
    """Half past eleven at night in UTC is the next day in Stockholm."""
    Deal.objects.filter(pk=deals[0].pk).update(created_at=dt.datetime(2027, 1, 10, 23, 30, tzinfo=dt.UTC))
    Deal.objects.filter(pk=deals[1].pk).update(created_at=dt.datetime(2027, 1, 11, 23, 30, tzinfo=dt.UTC))
    Deal.objects.filter(pk=deals[2].pk).update(created_at=dt.datetime(2020, 1, 10, 23, 30, tzinfo=dt.UTC))
    only = live(schedule={"every": "property", "property": "created_at", "at": "09:00"})
    yearly = live(schedule={"every": "property", "property": "created_at", "at": "09:00", "yearly": True})
    work(stockholm(11))
    assert inside(only) == [deals[0].pk]
    assert inside(yearly) == [deals[0].pk, deals[2].pk]


@pytest.mark.covers("SCH-02")
def test_every_object_type_with_workflows_can_have_a_schedule():
    from records.object_types import object_types

    for kind in (kind for kind in object_types.values() if kind.enrolls):
        made = document() | {"object": kind.slug}
        drafting.create("Test", kind.slug, boss(), definition=made)
        found = parse(made)
        assert scheduling.upcoming(found, NOON)[0] == stockholm(11)
        rule = scheduling.rule_of(found)
        assert rule is not None
        assert scheduling.matching(found, rule, ZoneInfo("UTC"), NOON).count() == kind.records().count()


def test_a_big_run_is_enrolled_in_chunks_and_goes_on_where_it_died(monkeypatch):
    Deal.objects.bulk_create(Deal(name=f"D{n}") for n in range(25))
    monkeypatch.setattr(runs, "CHUNK", 10)
    workflow = live()
    scheduling.fire(workflow.pk, stockholm(11))
    (run,) = scheduling.running().select_related("schedule")
    assert scheduling.go_on(run, stockholm(11)) == 10
    with connection.execute_wrapper(dying_at_the_end), pytest.raises(RuntimeError, match="power cut"):
        scheduling.go_on(run, stockholm(11))
    assert len(inside(workflow)) == 10 and ScheduledRecord.objects.count() == 15, "all or nothing of a chunk"
    work(stockholm(11))
    assert len(inside(workflow)) == 25 and Enrollment.objects.filter(workflow=workflow).count() == 25
    run.refresh_from_db()
    assert (run.state, run.matched, run.enrolled) == ("done", 25, 25)


def dying_at_the_end(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith('UPDATE "workflows_schedulerun"'):
        raise RuntimeError("power cut")
    return execute(sql, params, many, context)


def test_enrolling_takes_the_same_number_of_statements_for_many_and_for_one(django_assert_num_queries, deals):
    from django.test.utils import CaptureQueriesContext

    counts = []
    for day, more in ((11, 0), (12, 300)):
        Deal.objects.bulk_create(Deal(name=f"M{n}", amount=99) for n in range(more))
        workflow = live(BIG, now=stockholm(day, 1))
        with CaptureQueriesContext(connection) as queries:
            scheduling.fire(workflow.pk, stockholm(day))
            scheduling.go_on(scheduling.running().select_related("schedule").get(), stockholm(day))
        counts.append(len(queries))
        switching.turn_off(workflow, by=boss(), now=stockholm(day))
    assert counts[0] == counts[1] < 40


@pytest.mark.django_db(transaction=True)
def test_five_clocks_fire_each_instant_once():
    """F-05: days around a change of clocks, looked at by five clocks at once; what each should have, it has."""
    deal = Deal.objects.create(name="A", amount=99)
    start = dt.datetime(2027, 3, 26, tzinfo=dt.UTC)
    rules: list[dict[str, Any]] = [
        {"every": "day", "at": "02:30"}, {"every": "week", "weekdays": ["mon", "sun"], "at": "23:59"},
        {"every": "cron", "cron": "0 */8 * * *"}, {"every": "month", "day": "last", "at": "00:00"},
    ]  # fmt: skip
    if FULL:
        rules += [
            {"every": "month", "days": [31], "at": "08:00"}, {"every": "month", "day": "first_monday", "at": "09:00"},
            {"every": "year", "month": 4, "day": "second_sunday", "at": "01:15"},
            {"every": "once", "date": "2027-03-28", "at": "02:30"},
        ]  # fmt: skip
    workflows = [live(BIG, schedule=rule, now=start) for rule in rules]
    days, clocks = 30 if FULL else 6, 5
    together = threading.Barrier(clocks)

    def tick() -> None:
        try:
            for number in range(days):
                together.wait(60)
                work(start + dt.timedelta(days=number + 1))
        finally:
            together.abort()
            connections.close_all()

    with ThreadPoolExecutor(clocks) as pool:
        for one in [pool.submit(tick) for _ in range(clocks)]:
            one.result()
    until = start + dt.timedelta(days=days)
    for workflow in workflows:
        assert workflow.live is not None
        definition = parse(workflow.live.definition)
        expected = [at for at in scheduling.upcoming(definition, start, 200) if at <= until]
        runs = ScheduleRun.objects.filter(schedule__workflow=workflow).order_by("at")
        assert list(runs.values_list("at", flat=True)) == expected
        assert {run.state for run in runs} == {"done"}
        # Inside since the first one: every other time it was passed over, and the history has each of them once.
        mine = Enrollment.objects.filter(workflow=workflow, record_id=deal.pk)
        assert mine.filter(status="active").count() == 1
        assert mine.filter(status="refused").count() == len(expected) - 1


def test_the_clock_and_the_workers_know_of_schedules(deals):
    assert scheduling.CHORE in chores
    workflow = live(BIG)
    assert scheduling.waiting_since(stockholm(11) - HOUR) is None
    assert scheduling.waiting_since(stockholm(11)) == stockholm(11)
    assert AuditEntry.objects.filter(workflow=workflow, action="published").count() == 1
