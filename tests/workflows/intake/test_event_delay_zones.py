"""Delays until an event count the days of the event's filters as the workflow does."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from crm.models import Deal
from records.clock import database_now
from records.happening import happen
from tests.workflows.building import enroll, make_workflow
from tests.workflows.waiting_deals import happened, run, wait

pytestmark = pytest.mark.django_db
#: Twenty-five hours apart, so that it is never the same day in both.
AHEAD, BEHIND = "Pacific/Kiritimati", "Pacific/Pago_Pago"


def test_a_changed_date_is_today_in_the_workflows_time_zone() -> None:
    deal = Deal.objects.create(name="a")
    today = {"property": "new", "operator": "is_in_calendar_period", "value": "today"}
    step = wait(event="property_changed", property="close_date", where=[today])
    here, there = (
        enroll(make_workflow([step], "deal", timezone=zone), [deal.pk], now=database_now())[0]
        for zone in (AHEAD, BEHIND)
    )
    run()
    Deal.objects.filter(pk=deal.pk).update(close_date=database_now().astimezone(ZoneInfo(AHEAD)).date())
    run()
    assert (happened(here), happened(there)) == (True, None)
    Deal.objects.filter(pk=deal.pk).update(close_date=database_now().astimezone(ZoneInfo(BEHIND)).date())
    run()
    assert happened(there) is True


def test_what_is_told_of_is_compared_with_the_days_of_each_workflow() -> None:
    deal = Deal.objects.create(name="a")
    ahead = database_now().astimezone(ZoneInfo(AHEAD))
    today = {"property": "starts_at", "operator": "is_in_calendar_period", "value": "today"}
    step = wait(event="meeting_booked", where=[today])
    here, there = (
        enroll(make_workflow([step], "deal", timezone=zone), [deal.pk], now=database_now())[0]
        for zone in (AHEAD, BEHIND)
    )
    run()
    # An instant of that day that is of another one where it is twenty-five hours earlier.
    at = ahead.replace(hour=12) if ahead.hour < 1 else ahead.replace(hour=0, minute=30)
    facts = {"meeting": "M", "starts_at": at.isoformat()}
    happen("meeting_booked", "deal", [deal.pk], properties=facts, now=database_now())
    run()
    assert (happened(here), happened(there)) == (True, None)
