"""Schedules and centres on the screens: the trigger panel, the review, the runs, the command."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.models import Deal
from tests.workflows.publishing_deals import BIG, WAIT, boss
from tests.workflows.scheduled_deals import NOON, document, live, stockholm, work
from workflows import drafting
from workflows.history.explaining import explain
from workflows.history.telling import Path
from workflows.models import Enrollment, ScheduleRun, Workflow

pytestmark = pytest.mark.django_db
BASE = "/admin/workflows/workflow"


@pytest.fixture
def draft(client: Any) -> Workflow:
    client.force_login(boss())
    return drafting.create("Test", "deal", boss(), definition=document(BIG) | {"trigger": {"kind": "manual"}})


def store(client: Any, workflow: Workflow, **sent: Any) -> str:
    """Send the trigger panel; its answer's panel."""
    revision = drafting.shown(workflow)
    data = {"kind": "schedule", "rev": revision.rev, "redraw": "1", **sent}
    answer = client.post(f"{BASE}/{workflow.pk}/editor/panel/?step=trigger", data)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["panel"])


def schedule_of(workflow: Workflow) -> Any:
    return drafting.shown(workflow).definition["trigger"].get("schedule")


def test_a_trigger_that_becomes_a_schedule_starts_daily_and_says_its_next_times(client, draft):
    panel = store(client, draft)
    assert schedule_of(draft) == {"every": "day", "at": "09:00"}
    assert "Every day at 9 a.m." in panel and "Europe/Stockholm" in panel
    assert panel.count("9 a.m.</li>") == 5
    assert "has no filters" in panel, "without filters it cannot be published"
    panel = store(client, draft, **{"schedule-every": "day", "schedule-at": "09:00", "everyone": "on"})
    assert drafting.shown(draft).definition["trigger"]["criteria"] == {"all": []}
    assert "has no filters" not in panel


FREQUENCIES = [
    ({"every": "once", "date": "2031-05-01", "at": "09:00"}, {"every": "once", "date": "2031-05-01", "at": "09:00"}),
    ({"every": "week", "weekdays": ["mon", "fri"], "at": "08:15"},
     {"every": "week", "weekdays": ["mon", "fri"], "at": "08:15"}),
    ({"every": "month", "days": ["1", "31"], "at": "09:00"}, {"every": "month", "days": [1, 31], "at": "09:00"}),
    ({"every": "month", "day": "first_monday", "days": ["1"], "at": "09:00"},
     {"every": "month", "day": "first_monday", "at": "09:00"}),
    ({"every": "year", "month": "2", "day": "29", "at": "09:00"},
     {"every": "year", "month": 2, "day": 29, "at": "09:00"}),
    ({"every": "year", "month": "7", "day": "last", "at": "09:00"},
     {"every": "year", "month": 7, "day": "last", "at": "09:00"}),
    ({"every": "cron", "cron": "0 9 * * 1-5"}, {"every": "cron", "cron": "0 9 * * 1-5"}),
    ({"every": "property", "property": "close_date", "offset_days_days": "3", "offset_days_side": "before",
      "yearly": "on", "at": "09:00"},
     {"every": "property", "property": "close_date", "offset_days": -3, "yearly": True, "at": "09:00"}),
    ({"every": "week", "at": "9"}, {"every": "week", "at": "9"}),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "stored"), FREQUENCIES)
def test_every_frequency_has_its_fields_and_keeps_what_was_sent(client, draft, sent, stored):
    every = {"schedule-every": sent["every"], "schedule-at": "09:00"}
    store(client, draft, **every)
    store(client, draft, **{f"schedule-{key}": value for key, value in sent.items()})
    assert schedule_of(draft) == stored
    again = client.get(f"{BASE}/{draft.pk}/editor/panel/?step=trigger").content.decode()
    assert 'value="' + sent["every"] + '" selected' in again
    finished = stored != {"every": "week", "at": "9"}
    assert ("The next times:" in again) == finished


@pytest.mark.detail(3)
def test_the_centre_is_set_beside_the_trigger_and_greys_the_ordinary_delays(client, draft):
    plain = client.get(f"{BASE}/{draft.pk}/editor/palette/").content.decode()
    assert option(plain, "delay_to_centre").count("aria-disabled") == 1 and "aria-disabled" not in option(
        plain, "delay"
    )
    centre = {"kind": "manual", "door": "1", "centre": "1", "centre-by": "property"}
    store(client, draft, **centre)
    panel = store(client, draft, **centre, **{"centre-property": "close_date", "centre-yearly": "on"})
    assert drafting.shown(draft).definition["centre"] == {"property": "close_date", "yearly": True}
    assert "Whatever the year of the date" in panel
    page = client.get(f"{BASE}/{draft.pk}/editor/palette/").content.decode()
    assert "aria-disabled" in option(page, "delay") and "aria-disabled" not in option(page, "delay_to_centre")
    store(client, draft, **{**centre, "centre-by": ""})
    assert drafting.shown(draft).definition["centre"] is None


def option(page: str, slug: str) -> str:
    start = page.index(f'data-add="{slug}"')
    return page[start : page.index("</button>", start)]


@pytest.mark.covers("SCH-21", "REV-09")
def test_the_review_says_who_matches_now_and_when_the_schedule_fires_and_asks_nothing(client):
    client.force_login(boss())
    Deal.objects.create(name="Big one", amount=99)
    Deal.objects.create(name="Small one", amount=1)
    workflow = drafting.create("Test", "deal", boss(), definition=document(BIG, steps=[WAIT]))
    page = client.get(f"{BASE}/{workflow.pk}/review/").content.decode()
    assert "deal meets the criteria now" in page and "Big one" in page and "Small one" not in page
    assert "The next times" in page and page.count("9 a.m.</li>") == 5
    assert "enroll_existing" not in page
    rev = drafting.shown(workflow).rev
    client.post(f"{BASE}/{workflow.pk}/review/", {"rev": rev, "in_flight": "follow", "enroll_existing": "yes"})
    workflow.refresh_from_db()
    assert workflow.status == "on" and not Enrollment.objects.exists()


def test_the_runs_are_shown_with_what_was_missed(client, django_user_model):
    Deal.objects.create(name="A", amount=99)
    live(BIG)
    work(stockholm(13, 10))
    client.force_login(boss())
    page = client.get("/admin/workflows/schedulerun/").content.decode()
    assert "1 matched, 1 were enrolled" in page
    assert "Nobody was there to fire it: 2 times" in page
    ann = django_user_model.objects.create_user("ann", is_staff=True)
    client.force_login(ann)
    assert client.get("/admin/workflows/schedulerun/").status_code == 403


def test_history_and_explanation_tell_of_the_schedule():
    deal = Deal.objects.create(name="A", amount=99)
    other = Deal.objects.create(name="B", amount=1)
    workflow = live(BIG)
    work(stockholm(11))
    enrollment = Enrollment.objects.get(record_id=deal.pk)
    sentence = str(Path(enrollment).beginning().sentence)
    assert sentence.startswith("The schedule enrolled it on Monday, Jan. 11, 2027, at")
    assert "schedule" in explain(workflow, deal.pk, now=NOON).sentence
    answer = explain(workflow, other.pk, now=NOON)
    assert answer.verdict == "awaits_schedule"
    assert answer.sentence == (
        "The schedule enrolls it on Tuesday, Jan. 12, 2027, at 9 a.m. if it meets the criteria then."
    )  # fmt: skip


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("workflow_schedules", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_schedules_and_fires_what_is_due(settings):
    settings.DEBUG = True
    Deal.objects.create(name="A", amount=99)
    workflow = live(BIG)
    assert command() == command("--list") == f"{workflow.pk}\t{stockholm(11).isoformat()}\tEurope/Stockholm\tTest\n"
    assert command("--run-due", "--now", (stockholm(11) - dt.timedelta(seconds=1)).isoformat()) == ""
    told = command("--run-due", "--now", stockholm(11).isoformat())
    assert told.endswith("done\t1 matched, 1 enrolled, 0 still inside, 0 refused\n")
    assert command("--run-due", "--now", stockholm(11).isoformat()) == ""
    assert ScheduleRun.objects.count() == 1
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        command("--run-due", "--now", stockholm(12).isoformat())
