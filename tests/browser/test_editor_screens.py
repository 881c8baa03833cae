"""The editor on a large screen and on a tablet, and the outline as a screen reader gets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from crm.models import User
from records.clock import database_now
from tests.browser.editor_page import Editor, fits
from tests.browser.test_flow_editor import DOCUMENT
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: Why axe is not asked for this on the canvas stands in test_screens.py.
LEFT_OUT = ("label-content-name-mismatch",)


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return drafting.create("Follow up", "deal", ann, DOCUMENT)


def test_every_button_of_the_bar_fits_in_any_window(open_screen: Any, ann: User, workflow: Workflow) -> None:
    publishing.publish(workflow, by=ann, now=database_now(), enroll_existing=False)
    page = Editor(open_screen(ann, width=1920, height=1080), "light").open(workflow).page
    assert fits(page) and page.get_by_text("Pause or turn off").is_visible()
    for width in (1641, 1600, 1440, 1401, 1366, 1280, 1024):
        page.set_viewport_size({"width": width, "height": 800})
        assert fits(page), width


@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1920, 1080), ("dark", 820, 1180)])
def test_a_step_is_added_and_set_up_on_any_screen_by_finger_or_mouse(
    open_screen: Any, ann: User, workflow: Workflow, theme: str, width: int, height: int
) -> None:
    tablet = width < 1000
    editor = Editor(open_screen(ann, theme=theme, width=width, height=height, touch=tablet), theme).open(workflow)
    page = editor.page

    def press(found: Any) -> None:
        found.tap() if tablet else found.click()

    assert fits(page)
    for name in ("Review and publish", "Undo", "Outline"):
        expect(
            page.locator(".flow-bar").get_by_label(name).or_(page.get_by_role("link", name=name)).first
        ).to_be_in_viewport(ratio=1)
    press(editor.plus("steps.0"))
    press(page.get_by_role("option", name="Create note"))
    expect(editor.panel.get_by_role("heading", name="Create note")).to_be_visible()
    editor.panel.get_by_label("Text", exact=True).fill("From a tablet")
    expect(editor.card("create-note")).to_contain_text("From a tablet")
    card, panel = editor.card("create-note").bounding_box(), editor.panel.bounding_box()
    assert card["x"] + card["width"] <= panel["x"] + 1
    editor.screen.screenshot(f"editor-{width}-{theme}")
    assert fits(page) and editor.screen.axe(LEFT_OUT) == []
    press(editor.panel.get_by_role("button", name="Done"))
    press(editor.more("create-note"))
    press(page.locator("#flow-menu").get_by_role("button", name="Move to…", exact=True))
    press(editor.plus("steps.2.branches.1.steps.0"))
    expect(page.locator(".flow-card[data-path='steps.1.branches.1.steps.0']")).to_have_attribute(
        "data-step", "create-note"
    )
    editor.screen.open(reverse("admin:workflow_outline", args=[workflow.pk]))
    editor.screen.screenshot(f"outline-{width}-{theme}")
    assert fits(page) and editor.screen.axe() == []
    assert editor.screen.problems() == []


#: The outline as it is read out: what each step is called and set to, and that it can be changed.
READ = """
heading 1: Outline
heading 2: Follow up
link: Canvas
link: Comments
link: Add a step
“6 steps”
list
  listitem 1
    link: Trigger
    “When somebody enrolls a record by hand”
  listitem 1
    link: 1. Create note
    “Create note “About first””
    DisclosureTriangle: Change step 1
  listitem 1
    link: 2. If/then branch
    “If/then: 2 ways”
    DisclosureTriangle: Change step 2
    list
      listitem 2
        “Big”
        “ ”
        “Amount is greater than 500”
        list
          listitem 3
            link: 3. Create note
            “Create note “About big””
            DisclosureTriangle: Change step 3
          listitem 3
            link: 4. Create note
            “Create note “About bigger””
            DisclosureTriangle: Change step 4
      listitem 2
        “Small”
        “ ”
        “None met”
        list
          listitem 3
            link: 5. Create note
            “Create note “About small””
            DisclosureTriangle: Change step 5
  listitem 1
    link: 6. Create note
    “Create note “About last””
    DisclosureTriangle: Change step 6
""".strip("\n").split("\n")
#: What is read out besides its text.
TOLD = {"heading", "list", "listitem", "link", "button", "DisclosureTriangle"}


def reading(page: Page) -> list[str]:
    """The accessibility tree of the outline as lines, indented like its lists: role, level and name."""
    nodes = {
        node["nodeId"]: node
        for node in page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    }

    def lines(node: dict[str, Any], depth: int) -> Iterator[str]:
        role = "" if node["ignored"] else node["role"]["value"]
        told = role in TOLD
        if told:
            facts = {found["name"]: found["value"].get("value") for found in node.get("properties", ())}
            level = f" {facts['level']}" if role in ("heading", "listitem") and "level" in facts else ""
            name = node.get("name", {}).get("value", "")
            yield f"{'  ' * depth}{role}{level}{': ' if name else ''}{name}"
        elif role == "StaticText":
            yield f"{'  ' * depth}“{node['name']['value']}”"
        for child in node.get("childIds", ()) if role not in ("link", "heading", "button", "StaticText") else ():
            yield from lines(nodes[child], depth + (role in ("list", "listitem")))

    root = next(node for node in nodes.values() if node["role"]["value"] == "main")
    return list(lines(root, 0))


@pytest.mark.detail(18)
def test_the_outline_reads_as_nested_lists_of_named_steps(open_screen: Any, ann: User, workflow: Workflow) -> None:
    screen = open_screen(ann)
    page = screen.open(reverse("admin:workflow_outline", args=[workflow.pk]))
    found = reading(page)
    assert found == READ
