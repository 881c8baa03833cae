"""The settings panel in Chromium: rows are added and removed, everything is kept, and what is wrong is said."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DOCUMENT = {
    "format": 1,
    "object": "deal",
    "trigger": {"kind": "manual"},
    "steps": [{"id": "wait", "action": "delay", "params": {"days": 1}}],
}


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return drafting.create("Follow up", "deal", ann, DOCUMENT)


def settings(workflow: Workflow) -> dict[str, Any]:
    return drafting.shown(workflow).definition.get("settings", {})


@pytest.mark.covers("SET-01", "SET-07", "SET-08", "SET-10", "EDT-11")
def test_every_setting_is_filled_in_and_kept(open_screen: Any, ann: User, workflow: Workflow) -> None:
    editor = Editor(open_screen(ann)).open(workflow)
    panel, page = editor.panel, editor.page
    page.get_by_role("link", name="Settings").click()
    expect(panel.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    panel.get_by_label("Time zone").select_option("Europe/Stockholm")
    panel.get_by_role("button", name="Add an execution time").click()
    first = panel.get_by_role("group", name="Execution time 1")
    expect(first.get_by_label("Mon")).to_be_checked()
    first.get_by_label("Fri").uncheck()
    first.get_by_label("To", exact=True).fill("00:00")
    panel.get_by_role("button", name="Add an execution time").click()
    expect(panel.get_by_role("group", name="Execution time 2")).to_be_visible()
    panel.get_by_role("button", name="Remove execution time 2").click()
    expect(panel.get_by_role("group", name="Execution time 2")).to_have_count(0)
    expect(panel.locator("#window-add")).to_be_focused()
    panel.get_by_role("button", name="Add a pause date").click()
    pause = panel.get_by_role("group", name="Pause 1")
    expect(panel.get_by_text("Put this right before you can publish:")).to_be_visible()
    pause.get_by_label("Date", exact=True).fill("2027-12-24")
    pause.get_by_label("To (for several days)").fill("2027-12-26")
    pause.get_by_label("Every year").check()
    panel.get_by_label("Turn off at").fill("2031-01-31T18:00")
    panel.get_by_label("Records at most").fill("100")
    panel.get_by_label("per", exact=True).select_option("minute")
    panel.get_by_label("Records inside finish the version").check()
    panel.get_by_label("Steps that fail").check()
    panel.get_by_role("group", name="Who is notified").get_by_label("Ann Berg").check()
    panel.get_by_label("Track metrics").check()
    editor.saved()
    expect(panel.get_by_text("Put this right before you can publish:")).to_have_count(0)
    assert settings(workflow) == {
        "timezone": "Europe/Stockholm",
        "windows": [{"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "to": "24:00"}],
        "pause_dates": [{"from": "12-24", "to": "12-26"}],
        "turn_off_at": "2031-01-31T18:00",
        "version_policy": "pin",
        "limit": {"count": 100, "per": "minute"},
        "notify": {"users": ["ann"], "about": ["errors"]},
        "metrics": True,
    }
    page.reload()
    editor.ready()
    expect(panel.get_by_label("Time zone")).to_have_value("Europe/Stockholm")
    expect(panel.get_by_role("group", name="Pause 1").get_by_label("Every year")).to_be_checked()
    editor.close()
    expect(page.get_by_role("link", name="Settings")).to_be_focused()
    assert editor.screen.problems() == []


def test_the_panel_is_accessible_in_both_themes(open_screen: Any, ann: User, workflow: Workflow) -> None:
    editor = Editor(open_screen(ann, theme="both", height=1000)).open(workflow, "_settings")
    editor.panel.get_by_role("button", name="Add an execution time").click()
    expect(editor.panel.get_by_role("group", name="Execution time 1")).to_be_visible()
    editor.panel.get_by_role("button", name="Add a pause date").click()
    expect(editor.panel.get_by_role("group", name="Pause 1")).to_be_visible()
    editor.screen.screenshot("settings")
    editor.panel.get_by_label("Track metrics").scroll_into_view_if_needed()
    editor.screen.screenshot("settings-end")
    assert editor.screen.axe(("label-content-name-mismatch",)) == []
    assert editor.screen.problems() == []
