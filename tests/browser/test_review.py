"""The review in Chromium: step by step, with mistakes and changes, and back to the setting that is to be put right."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import Deal, User
from records.clock import database_now
from tests.browser.editor_page import Editor
from tests.browser.world import make_stages
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow

#: Left out where the page is long: the bar at its end lies over whatever is scrolled below it.
BAR = ("target-size",)
BIG = {"property": "amount", "operator": "is_greater_than", "value": 5}
SMALL = {"property": "amount", "operator": "is_less_than", "value": 3}
TASK = {"id": "task", "action": "create_task", "params": {"title": "Call them", "assignee": "owner"}}
PAST = {"id": "until", "action": "delay_until_date", "params": {"at": "2020-05-01T09:00"}}


def wait(days: int) -> dict[str, Any]:
    return {"id": "wait", "action": "delay", "params": {"days": days}}


def drafted(ann: User) -> Workflow:
    """A workflow somebody is inside of, with a draft that has mistakes."""
    make_stages()
    Deal.objects.bulk_create(Deal(name=f"Deal {n}", amount=50, stage="engaging") for n in range(12))
    document = {
        "format": 1, "name": "Follow up", "object": "deal", "description": "",
        "trigger": {"kind": "filter", "criteria": {"any": [{"all": [BIG]}]}}, "steps": [wait(2), TASK],
    }  # fmt: skip
    workflow = drafting.create("Follow up", "deal", ann, document)
    publishing.publish(workflow, by=ann, now=database_now() - dt.timedelta(hours=1), enroll_existing=True)
    revision = drafting.draft_of(workflow)
    either = {"any": [{"all": [BIG]}, {"all": [{**BIG, "value": 9}, SMALL]}]}
    revision.definition = {
        **revision.definition, "trigger": {"kind": "filter", "criteria": either}, "steps": [wait(5), PAST, TASK],
        "settings": {"timezone": "Europe/Stockholm"},
    }  # fmt: skip
    revision.save()
    return workflow


@pytest.mark.covers("REV-01", "REV-10", "REV-11", "REV-12", "REV-13", "REV-14")
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1920)])
def test_the_review_is_gone_through_and_skipped(open_screen: Any, ann: User, theme: str, width: int) -> None:
    workflow = drafted(ann)
    screen = open_screen(ann, theme=theme, width=width, height=1200)
    page = screen.open(f"/admin/workflows/workflow/{workflow.pk}/editor/")
    Editor(screen).ready()
    page.get_by_role("link", name="Review and publish").click()
    expect(page.get_by_text("“Amount is greater than 9” and “Amount is less than 3” at once")).to_be_visible()
    expect(page.get_by_role("button", name="Publish and turn on")).to_be_hidden()
    headings = ["Who is enrolled", "Timing and notifications", "Connections", "What changes"]
    for place, heading in enumerate(headings):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(page.locator(".review-parts [aria-current]")).to_contain_text(str(place + 1))
        screen.screenshot(f"review-{place + 1}-{theme}-{width}")
        assert screen.axe(BAR if heading == "What changes" else ()) == []
        page.get_by_role("button", name="Next: ").click()
    expect(page.get_by_role("textbox", name="Description")).to_contain_text("1. Wait 5 days. 2. Wait until")
    screen.screenshot(f"review-5-{theme}-{width}")
    assert screen.axe(BAR) == []
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.get_by_role("heading", name="What changes", exact=True)).to_be_focused()
    page.reload()
    expect(page.get_by_role("heading", name="What changes", exact=True)).to_be_visible()
    page.get_by_role("button", name="Enrollment").click()
    page.get_by_role("button", name="Skip to turn on").click()
    page.get_by_role("textbox", name="Name").fill("Call the big ones")
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_role("button", name="Publish and turn on")).to_be_visible()

    page.locator(".review-problems a", has_text="2. Delay until a calendar date").click()
    editor = Editor(screen)
    editor.ready()
    expect(editor.panel.get_by_label("Date and time")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?step=until#param_at$"))
    workflow.refresh_from_db()
    assert (workflow.name, workflow.live.number) == ("Follow up", 1)
    assert screen.problems() == []
