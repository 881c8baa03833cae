"""The health page in a browser: accessible with everything on it, and up to date without a reload."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache

from records.clock import database_now
from tests.browser.world import make_world
from workflows.health import alerting
from workflows.models import Alert, Enrollment, Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


@pytest.fixture
def _late() -> Any:
    """A world whose enrollments are late, with a clock that was heard of, and what it has found."""
    cache.clear()
    yield
    cache.clear()


@pytest.mark.usefixtures("_late")
def test_it_shows_trouble_accessibly_and_keeps_itself_up_to_date(open_screen: Any) -> None:
    world = make_world()
    now = database_now()
    Workflow.objects.update(status="on")
    Enrollment.objects.filter(pk=world.enrollment.pk).update(status="active", due_at=now - HOUR, ended_at=None)
    alerting.beat("here:4711", now - HOUR, now + HOUR)
    for minute in (0, 1):
        alerting.watch(now + minute * MINUTE)
    assert Alert.objects.exists()
    screen = open_screen(world.ann, theme="both")
    page = screen.open("/admin/workflows/alert/")
    page.get_by_role("heading", level=1, name="Engine health").wait_for()
    page.get_by_text("here:4711").wait_for()
    assert screen.axe() == []
    screen.screenshot("health")
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    alerting.beat("there:815", now, now + HOUR)
    page.get_by_text("there:815").wait_for(timeout=60_000)
    page.get_by_role("link", name="thing is stuck").wait_for()
    assert screen.problems() == []
    assert screen.axe() == []
