"""How a workflow does, on its page and by the API: sums, goal conversion, trends and emails (HIS-15, GOL-03)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Contact, EmailTemplate, SubscriptionType
from records.happening import happen
from tests.api.conftest import client_of
from tests.workflows.building import enroll, make_workflow, step
from tests.workflows.publishing_deals import boss
from workflows.history import charts, performance
from workflows.models import Delivery, Enrollment, Workflow

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2027, 3, 10, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
GOAL = {"all": [{"property": "city", "operator": "is_known"}]}


def live(**parts: Any) -> Workflow:
    workflow = make_workflow([step("mail", "send_email", email="news")], timezone="UTC")
    assert workflow.live is not None
    definition = {**workflow.live.definition, **parts}
    workflow.live = workflow.revisions.create(number=2, definition=definition, published_at=NOW - 90 * DAY)
    workflow.save()
    return workflow


def contacts(count: int) -> list[Contact]:
    return Contact.objects.bulk_create(Contact(email=f"c{n}@example.com") for n in range(count))


def end(one: Enrollment, status: str, reason: str, at: dt.datetime, **cause: Any) -> None:
    Enrollment.objects.filter(pk=one.pk).update(
        status=status, ended_reason=reason, ended_at=at, step="", due_at=None, cause={**one.cause, **cause}
    )


def page(workflow: Workflow, **query: str) -> str:
    client = Client()
    client.force_login(boss())
    return client.get(reverse("admin:workflow_performance", args=[workflow.pk]), query).content.decode()


@pytest.fixture
def mailed() -> Workflow:
    """Five inside once: completed, at the goal, at the goal later, left otherwise, and one that still is inside."""
    kind = SubscriptionType.objects.create(name="News", slug="news")
    EmailTemplate.objects.create(slug="news", name="News", subject="News", type=kind, body="<p>Hi</p>")
    workflow = live(goal=GOAL)
    people = contacts(5)
    rows = enroll(workflow, [one.pk for one in people], now=NOW - 2 * DAY)
    end(rows[0], "completed", "completed", NOW - DAY)
    end(rows[1], "unenrolled", "goal_met", NOW - DAY)
    end(rows[2], "completed", "completed", NOW - DAY, goal_met_at=NOW.isoformat())
    end(rows[3], "unenrolled", "by_hand", NOW)
    for number in (0, 1, 2):
        Delivery.objects.create(
            key=f"{rows[number].pk}:mail:0", kind="email", enrollment_id=rows[number].pk, state=Delivery.State.DONE,
            request={"email": "News", "contact": people[number].pk}, due_at=NOW, created_at=NOW - 2 * DAY,
        )  # fmt: skip
    for event, who in (("email_sent", people[:3]), ("email_opened", people[:2]), ("email_clicked", people[4:])):
        facts = {"email": "News", "subject": "News", "kind": "automated"}
        happen(event, "contact", [one.pk for one in who], properties=facts, now=NOW, occurred_at=NOW - DAY)
    return workflow


@pytest.mark.covers("HIS-15")
def test_sums_and_the_trend_by_day_week_and_month(mailed):
    found = performance.performance(mailed, "day", NOW)
    sums = (found.enrolled, found.active, found.completed, found.unenrolled, found.failed, found.refused)
    assert sums == (5, 1, 2, 2, 0, 0)
    assert len(found.periods) == 30
    days = {one.since.date().isoformat(): one for one in found.periods}
    assert (days["2027-03-08"].enrolled, days["2027-03-09"].completed, days["2027-03-10"].unenrolled) == (5, 2, 1)
    assert (days["2027-03-09"].unenrolled, days["2027-03-09"].met_goal) == (1, 1)
    for by, first in (("week", "2027-03-08"), ("month", "2027-03-01")):
        trend = performance.performance(mailed, by, NOW).periods
        assert (trend[-1].since.date().isoformat(), trend[-1].enrolled) == (first, 5)


@pytest.mark.covers("GOL-03")
def test_the_conversion_counts_whom_a_marketing_email_was_sent_to(mailed):
    """The one who left otherwise, and the one inside, were sent none; who met it after completing counts."""
    found = performance.performance(mailed, "day", NOW)
    assert (found.goal_base, found.goal_met, found.goal_rate) == (3, 2, 66.7)


@pytest.mark.covers("HIS-15")
def test_emails_are_counted_among_those_the_workflow_has_sent_them_to(mailed):
    (table,) = performance.performance(mailed, "day", NOW).tables
    assert table.columns[:5] == ["Email", "Sent", "Delivered", "Opened", "Clicked"]
    assert table.rows == [["News", 3, 0, 2, 0, 0, 0, 0]]


@pytest.mark.covers("HIS-15")
def test_the_page_draws_what_its_table_says_and_the_api_gives_the_same(mailed):
    shown = page(mailed, by="month")
    assert 'role="img"' in shown and "66.7 %" in shown and "2 of 3" in shown and "<caption" not in shown
    reply = client_of(boss()).send("GET", f"workflows/{mailed.pk}/performance/?by=week").document
    assert (reply["enrolled"], reply["goal_rate"], len(reply["histogram"])) == (5, 66.7, 26)
    assert client_of(boss()).send("GET", f"workflows/{mailed.pk}/performance/?by=year").status_code == 400


def test_nobody_yet():
    workflow = make_workflow([step("wait", "delay", days=1)])
    assert "Nobody has been enrolled yet" in page(workflow)
    found = performance.performance(workflow, "day", NOW)
    assert (found.goal_base, found.goal_rate, sum(one.enrolled for one in found.periods)) == (None, None, 0)


def test_a_chart_has_a_round_scale_and_a_name_for_every_bar():
    drawn = str(charts.bars(["Mon", "Tue <b>"], [charts.Series("enrolled", "info", [7, 0])], "What <there> is"))
    assert drawn.count("<rect") == 1 and "Mon: enrolled 7" in drawn and "<b>" not in drawn
    assert [charts.scale(most) for most in (0, 1, 3, 7, 10, 11, 420)] == [1, 1, 5, 10, 10, 20, 500]


def test_the_days_below_a_chart_keep_apart_and_stay_inside():
    days = [f"Nov. {day}, 2026" for day in range(1, 31)]
    drawn = str(charts.bars(days, [charts.Series("enrolled", "info", [1] * 30)], "Days"))
    found = [
        (float(x), len(name))
        for x, name in re.findall(r'<text class="chart-text" x="([\d.]+)" y="212">([^<]+)', drawn)
    ]
    ends = [x + length * 6 for x, length in found]
    assert len(found) > 4 and all(end < x for end, (x, _length) in zip(ends, found[1:], strict=False))
    assert ends[-1] <= charts.WIDTH
