"""Metrics and notifications of a workflow: counted from when they were asked for, told once a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from crm.models import Deal
from records.clock import database_now
from tests.workflows.publishing_deals import BIG, boss, document, live, publish
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.health import notifying
from workflows.history import conversion
from workflows.models import AuditEntry, Enrollment, Notification, Workflow

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
WIN = {"id": "win", "action": "edit_record", "params": {"property": "stage", "value": "won"}}
WAIT = {"id": "wait", "action": "delay", "params": {"days": 2}}
MAIL = {"id": "tell", "action": "send_internal_email", "params": {"to": ["owner"], "subject": "Hi", "body": "Hi"}}


def deals(count: int) -> None:
    Deal.objects.bulk_create(Deal(name=f"D{n}", amount=99, stage="new") for n in range(count))


def run(now: dt.datetime | None = None) -> None:
    while run_due(now or database_now()):
        pass


def republish(workflow: Workflow, *steps: dict[str, Any], existing: bool = False, **settings: Any) -> None:
    revision = drafting.draft_of(workflow)
    revision.definition = document(BIG, steps=list(steps), settings=settings)
    revision.save()
    publish(workflow, existing=existing)


def rows(found: conversion.Figures) -> list[tuple[Any, ...]]:
    return [(one.step, one.number, one.reached, one.done, one.skipped, one.failed) for one in found.steps]


@pytest.mark.covers("SET-11")
def test_metrics_count_from_the_publication_that_turns_them_on_by_step_and_version():
    deals(2)
    workflow = live(BIG, existing=True, steps=[WIN])
    run()
    assert conversion.figures(workflow) is None

    deals(3)
    republish(workflow, MAIL, WAIT, WIN, existing=True, metrics=True)
    run()
    found = conversion.figures(workflow)
    assert (found.versions, found.enrolled, found.completed) == ([2], 3, 0)
    # Nobody owns the deals, so there was nobody to tell; everybody waits.
    assert rows(found) == [("tell", 1, 3, 0, 3, 0), ("wait", 2, 3, 0, 0, 0), ("win", 3, 0, 0, 0, 0)]

    republish(workflow, WAIT, WIN, metrics=True)
    run(database_now() + 3 * DAY)
    found = conversion.figures(workflow)
    assert (found.versions, found.enrolled, found.completed) == ([3, 2], 3, 3)
    assert rows(found) == [("wait", 1, 3, 3, 0, 0), ("win", 2, 3, 3, 0, 0), ("tell", None, 3, 0, 3, 0)]
    assert [one.share_done for one in found.steps] == [100, 100, 0]
    assert rows(conversion.figures(workflow, 2)) == [
        ("tell", 1, 3, 0, 3, 0), ("wait", 2, 3, 0, 0, 0), ("win", 3, 0, 0, 0, 0),
    ]  # fmt: skip
    republish(workflow, WAIT, WIN)
    assert conversion.figures(workflow) is None


@pytest.mark.covers("SET-11")
def test_the_page_of_metrics_says_how_to_turn_them_on_and_shows_them(client):
    deals(2)
    workflow = live(BIG, existing=True, steps=[WIN])
    client.force_login(boss())
    url = f"/admin/workflows/workflow/{workflow.pk}/metrics/"
    assert "Metrics are not tracked" in client.get(url).content.decode()
    republish(workflow, WIN, metrics=True)
    run()
    page = client.get(f"{url}?version=2").content.decode()
    assert "1. Edit record" in page and "100 %" in page


def enrolled(workflow: Workflow, count: int, at: dt.datetime) -> None:
    first = Enrollment.objects.count()
    Enrollment.objects.bulk_create(
        Enrollment(
            workflow=workflow, revision=workflow.live, record_id=10_000 + first + n, status="completed",
            enrolled_at=at, ended_at=at,
        )
        for n in range(count)
    )  # fmt: skip


WATCHED = {"notify": {"users": ["boss"], "about": ["enrollment_jump"]}}


@pytest.mark.covers("SET-10")
@pytest.mark.parametrize(
    ("before", "today", "told"),
    [(0, 50, False), (0, 51, True), (140, 60, False), (140, 61, True), (7_000, 2_000, False)],
)
def test_a_jump_is_more_than_fifty_and_more_than_three_times_the_mean(before, today, told):
    boss()
    workflow, now = live(BIG, settings=WATCHED), database_now()
    enrolled(workflow, before, now - 3 * DAY)
    enrolled(workflow, today, now - dt.timedelta(hours=2))
    assert bool(notifying.tell_jumps(now)) == told
    assert Notification.objects.filter(user=boss()).exists() == told


@pytest.mark.covers("SET-10")
def test_each_kind_is_told_once_a_day_and_only_to_who_wants_it(django_user_model):
    ann = django_user_model.objects.create(username="ann")
    workflow, now = live(BIG, settings={"notify": {"users": ["ann"], "about": ["errors"]}}), database_now()
    told = [notifying.notify(workflow, kind, "T", "B", now=now) for kind in ("errors", "errors", "stuck")]
    assert told == [1, 0, 0]
    assert notifying.notify(workflow, "errors", "T", "B", now=now + DAY) == 1
    assert set(Notification.objects.values_list("user__username", flat=True)) == {"ann"}
    ann.is_active = False
    ann.save()
    assert notifying.notify(workflow, "errors", "T", "B", now=now + 2 * DAY) == 1
    assert Notification.objects.latest("pk").user == workflow.live.published_by, "nobody named is there any more"
    assert AuditEntry.objects.filter(workflow=workflow, action="notified").count() == 3


@pytest.mark.covers("SET-10")
@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"notify": {"users": ["nobody"], "about": ["errors"]}}, "settings.notify.users.0"),
        ({"notify": {"users": ["boss"], "about": ["rain"]}}, "settings.notify.about.0"),
        ({"notify": {"users": ["boss"]}}, "settings.notify"),
        ({"notify": {"users": "boss", "about": ["errors"]}}, "settings.notify.users"),
        ({"notify": ["boss"]}, "settings.notify"),
        ({"notify": {"who": []}}, "settings.notify.who"),
        ({"metrics": "yes"}, "settings.metrics"),
        ({"turn_off_at": "tomorrow"}, "settings.turn_off_at"),
        ({"turn_off_at": "2030-02-30T10:00"}, "settings.turn_off_at"),
        ({"version_policy": "wait"}, "settings.version_policy"),
        ({"limit": {"count": 0, "per": "hour"}}, "settings.limit.count"),
        ({"colour": "red"}, "settings.colour"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_their_place(settings, path):
    boss()
    found = checking.problems(parse(document(BIG, settings=settings)))
    assert [problem.path for problem in found] == [path]
