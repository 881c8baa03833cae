"""Who enters again and who leaves, set in the trigger's panel in Chromium."""

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
    "trigger": {
        "kind": "filter",
        "criteria": {
            "all": [
                {"property": "amount", "operator": "is_greater_than", "value": 10},
                {"property": "number_of_tasks", "operator": "is_greater_than", "value": 1},
            ]
        },
    },
    "steps": [{"id": "wait", "action": "delay", "params": {"days": 1}}],
}


def definition(workflow: Workflow) -> dict[str, Any]:
    shown = drafting.shown(workflow)
    assert shown is not None
    return shown.definition


@pytest.mark.covers("REN-01", "REN-02", "UNE-01", "FLT-34", "EDT-12")
def test_reenrollment_other_workflows_and_a_goal_by_workflow_status_are_set_and_kept(
    open_screen: Any, ann: User
) -> None:
    other = drafting.create("Welcome", "deal", ann, {**DOCUMENT, "name": "Welcome"})
    workflow = drafting.create("Follow up", "deal", ann, DOCUMENT)
    editor = Editor(open_screen(ann, height=1200)).open(workflow, "trigger")
    panel = editor.panel
    editor.tab("Settings")
    panel.get_by_label("Let records enroll again").check()
    expect(panel.get_by_label("Amount is greater than 10")).to_be_checked()
    expect(panel.get_by_label("Calculated properties cannot enroll again.")).to_be_disabled()
    panel.get_by_label("the workflows chosen here").check()
    panel.get_by_label("Welcome", exact=True).check()
    panel.get_by_text("Goal", exact=True).click()
    goal = panel.locator("[data-criteria]").last
    goal.get_by_role("button", name="+ Add filter").first.click()
    editor.page.get_by_role("option", name="Welcome", exact=True).click()
    goal.get_by_label("Operator").select_option("has_completed")
    editor.saved()
    editor.screen.screenshot("doors")

    found = definition(workflow)
    assert found["trigger"]["reenroll"] == ["all.0"]
    assert found["unenroll"] == {"others": [other.pk]}
    leaf = {"workflow": str(other.pk), "operator": "has_completed"}
    assert found["goal"] == {"any": [{"all": [leaf]}]}
    assert editor.screen.axe(("label-content-name-mismatch",)) == []
    assert editor.screen.problems() == []
