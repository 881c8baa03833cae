"""The editor while its server is slow, or not there."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor, quiet
from tests.browser.test_flow_editor import DOCUMENT, steps
from workflows import drafting
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return drafting.create("Follow up", "deal", ann, DOCUMENT)


@pytest.fixture
def editor(open_screen: Any, ann: User, workflow: Workflow) -> Editor:
    return Editor(open_screen(ann)).open(workflow, "first")


def test_an_answer_that_comes_late_does_not_take_the_focus(editor: Editor) -> None:
    held: list[Any] = []
    editor.page.route("**/editor/panel/**", lambda route: held.append(route))
    with editor.page.expect_request("**/editor/panel/**"):
        editor.panel.get_by_label("Text", exact=True).fill("Sent, not answered yet")
    editor.page.keyboard.press("Escape")
    card = editor.card("first")
    expect(card).to_be_focused()
    held[0].continue_()
    expect(card).to_contain_text("Sent, not answered yet")
    expect(card).to_be_focused()


def test_what_could_not_be_stored_is_tried_again_as_it_is_by_then(editor: Editor, workflow: Workflow) -> None:
    field, down, asked = editor.panel.get_by_label("Text", exact=True), True, []

    def answer(route: Any) -> None:
        asked.append(route.request.post_data)
        route.fulfill(status=503) if down else route.continue_()

    editor.page.route("**/editor/panel/**", answer)
    field.fill("Written while the server starts anew")
    again = editor.page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    field.fill("Written later")
    quiet(editor.page)
    expect(editor.page.locator("#flow-saved")).to_have_text("Offline – changes kept: 1")
    down = False
    again.click()
    editor.saved()
    assert "Written later" in asked[-1] and "starts anew" in asked[0]
    assert steps(workflow)["first"]["params"]["body"] == "Written later"


def test_an_action_is_chosen_before_the_actions_are_there(open_screen: Any, ann: User, workflow: Workflow) -> None:
    """They are fetched when the page has come to rest, and again where that failed; without them nothing is lost."""
    screen, mode, held = open_screen(ann), "down", []

    def answer(route: Any) -> None:
        if mode == "slow":
            held.append(route)
        elif mode == "down":
            route.fulfill(status=503)
        else:
            route.continue_()

    screen.page.route("**/editor/palette/", answer)
    editor, page = Editor(screen).open(workflow), screen.page
    palette, before = page.locator("#flow-palette"), len(editor.steps())
    editor.plus("steps.0").click()
    expect(palette.get_by_text("The actions could not be fetched.")).to_be_visible()
    expect(palette.get_by_text("No action is called so.")).to_be_hidden()
    assert screen.axe() == []
    mode = "slow"
    page.keyboard.press("Escape")
    editor.plus("steps.0").click()
    expect(palette.get_by_text("The actions are being fetched")).to_be_visible()
    while not held:
        quiet(page)
    page.keyboard.type("note")
    page.keyboard.press("Shift+Enter")
    expect(palette).to_be_visible()
    mode = "there"
    held[-1].continue_()
    expect(palette).to_be_hidden()
    expect(page.locator(".flow-card[data-path]")).to_have_count(before + 1)
    expect(editor.card("create-note")).to_be_focused()
    # Once they are there, they are there without a connection, too.
    page.context.set_offline(True)
    editor.plus("steps.0").click()
    expect(palette.get_by_role("option", name="Create task")).to_be_visible()
    page.keyboard.type("delay for")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#flow-saved")).to_have_text("Offline – changes kept: 1")
    page.context.set_offline(False)
    editor.saved()
    expect(page.locator(".flow-card[data-path]")).to_have_count(before + 2)


def test_what_is_typed_while_the_form_of_a_data_source_is_drawn_anew_stays(editor: Editor) -> None:
    page, data, held = editor.page, editor.page.locator("#flow-data"), []
    editor.panel.get_by_role("button", name="Insert data into Text").click()
    data.get_by_role("button", name="Edit available data").click()
    data.get_by_role("button", name="Add records").click()
    name, records = data.get_by_label("Name of the data source"), data.get_by_label("Type of record")
    expect(name).to_be_focused()
    page.route("**/editor/data/sources/**", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/editor/data/sources/**"):
        records.select_option("company")
    name.fill("Newest firm")
    name.press("ArrowLeft")
    with page.expect_response("**/editor/data/sources/**"):
        held[0].continue_()
    expect(records).to_have_value("company")
    expect(name).to_have_value("Newest firm")
    expect(name).to_be_focused()
    name.press("x")
    expect(name).to_have_value("Newest firxm")
