"""A schedule made in Chromium: how often, when, for whom; the next times and the review; and a centre."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import Deal, User
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.models import Enrollment, Schedule, Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DOCUMENT = {
    "format": 1,
    "object": "deal",
    "trigger": {"kind": "manual"},
    "settings": {"timezone": "Asia/Tokyo"},
    "steps": [{"id": "end", "action": "end", "params": {}}],
}


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return drafting.create("Month's end", "deal", ann, DOCUMENT)


@pytest.mark.covers("SCH-06", "SCH-21", "SCH-26")
def test_a_schedule_is_chosen_shown_reviewed_and_published(open_screen: Any, ann: User, workflow: Workflow) -> None:
    Deal.objects.create(name="Big one")
    editor = Editor(open_screen(ann)).open(workflow, "trigger")
    panel, page = editor.panel, editor.page
    panel.get_by_label("On a schedule").check()
    expect(panel.get_by_text("Every day at 9 a.m. (")).to_be_visible()
    panel.get_by_label("How often").select_option("month")
    expect(panel.get_by_role("group", name="Days of the month")).to_be_visible()
    panel.get_by_label("Day", exact=True).select_option("last")
    expect(panel.get_by_role("group", name="Days of the month")).to_have_count(0)
    panel.get_by_label("Time of day").fill("17:30")
    expect(panel.get_by_text("Every month on the last day at 5:30 p.m. (")).to_be_visible()
    expect(panel.get_by_text("(Asia/Tokyo)")).to_be_visible()
    expect(panel.get_by_role("list", name="The next times:").get_by_role("listitem")).to_have_count(5)
    panel.get_by_label("All deals, without filters").check()
    expect(panel.get_by_text("The trigger needs settings")).to_have_count(0)
    editor.saved()
    assert editor.screen.axe() == []
    page.emulate_media(color_scheme="dark")
    assert editor.screen.axe() == []
    trigger = drafting.shown(workflow).definition["trigger"]
    assert trigger["schedule"] == {"every": "month", "day": "last", "at": "17:30"}
    editor.screen.open(f"/admin/workflows/workflow/{workflow.pk}/review/")
    expect(page.get_by_text("deal meets the criteria now")).to_be_visible()
    expect(page.get_by_role("heading", name="The next times")).to_be_visible()
    assert editor.screen.axe() == []
    page.get_by_role("button", name="Skip to turn on").click()
    page.get_by_role("button", name="Publish and turn on").click()
    expect(page.get_by_text("is on.")).to_be_visible()
    assert Schedule.objects.get(workflow=workflow).zone == "Asia/Tokyo"
    assert not Enrollment.objects.exists()
    editor.screen.open("/admin/workflows/schedulerun/")
    assert editor.screen.axe() == [] and editor.screen.problems() == []


@pytest.mark.covers("SCH-28", "SCH-29")
def test_a_workflow_is_centred_on_a_date_of_the_record(open_screen: Any, ann: User, workflow: Workflow) -> None:
    editor = Editor(open_screen(ann)).open(workflow, "trigger")
    panel, page = editor.panel, editor.page
    panel.get_by_label("Steps are timed").select_option("property")
    panel.get_by_label("Date property").select_option("close_date")
    panel.get_by_label("Every year").check()
    editor.saved()
    assert editor.screen.axe() == []
    editor.close()
    editor.plus("steps.0").click()
    expect(page.get_by_role("option", name="Delay for a set amount of time")).to_have_attribute(
        "aria-disabled", "true"
    )
    page.get_by_role("option", name="Wait for a time before or after the date").click()
    panel.get_by_label("Number of days").fill("7")
    panel.get_by_label("Before or after", exact=True).select_option("before")
    panel.get_by_label("Time of day").fill("09:00")
    editor.saved()
    expect(editor.card("delay-to-centre")).to_contain_text("7 days before close date, 9 a.m.")
    assert editor.screen.problems() == []
    assert drafting.shown(workflow).definition["centre"] == {"property": "close_date", "yearly": True}
