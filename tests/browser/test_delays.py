"""The delays until a certain time, built with the mouse: every control does what it shows, in both themes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DOCUMENT = {
    "format": 1,
    "object": "contact",
    "trigger": {"kind": "manual"},
    "settings": {"timezone": "Europe/Stockholm"},
    "steps": [{"id": "note", "action": "create_note", "params": {"body": "It is time"}}],
}


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("ann", password="ann", first_name="Ann", last_name="Berg")


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return drafting.create("Birthdays", "contact", ann, DOCUMENT)


def params(workflow: Workflow, action: str) -> dict[str, Any]:
    steps = drafting.shown(workflow).definition["steps"]
    (found,) = (step["params"] for step in steps if step["action"] == action)
    return found


def seen(editor: Editor, name: str) -> None:
    """What is on the screen is in order."""
    editor.saved()
    assert editor.screen.axe() == []
    editor.screen.screenshot(name)


def test_every_delay_is_built_with_the_mouse(open_screen: Any, ann: User, workflow: Workflow) -> None:
    editor = Editor(open_screen(ann, theme="both", height=900)).open(workflow)
    panel = editor.panel

    editor.add("steps.0", "Delay until a calendar date")
    panel.get_by_label("Date and time").fill("2027-05-01T09:30")
    expect(panel.get_by_label("Time zone")).to_contain_text("The workflow’s (Europe/Stockholm)")
    seen(editor, "delay-date")
    assert params(workflow, "delay_until_date") == {"at": "2027-05-01T09:30", "zone": "workflow"}
    expect(editor.card("delay-until-date")).to_contain_text("Wait until May 1, 2027, 9:30 a.m.")

    editor.add("steps.1", "Delay until a date property")
    panel.get_by_label("Date property").select_option("created_at")
    panel.get_by_label("Number of days").fill("3")
    panel.get_by_label("Before or after").select_option("days before it")
    panel.get_by_label("Time of day").fill("17:00")
    panel.get_by_label("Time zone").select_option("record")
    seen(editor, "delay-property")
    found = {"property": "created_at", "offset_days": -3, "at": "17:00", "zone": "record"}
    assert params(workflow, "delay_until_property") == found
    card = editor.card("delay-until-property")
    expect(card).to_contain_text("Wait until 3 days before created, 5 p.m. in the record’s time zone")

    editor.add("steps.2", "Delay until a day of the week")
    panel.get_by_label("Tuesday").check()
    panel.get_by_label("Thursday").check()
    seen(editor, "delay-weekday")
    assert params(workflow, "delay_until_weekday") == {"days": ["tue", "thu"], "zone": "workflow"}
    expect(editor.card("delay-until-weekday")).to_contain_text("Wait for Tuesday or Thursday")
    panel.get_by_label("Time of day").fill("08:15")
    panel.get_by_label("Thursday").uncheck()
    editor.saved()
    assert params(workflow, "delay_until_weekday") == {"days": ["tue"], "at": "08:15", "zone": "workflow"}

    editor.add("steps.3", "Delay until a time of day")
    expect(panel).to_contain_text("Time of day")
    panel.get_by_label("Time of day").fill("17:30")
    seen(editor, "delay-time")
    assert params(workflow, "delay_until_time") == {"at": "17:30", "zone": "workflow"}

    # All of it can be published, and comes back into the controls.
    assert checking.problems(parse(drafting.shown(workflow).definition)) == []
    editor.open(workflow, "delay-until-property")
    expect(panel.get_by_label("Number of days")).to_have_value("3")
    expect(panel.get_by_label("Before or after")).to_have_value("before")
    expect(panel.get_by_label("Time of day")).to_have_value("17:00")
    editor.open(workflow, "delay-until-weekday")
    expect(panel.get_by_label("Tuesday")).to_be_checked()
    expect(panel.get_by_label("Thursday")).not_to_be_checked()
    assert editor.screen.problems() == []


@pytest.mark.detail(7)
def test_a_delay_that_is_not_finished_says_what_is_missing(open_screen: Any, ann: User, workflow: Workflow) -> None:
    editor = Editor(open_screen(ann)).open(workflow)
    editor.add("steps.0", "Delay until a day of the week")
    expect(editor.panel).to_contain_text("“Days” is missing. Fill it in.")
    expect(editor.card("delay-until-weekday")).to_contain_text("Choose the days to wait for")
    editor.panel.get_by_label("Sunday").check()
    expect(editor.panel).not_to_contain_text("is missing")
    assert editor.screen.problems() == []
