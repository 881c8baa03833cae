"""The delay until an event in the editor: its settings follow the event, the card tells them, it can be published."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DOCUMENT = {"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": []}


@pytest.fixture
def workflow(ann: User) -> Workflow:
    drafting.create("Welcome", "deal", ann, DOCUMENT)
    return drafting.create("Follow up", "deal", ann, DOCUMENT)


def params(workflow: Workflow) -> dict[str, Any]:
    (step,) = drafting.shown(workflow).definition["steps"]
    return step["params"]


def test_the_settings_follow_the_event_and_the_card_tells_them(
    open_screen: Any, ann: User, workflow: Workflow
) -> None:
    editor = Editor(open_screen(ann, theme="both")).open(workflow)
    editor.add("steps.0", "Delay until an event")
    panel, card = editor.panel, editor.card("delay-until-event")
    expect(panel.locator("#param_property")).to_have_count(0)
    panel.get_by_label("Wait until this happens").select_option("property_changed")
    panel.locator("#param_property").select_option("stage")
    panel.get_by_label("Won").check()
    panel.get_by_label("Lost").check()
    panel.get_by_label("Days", exact=True).fill("3")
    expect(card).to_contain_text("Wait until: Stage changes to Won or Lost. At most 3 days")
    editor.saved()
    assert params(workflow) == {
        "event": "property_changed", "property": "stage", "values": ["won", "lost"], "max_wait": {"days": 3},
    }  # fmt: skip
    assert editor.screen.axe() == []
    editor.screen.screenshot("event-delay")

    panel.locator("#param_property").select_option("name")
    expect(panel.get_by_label("to one of these values")).to_have_value("")
    panel.get_by_label("Wait until this happens").select_option("workflow_completed")
    expect(panel.locator("#param_property")).to_have_count(0)
    panel.get_by_label("Workflow", exact=True).select_option(label="Welcome")
    expect(card).to_contain_text("The record completes the workflow Welcome")
    panel.get_by_label("Wait until this happens").select_option("associated_record_created")
    panel.get_by_label("Type of record").select_option("note")
    expect(card).to_contain_text("A record of type note is created for the record. At most 3 days")
    panel.get_by_label("Wait until this happens").select_option("task_completed")
    expect(card).to_contain_text("A task of the record is completed. At most 3 days")
    editor.saved()
    assert params(workflow) == {"event": "task_completed", "max_wait": {"days": 3}}
    assert editor.screen.axe() == []
    assert editor.screen.problems() == []
