"""Date-centred workflows: steps timed by one date, or by a date of the record (SCH-27 to SCH-31, DLY-10)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Deal
from records.clock import database_now
from records.problems import DocumentError
from tests.workflows.building import step
from tests.workflows.publishing_deals import BIG, boss, history, settle
from workflows import drafting
from workflows.definitions import centres, checking
from workflows.definitions.parsing import parse
from workflows.engine import taking_steps
from workflows.enrollment.enrolling import enroll
from workflows.history.telling import Path
from workflows.lifecycle import publishing
from workflows.models import Enrollment, EventWait, StepExecution, Workflow

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Europe/Stockholm")
CLOSE = {"property": "close_date", "yearly": False}


def at(days: int, time: str = "09:00", step_id: str = "") -> dict[str, Any]:
    return step(step_id or f"at{days}".replace("-", "_"), "delay_to_centre", days=days, at=time)


def mark(word: str) -> dict[str, Any]:
    """A step that leaves a trace: the words come one after another."""
    return step(word, "edit_record", property="name", value=word)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(dt.UTC)


def document(centre: Any, *steps: dict[str, Any], **parts: Any) -> dict[str, Any]:
    found = {"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "centre": centre, "steps": list(steps)}
    return {**found, "settings": {"timezone": "Europe/Stockholm"}, **parts}


def live(centre: Any, *steps: dict[str, Any], now: str = "2027-01-01T12:00", **parts: Any) -> Workflow:
    workflow = drafting.create("Test", "deal", boss(), definition=document(centre, *steps, **parts))
    publishing.publish(workflow, by=boss(), now=moment(now), enroll_existing=True)
    return workflow


def enter(workflow: Workflow, *deals: Deal, now: str) -> list[Enrollment]:
    cause = {"kind": "manual", "actor": boss().pk}
    done = enroll(workflow, [deal.pk for deal in deals], cause=cause, now=moment(now), manual=True)
    assert len(done.enrolled) == len(deals)
    run(now)
    return list(Enrollment.objects.filter(workflow=workflow, record_id__in=done.enrolled).order_by("record_id"))


def run(now: str) -> None:
    while taking_steps.run_due(moment(now)):
        pass


def story(enrollment: Enrollment) -> list[str]:
    """ "step: outcome" for each line of the log but the waiting ones."""
    lines = StepExecution.objects.filter(enrollment=enrollment).exclude(outcome="waiting").order_by("id")
    return [f"{line.step}: {line.detail.get('state') or line.detail.get('reason') or line.outcome}" for line in lines]


def waits(enrollment: Enrollment) -> str:
    """Until when it waits, as clocks in Stockholm show it."""
    enrollment.refresh_from_db()
    assert enrollment.status == "active" and enrollment.waiting_in == enrollment.step
    assert enrollment.due_at is not None
    return enrollment.due_at.astimezone(ZONE).isoformat(timespec="minutes")[:16]


@pytest.fixture
def deal() -> Deal:
    return Deal.objects.create(name="A", amount=99, close_date=dt.date(2027, 5, 1))


STEPS = (at(-7), mark("before"), at(0, "10:00"), mark("on"), at(3, "08:30"), mark("after"))


@pytest.mark.covers("DLY-10", "SCH-27", "SCH-29")
def test_every_delay_is_counted_from_one_date_and_not_from_the_step_before(deal):
    workflow = live({"date": "2027-05-01", "yearly": False}, *STEPS)
    (inside,) = enter(workflow, deal, now="2027-04-01T15:20")
    assert waits(inside) == "2027-04-24T09:00"
    run("2027-04-24T11:00")
    assert waits(inside) == "2027-05-01T10:00"
    run("2027-05-01T10:00")
    assert waits(inside) == "2027-05-04T08:30"
    run("2027-05-04T08:30")
    inside.refresh_from_db()
    assert inside.status == "completed"
    assert story(inside) == [
        "at_7: waited", "before: success", "at0: waited", "on: success", "at3: waited", "after: success"
    ]  # fmt: skip


@pytest.mark.covers("DLY-10", "SCH-28", "SCH-29")
def test_every_record_has_a_time_of_its_own_by_its_date_property(deal):
    other = Deal.objects.create(name="B", close_date=dt.date(2027, 3, 28))
    workflow = live(CLOSE, *STEPS)
    first, second = enter(workflow, deal, other, now="2027-02-01T12:00")
    assert (waits(first), waits(second)) == ("2027-04-24T09:00", "2027-03-21T09:00")
    run("2027-03-21T09:00")
    assert (waits(first), waits(second)) == ("2027-04-24T09:00", "2027-03-28T10:00")


@pytest.mark.covers("SCH-30")
def test_steps_whose_time_had_passed_are_skipped_and_the_record_goes_on_with_the_next(deal):
    workflow = live(CLOSE, mark("welcome"), *STEPS)
    (inside,) = enter(workflow, deal, now="2027-05-01T10:01")
    assert story(inside) == [
        "welcome: success", "at_7: past", "before: centre_passed", "at0: past", "on: centre_passed"
    ]  # fmt: skip
    assert waits(inside) == "2027-05-04T08:30"
    assert "passed over" in str(Path(inside).lines()[3].sentence)
    run("2027-05-04T08:30")
    assert story(inside)[-2:] == ["at3: waited", "after: success"]
    late = Deal.objects.create(name="B", close_date=dt.date(2026, 5, 1))
    (over,) = enter(workflow, late, now="2027-05-05T12:00")
    assert over.status == "completed" and story(over)[-1] == "after: centre_passed"


def test_a_worker_that_comes_late_skips_nothing(deal):
    workflow = live(CLOSE, *STEPS)
    (inside,) = enter(workflow, deal, now="2027-04-01T12:00")
    run("2027-05-03T12:00")
    assert story(inside) == ["at_7: waited", "before: success", "at0: waited", "on: success"]
    assert waits(inside) == "2027-05-04T08:30"


@pytest.mark.covers("SCH-30")
def test_some_of_a_batch_skip_a_step_and_others_take_it(deal):
    early = Deal.objects.create(name="B", close_date=dt.date(2027, 5, 3))
    workflow = live(CLOSE, at(-1), mark("before"), at(30))
    one, two = enter(workflow, deal, early, now="2027-05-01T12:00")
    run("2027-05-02T09:00")
    assert story(one) == ["at_1: past", "before: centre_passed"]
    assert story(two) == ["at_1: waited", "before: success"]


@pytest.mark.covers("SCH-31")
def test_a_yearly_workflow_repeats_without_enrolling_again_whatever_the_year(deal):
    Deal.objects.filter(pk=deal.pk).update(close_date=dt.date(1984, 5, 1))
    workflow = live({**CLOSE, "yearly": True}, *STEPS)
    (inside,) = enter(workflow, deal, now="2027-04-28T12:00")
    assert story(inside) == ["at_7: past", "before: centre_passed"], "this year's first step had passed"
    assert waits(inside) == "2027-05-01T10:00"
    run("2027-05-01T10:00")
    run("2027-05-04T08:30")
    assert waits(inside) == "2028-04-24T09:00"
    for day in ("2028-04-24T09:00", "2028-05-01T10:00", "2028-05-04T08:30"):
        run(day)
    assert waits(inside) == "2029-04-24T09:00"
    assert Enrollment.objects.filter(workflow=workflow).count() == 1
    assert story(inside)[-6:] == [
        "at_7: waited", "before: success", "at0: waited", "on: success", "at3: waited", "after: success"
    ]  # fmt: skip


@pytest.mark.covers("SCH-31")
def test_who_enters_a_yearly_workflow_after_its_last_step_waits_for_next_year(deal):
    workflow = live({"date": "2020-05-01", "yearly": True}, *STEPS)
    (inside,) = enter(workflow, deal, now="2027-06-01T12:00")
    assert story(inside) == [] and waits(inside) == "2028-04-24T09:00"


def test_a_yearly_29_february_comes_in_leap_years(deal):
    Deal.objects.filter(pk=deal.pk).update(close_date=dt.date(2024, 2, 29))
    workflow = live({**CLOSE, "yearly": True}, at(0), mark("on"))
    (inside,) = enter(workflow, deal, now="2027-01-01T12:00")
    assert waits(inside) == "2028-02-29T09:00"
    run("2028-02-29T09:00")
    assert waits(inside) == "2032-02-29T09:00"


@pytest.mark.covers("SCH-28", "SCH-31")
def test_a_yearly_date_that_is_changed_before_the_first_round_is_waited_for_from_now_on(deal):
    """Of a birthday that was corrected the next one counts, not the one in the year the wrong one would have come."""
    now = database_now().astimezone(ZONE)
    today = now.replace(tzinfo=None).isoformat()
    past, soon = (now.date() + dt.timedelta(days=days) for days in (-30, 10))
    Deal.objects.filter(pk=deal.pk).update(close_date=past)
    workflow = live({**CLOSE, "yearly": True}, at(0), mark("on"), now=today)
    (inside,) = enter(workflow, deal, now=today)
    settle()
    assert waits(inside) == f"{centres.in_year(past, past.year + 1)}T09:00"
    Deal.objects.filter(pk=deal.pk).update(close_date=soon)
    settle()
    run(database_now().astimezone(ZONE).replace(tzinfo=None).isoformat())
    assert waits(inside) == f"{soon}T09:00"


@pytest.mark.covers("SCH-28")
def test_a_date_that_is_changed_moves_the_waiting(deal):
    now = database_now().astimezone(ZONE)
    today = now.replace(tzinfo=None).isoformat()

    def day(days: int) -> dt.date:
        return now.date() + dt.timedelta(days=days)

    Deal.objects.filter(pk=deal.pk).update(close_date=day(30))
    workflow = live(CLOSE, at(-7), mark("before"), at(5), mark("after"), now=today)
    (inside,) = enter(workflow, deal, now=today)
    settle()
    assert waits(inside) == f"{day(23)}T09:00"
    for later in (60, 20):
        Deal.objects.filter(pk=deal.pk).update(close_date=day(later))
        settle()
        run(database_now().astimezone(ZONE).replace(tzinfo=None).isoformat())
        assert waits(inside) == f"{day(later - 7)}T09:00"
    Deal.objects.filter(pk=deal.pk).update(amount=5)
    settle()
    assert waits(inside) == f"{day(13)}T09:00"
    Deal.objects.filter(pk=deal.pk).update(close_date=day(3))
    settle()
    run(database_now().astimezone(ZONE).replace(tzinfo=None).isoformat())
    assert story(inside) == ["at_7: past", "before: centre_passed"], "moved so near that its time is over"
    assert waits(inside) == f"{day(8)}T09:00"
    Deal.objects.filter(pk=deal.pk).update(close_date=None)
    settle()
    run(database_now().astimezone(ZONE).replace(tzinfo=None).isoformat())
    inside.refresh_from_db()
    assert inside.status == "completed" and story(inside)[-1] == "at5: empty"
    assert not EventWait.objects.exists()


@pytest.mark.covers("SCH-28")
def test_a_record_without_the_date_is_refused_at_the_door_however_it_comes(deal):
    undated = Deal.objects.create(name="B", amount=99)
    trigger = {"kind": "filter", "criteria": {"any": [{"all": [BIG]}]}}
    workflow = live(CLOSE, *STEPS, trigger=trigger)
    assert history(workflow, deal) == [("active", "")]
    assert history(workflow, undated) == [("refused", "no_centre_date")]
    cause = {"kind": "manual", "actor": boss().pk}
    done = enroll(workflow, [undated.pk], cause=cause, now=moment("2027-01-02T12:00"), manual=True)
    assert done.refused == {undated.pk: "no_centre_date"}
    later = Deal.objects.create(name="C", amount=99)
    settle()
    assert history(workflow, later) == [("refused", "no_centre_date")]


def problems(*steps: dict[str, Any], centre: Any = CLOSE) -> list[str]:
    found = checking.problems(parse(document(centre, *steps)))
    return [problem.path for problem in found if problem.severity == "error"]


@pytest.mark.covers("DLY-10", "SCH-29")
def test_ordinary_delays_have_no_place_there_and_these_nowhere_else():
    for slug, params in (("delay", {"days": 1}), ("delay_until_time", {"at": "09:00"})):
        assert problems(at(0), step("wait", slug, **params)) == ["steps.1.action"]
        assert problems(step("wait", slug, **params), centre=None) == []
    assert problems(at(0), centre=None) == ["steps.0.action"]
    assert problems(mark("first"), at(0)) == []


@pytest.mark.parametrize(
    ("centre", "path"),
    [
        ({"date": "2027-02-29"}, "centre.date"),
        ({"date": 7}, "centre.date"),
        ({"yearly": True}, "centre"),
        ({"date": "2027-05-01", "property": "close_date"}, "centre"),
        ({"property": "amount"}, "centre.property"),
        ({"property": ["close_date"]}, "centre.property"),
        ({"property": "close_date", "yearly": "yes"}, "centre.yearly"),
    ],
)
def test_a_centre_that_is_none_is_refused_where_it_is_wrong(centre, path):
    assert path in problems(at(0), centre=centre)


@pytest.mark.parametrize("centre", [7, [], "2027-05-01", {"day": "2027-05-01"}])
def test_a_centre_of_another_shape_is_no_definition(centre):
    with pytest.raises(DocumentError):
        parse(document(centre, at(0)))


def test_a_yearly_workflow_begins_with_a_time():
    yearly = {**CLOSE, "yearly": True}
    assert problems(mark("first"), at(0), centre=yearly) == ["steps.0"]
    assert problems(at(0), mark("on"), centre=yearly) == []


@pytest.mark.covers("SCH-31")
def test_a_yearly_workflow_may_jump_between_branches_though_its_end_leads_to_its_beginning(deal):
    big = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 50}]}
    ways = [
        {"name": "Big", "criteria": big, "steps": [step("jump", "go_to", step="small")]},
        {"name": "Small", "steps": [mark("small"), mark("both")]},
    ]
    steps = (at(0), step("split", "branch", ways), mark("after"))
    assert problems(*steps, centre={**CLOSE, "yearly": True}) == []
    (inside,) = enter(live({**CLOSE, "yearly": True}, *steps), deal, now="2027-01-01T12:00")
    for year in (2027, 2028):
        run(f"{year}-05-01T09:00")
        assert [line.partition(":")[0] for line in story(inside)[-6:]] == [
            "at0", "split", "jump", "small", "both", "after"
        ]  # fmt: skip
        assert waits(inside) == f"{year + 1}-05-01T09:00"
    ways[1]["steps"].append(step("back", "go_to", step="jump"))
    assert problems(*steps, centre={**CLOSE, "yearly": True}) == [
        "steps.1.branches.0.steps.0.params.step", "steps.1.branches.1.steps.2.params.step"
    ]  # fmt: skip


def test_a_new_date_recomputes_the_delays_of_those_inside(deal):
    centre = {"date": "2027-05-01", "yearly": True}
    workflow = live(centre, *STEPS)
    (inside,) = enter(workflow, deal, now="2027-04-01T12:00")
    revision = drafting.draft_of(workflow)
    revision.definition = document({**centre, "date": "2027-07-01"}, *STEPS)
    revision.save()
    review = publishing.review(workflow, user=boss(), now=moment("2027-04-02T12:00"))
    assert [place.count for place in review.inside.delays] == [1]
    publishing.publish(
        workflow, by=boss(), now=moment("2027-04-02T12:00"), enroll_existing=False, delays="recompute"
    )  # fmt: skip
    run("2027-04-02T12:00")
    assert waits(inside) == "2027-06-24T09:00"


def test_waiting_takes_as_many_statements_for_many_records_as_for_few(deal):
    workflow = live(CLOSE, at(-7), mark("before"), now="2027-01-01T12:00")
    counts = []
    for number in (2, 2, 200):
        days = (dt.date(2027, 5, 1) + dt.timedelta(days=n) for n in range(number))
        made = Deal.objects.bulk_create(Deal(name="M", close_date=day) for day in days)
        cause = {"kind": "manual", "actor": boss().pk}
        enroll(workflow, [one.pk for one in made], cause=cause, now=moment("2027-02-01T12:00"), manual=True)
        with CaptureQueriesContext(connection) as queries:
            taking_steps.run_due(moment("2027-02-01T12:00"))
        Enrollment.objects.filter(status="active").update(due_at=moment("2027-02-02T12:00"))
        with CaptureQueriesContext(connection) as again:
            taking_steps.run_due(moment("2027-02-02T12:00"))
        counts.append((len(queries), len(again)))
        assert EventWait.objects.count() == number
        Enrollment.objects.filter(status="active").update(status="completed", due_at=None, step="")
    # The engine itself asks now and then for what it keeps for a while.
    assert all(many <= few + 2 for few, many in zip(counts[1], counts[2], strict=True))
