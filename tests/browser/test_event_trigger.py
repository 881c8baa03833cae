"""An event trigger in the editor: events chosen and filtered, the card tells them, accessible, publishable."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from tests.browser.world import make_stages
from workflows import drafting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DOCUMENT = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": []}


@pytest.mark.covers("TRG-15", "EVT-28")
def test_events_are_chosen_and_filtered_in_the_trigger_panel(open_screen: Any, db: None) -> None:
    make_stages()
    ann = User.objects.create_superuser("ann", password="ann", first_name="Ann", last_name="Berg")
    workflow = drafting.create("Visitors", "contact", ann, DOCUMENT)
    editor = Editor(open_screen(ann, theme="both")).open(workflow)
    editor.page.locator(".flow-trigger").first.click()
    panel, card = editor.panel, editor.page.locator(".flow-trigger").first
    panel.get_by_label("When an event occurs").check()
    panel.get_by_label("Add an event").select_option("page_viewed")
    expect(panel.get_by_label("Event 1")).to_have_value("page_viewed")
    builder = panel.locator("[data-criteria]").first
    expect(builder).to_have_attribute("data-state", "ready")
    builder.get_by_label("Property").select_option("title")
    builder.get_by_label("Operator").select_option("is_known")
    expect(card).to_contain_text("Page viewed with (Title is known)")
    panel.get_by_label("Add an event").select_option("cta_clicked")
    expect(panel.get_by_label("Event 2")).to_have_value("cta_clicked")
    expect(card).to_contain_text("OR Call to action clicked")
    editor.saved()
    trigger = drafting.shown(workflow).definition["trigger"]
    assert trigger["events"] == [
        {"event": "page_viewed", "where": [{"property": "title", "operator": "is_known"}]},
        {"event": "cta_clicked"},
    ]
    assert editor.screen.axe() == []
    editor.screen.screenshot("event-trigger")
    panel.get_by_label("Event 2").select_option("")
    expect(panel.get_by_label("Event 2")).to_have_count(0)
