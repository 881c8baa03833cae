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
