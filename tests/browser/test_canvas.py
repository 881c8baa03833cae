"""Selecting, copying to other workflows, finding, counts and minimap, as a person does it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import Contact, User
from records.clock import database_now
from tests.browser.editor_page import Editor
from tests.workflows.building import enroll, make_workflow, step
from workflows import drafting
from workflows.engine.taking_steps import run_due
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BIG = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 500}]}
DOCUMENT = {
    "format": 1,
    "object": "deal",
    "trigger": {"kind": "manual"},
    "steps": [
        step("first", "create_note", body="About the Spring offer"),
        step("split", "branch", branches=[
            {"name": "Big", "criteria": BIG, "steps": [step("big", "delay", days=2), step("bigger", "delay", days=3)]},
            {"name": "Small", "steps": [step("jump", "go_to", step="bigger")]},
        ]),
        step("last", "create_note", body="Nearly there"),
    ],
}  # fmt: skip


@pytest.fixture
def editor(open_screen: Any, ann: User) -> Editor:
    workflow = drafting.create("Follow up", "deal", ann, DOCUMENT)
    return Editor(open_screen(ann, theme="both", height=1100)).open(workflow)


def clean(editor: Editor, name: str) -> None:
    editor.screen.screenshot(f"canvas-{name}")
    assert editor.screen.axe() == []
    assert editor.screen.problems() == []


@pytest.mark.detail(14)
@pytest.mark.detail(13)
def test_a_branch_is_selected_copied_and_pasted_into_another_workflow_with_the_keyboard_alone(
    editor: Editor, ann: User
) -> None:
    page, keyboard = editor.page, editor.page.keyboard
    bar = page.locator("#flow-picked")
    editor.card("split").focus()
    keyboard.press("Space")
    expect(bar).to_contain_text("Selected steps: 1")
    editor.card("last").focus()
    keyboard.press("Space")
    expect(page.locator("#flow-picked-told")).to_have_text("Selected steps: 2")
    expect(page.locator(".flow-card.covered")).to_have_count(3)
    clean(editor, "selected")
    keyboard.press("Control+c")
    expect(editor.toast("2 steps of “Follow up”")).to_be_visible()

    other = drafting.create("Elsewhere", "contact", ann, {"format": 1, "object": "contact", "steps": []})
    editor.open(other)
    editor.card("trigger").focus()
    keyboard.press("Control+v")
    dialog = page.get_by_role("dialog", name="Not everything fits here")
    expect(dialog).to_contain_text("These steps were made for “deals”; this workflow is about “contacts”.")
    expect(dialog).to_contain_text("amount")
    clean(editor, "unfit")
    dialog.get_by_role("button", name="Paste nevertheless").press("Enter")
    expect(editor.card("branch")).to_be_focused()
    assert editor.steps() == ["branch", "delay", "delay-2", "go-to", "create-note"]
    expect(page.locator('.flow-lane[data-from="go-to"][data-to="delay-2"]')).to_have_count(1)
    expect(bar).to_contain_text("Selected steps: 5")
    keyboard.press("Delete")
    expect(editor.toast("Steps deleted: 5")).to_be_visible()
    assert editor.steps() == []
    keyboard.press("Control+z")
    expect(editor.card("create-note")).to_be_visible()
    keyboard.press("Control+z")
    expect(editor.card("create-note")).to_have_count(0)
    assert editor.screen.problems() == []


def test_several_steps_are_chosen_by_mouse_and_moved_or_pasted_as_text(editor: Editor) -> None:
    page = editor.page
    editor.card("big").click(modifiers=["Shift"])
    editor.card("bigger").click(modifiers=["Shift"])
    expect(page.locator(".flow-card.picked")).to_have_count(2)
    page.get_by_role("toolbar", name="Selected steps").get_by_role("button", name="Move to…").click()
    editor.plus("steps.0").click()
    expect(page.locator(".flow-card[data-path='steps.1']")).to_have_attribute("data-step", "bigger")
    page.keyboard.press("Control+z")
    expect(editor.card("big")).to_have_attribute("data-path", "steps.1.branches.0.steps.0")
    page.keyboard.press("Escape")
    expect(page.locator("#flow-picked")).to_be_hidden()
    editor.card("first").focus()
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".flow-card.picked")).to_have_count(2)
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator(".flow-card.picked")).to_have_count(1)

    editor.plus("steps.0").click()
    page.get_by_role("option", name="Paste text…").click()
    dialog = page.get_by_role("dialog", name="Paste steps as text")
    dialog.get_by_label("Text copied from a workflow").fill("Dear Sir or Madam")
    clean(editor, "paste-text")
    dialog.get_by_role("button", name="Paste", exact=True).click()
    refused = page.get_by_role("dialog", name="This cannot be pasted here")
    expect(refused).to_contain_text("This is not text copied from a workflow.")
    refused.get_by_role("button", name="Close").click()
    assert editor.steps() == ["first", "split", "big", "bigger", "jump", "last"]


@pytest.mark.detail(16)
@pytest.mark.detail(17)
@pytest.mark.covers("EDT-04", "EDT-05", "EDT-06")
def test_words_are_found_in_texts_and_marked_on_the_map_which_tells_names_and_can_be_hidden(editor: Editor) -> None:
    page = editor.page
    page.set_viewport_size({"width": 1280, "height": 700})
    page.keyboard.press("/")
    page.keyboard.type("spring")
    page.keyboard.press("Enter")
    expect(page.locator("#flow-hits")).to_have_text("1 of 1")
    expect(page.locator("#flow-where")).to_contain_text("Text: About the Spring offer")
    expect(page.locator("#flow-mini rect.hit")).to_have_count(1)
    page.get_by_label("Find a step").fill("note")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Next place found").click()
    expect(page.locator("#flow-hits")).to_have_text("2 of 2")
    expect(page.locator(".flow-card.hit-now")).to_have_attribute("data-step", "last")
    clean(editor, "found")
    page.locator('#flow-mini rect[data-step="split"]').hover()
    expect(page.locator("#flow-map-name")).to_have_text("2. If/then branch")
    editor.screen.screenshot("canvas-map")
    for place in ("trigger", "last"):
        page.locator(f'#flow-mini rect[data-step="{place}"]').click()
        expect(editor.card(place)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Minimap").click()
    expect(page.locator("#flow-map")).to_be_hidden()
    page.reload()
    editor.ready()
    expect(page.locator("#flow-map")).to_be_hidden()
    page.get_by_role("button", name="Minimap").click()
    expect(page.locator("#flow-map")).to_be_visible()


@pytest.mark.detail(20)
def test_counts_stand_on_cards_and_branches_for_the_period_chosen_and_lead_to_the_records(
    open_screen: Any, ann: User
) -> None:
    buyers = {"all": [{"property": "job_title", "operator": "is_equal_to_any_of", "value": ["Buyer"]}]}
    ways = [
        {"name": "Buyers", "criteria": buyers, "steps": [step("hold", "delay", days=9)]},
        {"name": "Rest", "steps": []},
    ]
    workflow: Workflow = make_workflow(
        [step("note", "create_note", body="Hi"), step("split", "branch", branches=ways)]
    )
    made = Contact.objects.bulk_create(Contact(first_name=f"P{i}", job_title="Buyer" if i else "") for i in range(4))
    now = database_now()
    enroll(workflow, [one.pk for one in made], now)
    while run_due(now):
        pass
    editor = Editor(open_screen(ann, theme="both", height=1000)).open(workflow)
    page = editor.page
    expect(page.locator("#s-hold .flow-tally")).to_have_text(["3 waiting"])
    expect(page.locator("#s-note .flow-passed")).to_contain_text("4")
    expect(page.locator(".flow-shares")).to_have_text(
        ["75 % – 3 of 4 records took this branch", "25 % – 1 of 4 records took this branch"]
    )
    clean(editor, "counts")
    page.get_by_label("Counts on the canvas").select_option("none")
    expect(page.locator(".flow-tally")).to_have_count(0)
    page.get_by_label("Counts on the canvas").select_option("day")
    page.locator(".flow-shares a").first.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(3)
    editor.screen.screenshot("canvas-records")
    assert editor.screen.axe() == []
    assert editor.screen.problems() == []


@pytest.mark.detail(4)
def test_the_whole_sentence_of_the_trigger_comes_to_the_mouse_the_keyboard_and_the_finger(
    open_screen: Any, ann: User
) -> None:
    names = [f"Customer {number}" for number in range(30)]
    criteria = {"any": [{"all": [{"property": "name", "operator": "is_equal_to_any_of", "value": names}]}]}
    document = {**DOCUMENT, "trigger": {"kind": "filter", "criteria": criteria}}
    screen = open_screen(ann, touch=True)
    editor, page = Editor(screen).open(drafting.create("Customers", "deal", ann, document)), screen.page
    trigger, told = editor.card("trigger"), page.get_by_role("tooltip")
    trigger.hover()
    expect(told).to_contain_text("Customer 29")
    expect(trigger).to_have_attribute("aria-describedby", "flow-glance")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    page.mouse.move(5, 5)

    editor.card("first").focus()
    page.keyboard.press("ArrowUp")
    expect(trigger).to_be_focused()
    expect(told).to_contain_text("Customer 29")
    screen.screenshot("trigger-glance")
    assert screen.axe(("label-content-name-mismatch",)) == []
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()

    box = trigger.bounding_box()
    assert box is not None
    x, y, finger = box["x"] + 40, box["y"] + 40, page.context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    expect(told).to_contain_text("Customer 29")
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(told).to_be_visible()
    expect(editor.panel).to_be_hidden()
    view = page.locator("#flow-view").bounding_box()
    assert view is not None
    page.touchscreen.tap(view["x"] + view["width"] - 300, view["y"] + view["height"] - 40)
    expect(told).to_be_hidden()
    page.touchscreen.tap(x, y)
    expect(editor.panel.get_by_role("heading", name="Trigger")).to_be_visible()
    assert screen.problems() == []
