"""A person writes a script, gives it inputs and outputs, and reads in the history what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from crm.models import Contact, User
from tests.browser.editor_page import Editor
from tests.workflows import building
from workflows import drafting
from workflows.code.running import run_waiting
from workflows.engine.taking_steps import run_due

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCRIPT = """// Greets
exports.main = async (event, callback) => {
  const name = event.inputFields.first_name;
  console.log(`greeting ${name}`);
  callback({ outputFields: { result: "Hello " + name } });
};
"""


@pytest.mark.covers("DOP-01", "DOP-09")
def test_a_script_is_written_run_and_read_about(open_screen: Any) -> None:
    ann = User.objects.create_superuser("ann", "ann@example.com", "pw")
    steps = [{"id": "js", "action": "custom_code", "params": {}}]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create("Greetings", "contact", ann, definition=document)
    screen = open_screen(ann, theme="both")
    editor = Editor(screen).open(workflow)
    editor.card("js").click()
    panel = editor.panel
    panel.get_by_label("JavaScript", exact=True).fill(SCRIPT)
    expect(panel.locator(".code-numbers")).to_have_text("\n".join(str(n) for n in range(1, 8)))
    expect(panel.locator(".code-comment")).to_have_text(["// Greets"])
    panel.get_by_label("Add an input").select_option("first_name")
    expect(panel.get_by_label("Name of input 1")).to_have_value("first_name")
    panel.get_by_label("Add an output").select_option("text")
    expect(panel.get_by_label("Name of output 1")).to_have_value("result")
    panel.get_by_label("Add an output").select_option("number")
    panel.get_by_label("Name of output 2").fill("size")
    panel.get_by_label("Take out output 2").check()
    expect(panel.get_by_label("Name of output 2")).to_have_count(0)
    expect(panel.locator(".code-colours")).to_contain_text("Hello")
    editor.saved()
    kept = drafting.shown(workflow).definition["steps"][0]["params"]
    assert kept == {
        "code": SCRIPT, "inputs": [{"name": "first_name", "from": "first_name"}],
        "outputs": [{"name": "result", "type": "text"}],
    }  # fmt: skip
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("custom-code")
    live = building.make_workflow([{"id": "js", "action": "custom_code", "params": kept}])
    (made,) = building.enroll(live, [Contact.objects.create(first_name="Åsa").pk])
    while run_due(building.NOW) or run_waiting(building.NOW):
        pass
    page = screen.open(reverse("admin:workflows_enrollment_change", args=[made.pk]))
    expect(page.locator(".timeline code.console")).to_have_text("greeting Åsa")
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("custom-code-history")
