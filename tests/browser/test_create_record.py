"""A person sets up a step that creates records, property by property."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from workflows import drafting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_properties_are_added_filled_in_and_taken_out(open_screen: Any) -> None:
    ann = User.objects.create_superuser("ann", "ann@example.com", "pw")
    steps = [{"id": "make", "action": "create_record", "params": {"object": "company"}}]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create("Firms", "contact", ann, definition=document)
    screen = open_screen(ann)
    editor = Editor(screen).open(workflow)
    editor.card("make").click()
    panel = editor.panel
    panel.get_by_label("Name", exact=True).fill("Firm of {{ contact.first_name }}")
    panel.get_by_label("Add a property").select_option("lifecycle_stage")
    panel.get_by_label("Lifecycle stage", exact=True).select_option("lead")
    panel.get_by_label("Add a property").select_option("city")
    expect(panel.get_by_label("City", exact=True)).to_be_visible()
    panel.get_by_label("Take out City").check()
    expect(panel.get_by_label("City", exact=True)).to_have_count(0)
    panel.get_by_label("Associate it with the enrolled record").check()
    editor.saved()
    kept = drafting.shown(workflow).definition["steps"][0]["params"]
    assert kept["properties"] == {"name": "Firm of {{ contact.first_name }}", "lifecycle_stage": "lead"}
    assert kept["associate"] is True
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("create-record")
