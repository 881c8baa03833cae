"""Somebody sees what stopped, opens a group, ticks a record and has it tried again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.world import make_world
from tests.workflows.enrollment.test_reviving import stopped
from workflows.enrollment import reviving
from workflows.models import Enrollment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_what_stopped_is_seen_and_tried_again(open_screen: Any) -> None:
    world = make_world()
    stopped(3)
    one = reviving.stopped().order_by("-pk")[0]
    screen = open_screen(world.ann, theme="both")
    page = screen.open("/admin/workflows/enrollment/")
    page.get_by_role("link", name="Needs attention 4").click()
    page.get_by_role("heading", name="Stopped by an error").wait_for()
    screen.screenshot("attention")
    assert screen.axe() == []
    page.get_by_role("link", name="3 records of Test").click()
    page.get_by_role("checkbox", name="Choose").first.check()
    screen.screenshot("attention-opened")
    assert screen.axe() == []
    page.get_by_role("button", name="Try again…").nth(1).click()
    page.get_by_text("1 record is tried again now").wait_for()
    screen.screenshot("attention-asked")
    assert screen.axe() == []
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("1 record is tried again now").wait_for()
    assert Enrollment.objects.get(pk=one.pk).status == "active"
    rest = reviving.stopped().order_by("-pk")[0]
    screen.open(f"/admin/workflows/enrollment/{rest.pk}/change/")
    page.get_by_role("button", name="Skip the step…").wait_for()
    screen.screenshot("attention-story")
    assert screen.axe() == []
    assert screen.problems() == []
