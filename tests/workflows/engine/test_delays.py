"""The delays, in the engine: until when records are held, in whose zone, what the history says (DLY, SET)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from crm.models import Contact, Deal, Task
from records.clock import database_now
from records.models import PropertyDefinition
from tests.workflows.building import enroll, log_of, make_workflow, step
from tests.workflows.publishing_deals import BIG, WAIT, document, live, publish
from workflows import drafting
from workflows.definitions import checking, parsing, touching
from workflows.engine.taking_steps import run_due
from workflows.history.telling import path_of
from workflows.models import Enrollment, Revision, StepExecution, Workflow
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db

NOTE = step("act", "create_task", title="Call", assignee="")


def stockholm(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Stockholm"))


#: A Friday.
NOW = stockholm("2027-11-26T10:00")


def workflow(*steps: dict[str, Any], object_type: str = "contact", **settings: Any) -> Workflow:
    """A workflow in Stockholm."""
    return make_workflow(list(steps), object_type, **{"timezone": "Europe/Stockholm", **settings})


def run(now: dt.datetime) -> None:
    while run_due(now):
        pass


def contacts(*zones: str) -> list[int]:
    made = (Contact(email=f"c{i}@example.com", time_zone=zone) for i, zone in enumerate(zones))
    return [contact.pk for contact in Contact.objects.bulk_create(made)]


def due(enrollment: Enrollment) -> str:
    """When it goes on, in Stockholm; how it ended when it has."""
    enrollment.refresh_from_db()
    if enrollment.due_at is None:
        return enrollment.ended_reason
    return f"{enrollment.due_at.astimezone(ZoneInfo('Europe/Stockholm')):%a %Y-%m-%d %H:%M}"


def held(found: dict[str, Any], *zones: str, now: dt.datetime = NOW) -> list[str]:
    """When each contact goes on, by its time zone."""
    made = enroll(workflow(found), contacts(*zones), now)
    run(now)
    return [due(enrollment) for enrollment in made]


def story(enrollment: Enrollment) -> list[str]:
    enrollment.refresh_from_db()
    with timezone.override("Europe/Stockholm"):
        return [strip_tags(line.sentence) for line in path_of(enrollment) if line.kind == "step"]


@pytest.mark.covers("DLY-01")
def test_a_calendar_date_holds_until_it_comes_and_one_that_is_past_does_not() -> None:
    (pk,) = contacts("")
    wait = step("wait", "delay_until_date", at="2027-12-01T09:00")
    made = workflow(wait, NOTE)
    (enrollment,) = enroll(made, [pk], NOW)
    run(stockholm("2027-12-01T08:59:59"))
    assert due(enrollment) == "Wed 2027-12-01 09:00"
    run(stockholm("2027-12-01T09:00"))
    assert log_of(enrollment) == [("wait", "waiting"), ("wait", "success"), ("act", "success")]
    assert enrollment_outputs(enrollment)["wait"] == {"state": "waited"}
    assert story(enrollment)[:2] == ["Waits until Wednesday, Dec. 1, 2027, at 9 a.m.", "The wait was over"]

    Enrollment.objects.all().delete()
    (late,) = enroll(made, [pk], stockholm("2027-12-01T09:00"))
    run(stockholm("2027-12-01T09:00"))
    assert log_of(late) == [("wait", "success"), ("act", "success")]
    assert enrollment_outputs(late)["wait"] == {"state": "past"}
    assert story(late)[0] == "Went on at once: Wednesday, Dec. 1, 2027, at 9 a.m. was already past"


def enrollment_outputs(enrollment: Enrollment) -> dict[str, Any]:
    enrollment.refresh_from_db()
    return enrollment.outputs


@pytest.mark.covers("CPL-18", "DLY-01", "DLY-12")
def test_clocks_are_the_workflows_or_the_records_as_far_as_it_has_a_zone_that_is_known() -> None:
    zones = ("America/New_York", "Asia/Kolkata", "", "Mars/Base")
    date = step("wait", "delay_until_date", at="2027-12-01T09:00", zone="record")
    assert held(date, *zones) == [
        "Wed 2027-12-01 15:00",
        "Wed 2027-12-01 04:30",
        "Wed 2027-12-01 09:00",
        "Wed 2027-12-01 09:00",
    ]
    Contact.objects.all().delete()
    assert (
        held(date | {"params": {"at": "2027-12-01T09:00", "zone": "workflow"}}, *zones) == ["Wed 2027-12-01 09:00"] * 4
    )
    Contact.objects.all().delete()
    # 10:00 in Stockholm is 04:00 in New York and 14:30 in Kolkata, where nine o'clock is over.
    assert held(step("wait", "delay_until_time", at="09:00", zone="record"), *zones) == [
        "Fri 2027-11-26 15:00",
        "Sat 2027-11-27 04:30",
        "Sat 2027-11-27 09:00",
        "Sat 2027-11-27 09:00",
    ]


def deals(*dates: dt.date | None, **custom: Any) -> list[int]:
    made = (Deal(name=f"D{i}", close_date=date, custom=custom) for i, date in enumerate(dates))
    return [deal.pk for deal in Deal.objects.bulk_create(made)]


@pytest.mark.covers("DLY-02", "DLY-03", "DLY-04")
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["Wed 2027-12-01 00:00", "completed", "completed", "completed"]),
        ({"at": "09:00"}, ["Wed 2027-12-01 09:00", "completed", "completed", "completed"]),
        ({"at": "10:01"}, ["Wed 2027-12-01 10:01", "Fri 2027-11-26 10:01", "completed", "completed"]),
        ({"offset_days": -3, "at": "09:00"}, ["Sun 2027-11-28 09:00", "completed", "completed", "completed"]),
        ({"offset_days": 30}, ["Fri 2027-12-31 00:00", "Sun 2027-12-26 00:00", "Thu 2027-12-23 00:00", "completed"]),
        ({"offset_days": 150}, ["Sat 2028-04-29 00:00", "Mon 2028-04-24 00:00", "Fri 2028-04-21 00:00", "completed"]),
    ],
)
def test_a_date_property_holds_until_its_day_or_days_around_it(params: dict[str, Any], expected: list[str]) -> None:
    ids = deals(dt.date(2027, 12, 1), dt.date(2027, 11, 26), dt.date(2027, 11, 23), None)
    found = workflow(step("wait", "delay_until_property", property="close_date", **params), object_type="deal")
    made = enroll(found, ids, NOW)
    run(NOW)
    assert [due(enrollment) for enrollment in made] == expected
    run(NOW + dt.timedelta(days=200))
    waited = ["past" if answer == "completed" else "waited" for answer in expected[:3]]
    assert [enrollment_outputs(one)["wait"]["state"] for one in made] == [*waited, "empty"]


@pytest.mark.covers("DLY-02", "DLY-03")
def test_a_date_with_a_time_keeps_its_time_of_day_also_when_the_clocks_change_meanwhile() -> None:
    PropertyDefinition.objects.create(object_type="deal", slug="renewal", label="Renewal", type="datetime")
    PropertyDefinition.objects.create(object_type="deal", slug="expiry", label="Expiry", type="date")
    (pk,) = deals(None, renewal="2028-03-24T07:30:00+00:00", expiry="2028-03-26")

    def until(slug: str, **params: Any) -> str:
        wait = step("wait", "delay_until_property", property=slug, **params)
        (made,) = enroll(workflow(wait, object_type="deal"), [pk], NOW)
        run(NOW)
        return due(made)

    assert until("renewal") == "Fri 2028-03-24 08:30"
    # Summer time begins on the 26th: three days later it is 08:30 again, though 71 hours have passed.
    assert until("renewal", offset_days=3) == "Mon 2028-03-27 08:30"
    assert until("renewal", offset_days=-1, at="17:00") == "Thu 2028-03-23 17:00"
    assert until("expiry", at="02:30") == "Sun 2028-03-26 03:30"
    assert until("expiry", offset_days=1, at="02:30") == "Mon 2028-03-27 02:30"


def test_the_day_of_an_instant_is_the_one_in_the_records_zone() -> None:
    # Half past eight in the evening of the 30th in New York is the 31st in Stockholm already.
    PropertyDefinition.objects.create(object_type="contact", slug="visit", label="Visit", type="datetime")
    ids = contacts("America/New_York", "")
    Contact.objects.update(custom={"visit": "2027-12-31T01:30:00+00:00"})
    wait = step("wait", "delay_until_property", property="visit", at="09:00", zone="record")
    made = enroll(workflow(wait), ids, NOW)
    run(NOW)
    assert [due(enrollment) for enrollment in made] == ["Thu 2027-12-30 15:00", "Fri 2027-12-31 09:00"]


@pytest.mark.covers("DLY-04")
def test_whether_a_record_waited_can_be_branched_by() -> None:
    ids = deals(dt.date(2027, 12, 1), dt.date(2027, 11, 1), None)
    ways = [
        {"name": name, "values": [name], "steps": [step(name, "create_task", title=name, assignee="")]}
        for name in ("waited", "past", "empty")
    ]
    split = step("split", "value_branch", [*ways, {"name": "Other", "steps": []}], output="wait.state")
    wait = step("wait", "delay_until_property", property="close_date")
    found = workflow(wait, split, object_type="deal")
    assert found.live is not None
    assert checking.errors(checking.problems(parsing.parse(found.live.definition))) == []
    made = enroll(found, ids, NOW)
    run(NOW)
    run(stockholm("2027-12-01T00:00"))
    taken = [[name for name, outcome in log_of(one) if outcome == "success"][-1] for one in made]
    assert taken == ["waited", "past", "empty"]


def test_the_history_tells_of_a_date_property_with_the_days_around_it() -> None:
    ids = deals(dt.date(2027, 12, 1), dt.date(2027, 11, 1), None)
    wait = step("wait", "delay_until_property", property="close_date", offset_days=-3, at="09:00")
    made = enroll(workflow(wait, object_type="deal"), ids, NOW)
    run(NOW)
    run(stockholm("2027-12-02T00:00"))
    assert [story(enrollment) for enrollment in made] == [
        ["Waits until Sunday, Nov. 28, 2027, at 9 a.m. (3 days before close date)", "The wait was over"],
        ["Went on at once: Friday, Oct. 29, 2027, at 9 a.m. was already past (3 days before close date)"],
        ["Went on at once: close date was blank"],
    ]


@pytest.mark.covers("DLY-11")
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"days": ["tue"]}, "Tue 2027-11-30 00:00"),
        ({"days": ["fri"]}, "completed"),
        ({"days": ["thu", "sun"]}, "Sun 2027-11-28 00:00"),
        ({"days": ["tue"], "at": "09:00"}, "Tue 2027-11-30 09:00"),
        ({"days": ["fri"], "at": "10:00"}, "completed"),
        ({"days": ["fri"], "at": "15:00"}, "Fri 2027-11-26 15:00"),
        ({"days": ["fri"], "at": "09:00"}, "Fri 2027-12-03 09:00"),
        ({"days": ["fri", "mon"], "at": "09:00"}, "Mon 2027-11-29 09:00"),
    ],
)
def test_a_day_of_the_week_holds_until_it_comes_and_goes_on_at_once_when_it_is_here(
    params: dict[str, Any], expected: str
) -> None:
    assert held(step("wait", "delay_until_weekday", **params), "") == [expected]


@pytest.mark.covers("DLY-13")
def test_what_follows_a_weekday_is_done_on_that_day_only() -> None:
    (pk,) = contacts("")
    (enrollment,) = enroll(workflow(step("wait", "delay_until_weekday", days=["tue"]), NOTE), [pk], NOW)
    for hours in range(0, 24 * 14, 5):
        run(NOW + dt.timedelta(hours=hours))
    (done,) = StepExecution.objects.filter(enrollment=enrollment, step="act")
    assert f"{done.at.astimezone(ZoneInfo('Europe/Stockholm')):%A}" == "Tuesday"
    assert story(enrollment)[:2] == ["Waits until Tuesday, Nov. 30, 2027, at midnight", "The wait was over"]
    (now,) = enroll(workflow(step("wait", "delay_until_weekday", days=["fri"]), NOTE), [pk], NOW)
    run(NOW)
    assert story(now)[0] == "It was one of the days, so the record went on at once"


@pytest.mark.covers("DLY-12")
@pytest.mark.parametrize(
    ("at", "expected"),
    [("10:00", "completed"), ("10:01", "Fri 2027-11-26 10:01"), ("09:59", "Sat 2027-11-27 09:59")],
)
def test_a_time_of_day_is_today_if_still_ahead(at: str, expected: str) -> None:
    assert held(step("wait", "delay_until_time", at=at), "") == [expected]


@pytest.mark.covers("DLY-12")
@pytest.mark.parametrize(
    ("now", "at", "expected"),
    [
        ("2027-03-28T01:59", "02:30", "2027-03-28T01:30+00:00"),
        ("2027-10-31T01:59", "02:30", "2027-10-31T00:30+00:00"),
        ("2027-10-30T02:31", "02:30", "2027-10-31T00:30+00:00"),
    ],
)
def test_a_time_of_day_follows_the_clocks(now: str, at: str, expected: str) -> None:
    (pk,) = contacts("")
    (enrollment,) = enroll(workflow(step("wait", "delay_until_time", at=at), NOTE), [pk], stockholm(now))
    run(stockholm(now))
    enrollment.refresh_from_db()
    assert enrollment.due_at == dt.datetime.fromisoformat(expected)


@pytest.mark.covers("DLY-09")
def test_a_set_amount_counts_from_reaching_the_delay_not_from_enrollment() -> None:
    (pk,) = contacts("")
    steps = [step("first", "delay", days=1), step("second", "delay", hours=2, minutes=30), NOTE]
    (enrollment,) = enroll(workflow(*steps), [pk], NOW)
    run(NOW)
    assert due(enrollment) == "Sat 2027-11-27 10:00"
    # The first wait ends late, because nobody was there: the second one counts from then.
    run(stockholm("2027-11-27T13:00"))
    assert due(enrollment) == "Sat 2027-11-27 15:30"


@pytest.mark.covers("DLY-09")
def test_a_set_amount_counts_from_reaching_the_delay_also_when_it_is_reckoned_anew() -> None:
    (pk,) = contacts("")
    (enrollment,) = enroll(workflow(step("wait", "delay", days=3)), [pk], NOW)
    arrived = NOW - dt.timedelta(days=1)
    Enrollment.objects.update(arrived_at=arrived)
    run(NOW)
    assert due(enrollment) == "Sun 2027-11-28 10:00"


# Execution windows and pause dates.

WORKDAYS = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}]


@pytest.mark.covers("SET-02", "SET-03")
def test_outside_the_window_an_action_waits_for_its_slot_in_the_first_quarter_of_an_hour() -> None:
    ids = contacts(*[""] * 200)
    found = workflow(NOTE, windows=WORKDAYS)
    made = enroll(found, ids, NOW)
    run(NOW)
    assert Task.objects.count() == 200
    made = enroll(found, ids, stockholm("2027-11-26T17:30"))
    run(stockholm("2027-11-26T17:30"))
    slots = [Enrollment.objects.get(pk=one.pk).due_at for one in made]
    assert min(slots) >= stockholm("2027-11-29T09:00") and max(slots) < stockholm("2027-11-29T09:15")
    assert len(set(slots)) > 150
    assert Task.objects.count() == 200
    run(stockholm("2027-11-29T09:07"))
    assert 200 + 60 < Task.objects.count() < 200 + 140
    run(stockholm("2027-11-29T09:15"))
    assert Task.objects.count() == 400
    assert {log for one in made for log in log_of(one)} == {("act", "waiting"), ("act", "success")}


@pytest.mark.covers("SET-04", "DLY-14", "BRN-14")
def test_delays_and_branches_are_not_shifted_but_the_action_after_them_is() -> None:
    (pk,) = contacts("")
    ways = [{"name": "A", "criteria": {"all": [{"property": "email", "operator": "is_known"}]}, "steps": [NOTE]}]
    split = step("split", "branch", [*ways, {"name": "B", "steps": []}])
    found = workflow(step("wait", "delay", hours=10), split, windows=WORKDAYS)
    (enrollment,) = enroll(found, [pk], NOW)
    run(NOW)
    assert due(enrollment) == "Fri 2027-11-26 20:00"
    run(stockholm("2027-11-26T20:00"))
    enrollment.refresh_from_db()
    assert (enrollment.step, due(enrollment)[:14]) == ("act", "Mon 2027-11-29")
    assert log_of(enrollment) == [("wait", "waiting"), ("wait", "success"), ("split", "success"), ("act", "waiting")]
    run(stockholm("2027-11-29T09:15"))
    assert log_of(enrollment)[-1] == ("act", "success")


@pytest.mark.covers("SET-05", "SET-06", "SET-07")
def test_on_a_pause_date_actions_move_to_the_next_day_at_the_same_time() -> None:
    (pk,) = contacts("")
    found = workflow(NOTE, windows=WORKDAYS, pause_dates=[{"date": "11-26"}])
    (enrollment,) = enroll(found, [pk], NOW)
    run(NOW)
    assert due(enrollment) == "Mon 2027-11-29 10:00"
    assert story(enrollment) == ["Reached on a pause date: runs on Monday, Nov. 29, 2027, at 10 a.m."]
    run(stockholm("2027-11-29T10:00"))
    assert log_of(enrollment) == [("act", "waiting"), ("act", "success")]
    Enrollment.objects.all().delete()
    (early,) = enroll(found, [pk], stockholm("2027-11-26T08:00"))
    run(stockholm("2027-11-26T08:00"))
    assert stockholm("2027-11-29T09:00") <= early_due(early) < stockholm("2027-11-29T09:15")


def early_due(enrollment: Enrollment) -> dt.datetime:
    enrollment.refresh_from_db()
    assert enrollment.due_at is not None
    return enrollment.due_at


@pytest.mark.covers("SET-03")
def test_the_history_says_why_an_action_waits_and_when_it_runs() -> None:
    (pk,) = contacts("")
    (enrollment,) = enroll(workflow(NOTE, windows=WORKDAYS), [pk], stockholm("2027-11-27T12:00"))
    run(stockholm("2027-11-27T12:00"))
    runs = early_due(enrollment).astimezone(ZoneInfo("Europe/Stockholm"))
    (told,) = story(enrollment)
    assert told.startswith("Outside the execution times: runs on Monday, Nov. 29, 2027, at 9")
    assert f":{runs:%M}" in told or runs.minute == 0
    # Who reads it elsewhere sees the time there.
    with timezone.override("America/New_York"):
        (line,) = (line for line in path_of(enrollment) if line.kind == "step")
    assert "Monday, Nov. 29, 2027, at 3" in line.sentence


def test_an_action_that_comes_late_outside_the_window_is_shifted_again() -> None:
    (pk,) = contacts("")
    (enrollment,) = enroll(workflow(NOTE, windows=WORKDAYS), [pk], stockholm("2027-11-27T12:00"))
    run(stockholm("2027-11-27T12:00"))
    # Nobody was there all Monday.
    run(stockholm("2027-11-29T22:00"))
    assert due(enrollment).startswith("Tue 2027-11-30 09:")
    run(stockholm("2027-11-30T09:15"))
    assert log_of(enrollment) == [("act", "waiting"), ("act", "waiting"), ("act", "success")]


def test_publishing_other_times_asks_again_whether_an_action_may_run_and_leaves_delays_alone() -> None:
    today = database_now().date()
    pause = {"from": str(today), "to": str(today + dt.timedelta(days=1))}
    task = {"id": "act", "action": "create_task", "params": {"title": "Call", "assignee": ""}}
    made = live(BIG, steps=[task, WAIT], settings={"pause_dates": [pause]}, existing=True)
    enroll(made, deals(None), database_now())
    run(database_now())
    held = Enrollment.objects.get()
    assert (held.step, held.due_at.date()) == ("act", today + dt.timedelta(days=2))

    revision = drafting.draft_of(made)
    revision.definition = document(BIG, steps=[task, WAIT], settings={"pause_dates": []})
    revision.save()
    publish(made, in_flight="follow")
    run(database_now())
    waits = Enrollment.objects.get()
    assert (waits.step, waits.due_at.date()) == ("wait", today + dt.timedelta(days=2))
    assert Task.objects.count() == 1

    revision = drafting.draft_of(made)
    revision.definition = document(BIG, steps=[task, WAIT], settings={"pause_dates": [pause]})
    revision.save()
    publish(made, in_flight="follow")
    assert Enrollment.objects.get().due_at == waits.due_at


@pytest.mark.covers("DLY-16")
@pytest.mark.parametrize(("delays", "first", "second"), [("keep", 5, 5), ("recompute", 2, None)])
def test_a_changed_date_is_kept_or_read_anew_and_one_that_is_past_then_is_over(
    delays: str, first: int, second: int | None
) -> None:
    today = database_now().date()

    def until(days: int) -> dict[str, Any]:
        moment = dt.datetime.combine(today + dt.timedelta(days=days), dt.time(12))
        return step("wait", "delay_until_date", at=moment.isoformat(timespec="minutes"))

    made = live(BIG, steps=[until(5)])
    enroll(made, deals(None), database_now())
    run(database_now())
    for days, expected in ((2, first), (-2, second)):
        revision = drafting.draft_of(made)
        revision.definition = document(BIG, steps=[until(days)])
        revision.save()
        publish(made, in_flight="follow", delays=delays)
        run(database_now())
        found = Enrollment.objects.get()
        assert (found.due_at.date() if found.due_at else None) == (
            today + dt.timedelta(days=expected) if expected else None
        )
    assert found.status == ("active" if delays == "keep" else "completed")
    assert found.outputs == ({} if delays == "keep" else {"wait": {"state": "past"}})


# The cards, and what keeps a delay from being published.


def card(found: dict[str, Any], object_type: str = "contact") -> str:
    parsed = parsing.parse({"format": 1, "object": object_type, "steps": [found]})
    return actions[found["action"]].describe(found["params"], StepContext(parsed, parsed.by_id["wait"]))


@pytest.mark.parametrize(
    ("action", "params", "sentence"),
    [
        ("date", {}, "Choose the date to wait for"),
        ("date", {"at": "2027-05-01T09:30"}, "Wait until May 1, 2027, 9:30 a.m."),
        ("date", {"at": "2027-05-01"}, "Wait until May 1, 2027, midnight"),
        (
            "date",
            {"at": "2027-05-01T09:30", "zone": "record"},
            "Wait until May 1, 2027, 9:30 a.m. in the record’s time zone",
        ),
        ("property", {}, "Choose the date property to wait for"),
        ("property", {"property": "created_at"}, "Wait until created"),
        ("property", {"property": "created_at", "offset_days": 1}, "Wait until 1 day after created"),
        (
            "property",
            {"property": "created_at", "offset_days": -3, "at": "17:00"},
            "Wait until 3 days before created, 5 p.m.",
        ),
        ("weekday", {}, "Choose the days to wait for"),
        ("weekday", {"days": ["tue"]}, "Wait for Tuesday"),
        ("weekday", {"days": ["sun", "tue", "mon"], "at": "08:15"}, "Wait for Monday, Tuesday or Sunday, 8:15 a.m."),
        ("time", {}, "Choose the time to wait for"),
        ("time", {"at": "17:30"}, "Wait until 5:30 p.m."),
    ],
)
def test_a_card_says_what_is_waited_for(action: str, params: dict[str, Any], sentence: str) -> None:
    assert card(step("wait", f"delay_until_{action}", **params)) == sentence


MOVED = {"event": "property_changed", "property": "city"}


@pytest.mark.parametrize(
    ("action", "params", "paths"),
    [
        ("date", {}, {"at"}),
        ("date", {"at": "2027-02-30T09:00"}, {"at"}),
        ("date", {"at": "2027-05-01T09:00Z"}, {"at"}),
        ("date", {"at": "2027-05-01T09:00", "zone": "Europe/Stockholm"}, {"zone"}),
        ("property", {"property": "email"}, {"property"}),
        ("property", {"property": "created_at", "offset_days": 1.5}, {"offset_days"}),
        ("property", {"property": "created_at", "offset_days": True}, {"offset_days"}),
        ("property", {"property": "created_at", "offset_days": -3_651}, {"offset_days"}),
        ("property", {"property": "created_at", "at": "9 o'clock"}, {"at"}),
        ("weekday", {"days": []}, {"days"}),
        ("weekday", {"days": ["tuesday"]}, {"days"}),
        ("weekday", {"days": ["tue"], "at": "24:00"}, {"at"}),
        ("time", {"at": "9:00"}, {"at"}),
        ("event", {**MOVED, "max_wait": {"days": 3_651}}, {"max_wait"}),
        ("event", {**MOVED, "max_wait": {"minutes": "0" * 9 + "9" * 12}}, {"max_wait"}),
        ("time", {"at": "09:00", "until": "10:00"}, {"until"}),
    ],
)
def test_a_delay_that_cannot_be_is_refused_with_its_place(
    action: str, params: dict[str, Any], paths: set[str]
) -> None:
    found = step("wait", f"delay_until_{action}", **params)
    parsed = parsing.parse({"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": [found]})
    problems = checking.problems(parsed)
    assert {problem.path for problem in problems} == {f"steps.0.params.{path}" for path in paths}
    assert all(problem.message.endswith(".") and "%(" not in problem.message for problem in problems)


def test_records_without_a_zone_of_their_own_follow_the_workflow() -> None:
    found = step("wait", "delay_until_time", at="09:00", zone="record")
    parsed = parsing.parse({"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": [found]})
    assert [problem.path for problem in checking.problems(parsed)] == ["steps.0.params.zone"]
    form = actions["delay_until_time"].Params(document={"at": "09:00"}, context=StepContext(parsed, parsed.steps[0]))
    assert [label for _value, label in form.fields["zone"].choices] == [f"The workflow’s ({'UTC'})"]


def test_what_a_delay_reads_is_kept_with_the_revision() -> None:
    steps = [
        step("a", "delay_until_property", property="created_at", zone="record"),
        step("b", "delay_until_time", at="09:00"),
    ]
    made = workflow(*steps)
    revision = Revision.objects.get(workflow=made)
    assert touching.reads(parsing.parse(revision.definition)) == {"contact.created_at", "contact.time_zone"}
