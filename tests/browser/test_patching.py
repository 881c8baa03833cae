"""What stands on the canvas after changes is what stands there after a reload, and the focus stays where it was."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from playwright.sync_api import Page, Route, expect

from crm.models import User
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.editor.shown import key, shown
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Every item and the lines, without what other scripts have put there.
SNAPSHOT = """() => {
  const list = document.querySelector(".flow-steps").cloneNode(true);
  for (const one of list.querySelectorAll(".flow-tallies, .flow-shares, .flow-talks, .flow-face")) one.remove();
  for (const one of list.querySelectorAll("*")) {
    one.classList.remove("new", "shared", "selected", "picked", "covered", "hit", "hit-now");
    if (one.className === "") one.removeAttribute("class");
    for (const name of ["aria-describedby", "aria-description"]) one.removeAttribute(name);
  }
  const lines = document.querySelector(".flow-lines").outerHTML;
  const { size } = document.getElementById("flow-canvas").dataset;
  return [...[...list.children].map((item) => item.outerHTML), lines, size];
}"""
#: Notes for each answer to a change whether it brought the whole canvas.
ANSWERS = """() => {
  window.wholes = [];
  document.getElementById("flow").addEventListener("flow:shown", ({ detail }) => wholes.push("canvas" in detail));
}"""


@pytest.fixture(autouse=True)
def patient(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may take its time here: these tests are about what is sent where it remembers."""
    monkeypatch.setattr(shown, "client", redis.Redis.from_url(settings.REDIS_URL, socket_timeout=60))
    monkeypatch.setattr(shown, "paused_until", 0.0)


def note(step: str) -> dict[str, Any]:
    return {"id": step, "action": "create_note", "params": {"body": f"About {step}"}}


def forked() -> Workflow:
    jump = {"id": "jump", "action": "go_to", "params": {"step": "b"}}
    ways = [
        {"name": "Yes", "criteria": {"all": [{"property": "amount", "operator": "is_known"}]},
         "steps": [note("a"), jump]},
        {"name": "No", "steps": [note("b"), note("c")]},
    ]  # fmt: skip
    split = {"id": "split", "action": "branch", "branches": ways}
    steps = [note("first"), split, note("after"), note("last")]
    return drafting.create("Forked", "deal", None, {"trigger": {"kind": "manual"}, "steps": steps})


def settled(editor: Editor, count: int) -> None:
    expect(editor.page.locator(".flow-card[data-path]")).to_have_count(count)
    editor.saved()


def test_changes_leave_the_canvas_as_a_reload_shows_it_and_the_focus_on_its_card(open_screen: Any, ann: User) -> None:
    workflow = forked()
    editor = Editor(open_screen(ann)).open(workflow)
    other = Editor(open_screen(ann)).open(workflow)
    page, keys = editor.page, editor.page.keyboard
    page.evaluate(ANSWERS)

    def same(count: int) -> None:
        settled(editor, count)
        other.open(workflow)
        assert page.evaluate(SNAPSHOT) == other.page.evaluate(SNAPSHOT)

    editor.card("first").focus()
    keys.press("Alt+ArrowDown")
    expect(editor.card("first")).to_have_attribute("data-path", "steps.1")
    expect(editor.card("first")).to_be_focused()
    same(8)
    keys.press("Control+d")
    expect(editor.card("create-note")).to_be_focused()
    same(9)
    editor.card("b").focus()
    keys.press("a")
    page.locator("#flow-search").fill("delay")
    page.get_by_role("option", name="Delay for a set amount of time").click()
    expect(editor.panel.get_by_role("heading", name="Delay for a set amount of time")).to_be_visible()
    editor.panel.get_by_label("Days").fill("3")
    editor.close()
    expect(editor.card("delay")).to_contain_text("Wait 3 days")
    expect(editor.card("delay")).to_be_focused()
    same(10)
    editor.card("after").focus()
    keys.press("Delete")
    expect(editor.card("last")).to_be_focused()
    same(9)
    for _turn in range(3):
        keys.press("Control+z")
    editor.saved()
    keys.press("Control+y")
    settled(editor, 10)
    editor.card("split").focus()
    keys.press("c")
    expect(editor.card("b")).to_have_count(0)
    keys.press("c")
    expect(editor.card("split")).to_be_focused()
    same(10)
    assert page.evaluate("wholes.length") > 8 and not page.evaluate("wholes.includes(true)")
    # Somebody else changes the draft: what fits no more is told, and then shown as a whole or in part, but right.
    other.card("last").focus()
    other.page.keyboard.press("Control+d")
    settled(other, 11)
    editor.card("last").focus()
    keys.press("Delete")
    page.locator("#flow-conflict").get_by_role("button", name="Reload and keep my change").click()
    same(10)
    assert other.screen.problems() == []
    conflict, *others = editor.screen.problems()
    assert "409 (Conflict)" in conflict and others == []


def numbers(page: Page) -> list[str]:
    return page.locator(".flow-title b").all_text_contents()


@pytest.mark.parametrize("forgotten", [True, False], ids=["forgotten", "left behind"])
def test_a_page_that_shows_something_else_is_shown_everything(open_screen: Any, ann: User, forgotten: bool) -> None:
    workflow = forked()
    editor = Editor(open_screen(ann)).open(workflow)
    page = editor.page
    page.evaluate(ANSWERS)

    def since_another(route: Route) -> None:
        answer = route.fetch()
        facts = answer.json()
        facts["patch"]["since"] = "another"
        route.fulfill(response=answer, json=facts)

    if forgotten:
        shown.redis().delete(key(workflow.pk, page.locator("#flow").get_attribute("data-picture") or ""))
    else:
        page.route("**/ops/**", since_another)
    editor.card("first").focus()
    page.keyboard.press("Delete")
    settled(editor, 7)
    assert numbers(page) == [f"{number}." for number in range(1, 8)]
    assert page.evaluate("wholes.includes(true)")
    assert editor.screen.problems() == []
