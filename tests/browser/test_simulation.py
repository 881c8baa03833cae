"""A person tests a workflow with a record, in both themes."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.browser.world import make_world
from workflows.models import Enrollment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.detail(21)
def test_a_person_sees_the_way_of_a_record_and_nothing_is_enrolled(open_screen: Any) -> None:
    world = make_world()
    before = Enrollment.objects.count()
    screen = open_screen(world.ann, theme="both")
    page = screen.open(reverse("admin:workflow_editor", args=[world.workflow.pk]))
    page.get_by_role("link", name="Test with a record").click()
    page.get_by_label("Part of its name").fill(str(world.enrollment.record_id))
    page.keyboard.press("Enter")
    page.locator(".matches a").first.click()
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("heading", name="What would happen").wait_for()
    screen.screenshot("simulation")
    assert page.locator(".path-box.lit").count() > 1
    assert page.locator(".timeline-line").count() > 1
    assert (screen.problems(), screen.axe()) == ([], [])
    assert Enrollment.objects.count() == before
