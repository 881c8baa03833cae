"""Deal workflows with a schedule, published and fired at instants a test chooses."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from tests.workflows.publishing_deals import WAIT, boss
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import ScheduleRun, Workflow
from workflows.schedules import scheduling

NOON = dt.datetime(2027, 1, 10, 12, tzinfo=dt.UTC)
DAILY = {"every": "day", "at": "09:00"}


def document(*filters: dict[str, Any], schedule: dict[str, Any] = DAILY, **parts: Any) -> dict[str, Any]:
    criteria: dict[str, Any] = {"any": [{"all": list(filters)}]} if filters else {"all": []}
    trigger = {"kind": "schedule", "schedule": schedule, "criteria": criteria}
    settings = {"timezone": "Europe/Stockholm", **parts.pop("settings", {})}
    return {"format": 1, "object": "deal", "trigger": trigger, "steps": [WAIT], "settings": settings, **parts}


def live(*filters: dict[str, Any], now: dt.datetime = NOON, **parts: Any) -> Workflow:
    workflow = drafting.create("Test", "deal", boss(), definition=document(*filters, **parts))
    publishing.publish(workflow, by=boss(), now=now, enroll_existing=True)
    return workflow


def work(now: dt.datetime) -> int:
    """Everything schedules have to do by then."""
    done = 0
    while more := scheduling.work(now):
        done += more
    return done


def stockholm(day: int, hour: int = 9, month: int = 1) -> dt.datetime:
    return dt.datetime(2027, month, day, hour, tzinfo=ZoneInfo("Europe/Stockholm")).astimezone(dt.UTC)


def fired(workflow: Workflow) -> list[tuple[dt.datetime, str]]:
    return list(ScheduleRun.objects.filter(schedule__workflow=workflow).order_by("at").values_list("at", "state"))
