"""The workflow editor in Chromium: what a person does with steps, and what two people do at once."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.models import Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ENGAGING = {"all": [{"property": "stage", "operator": "is_any_of", "value": ["engaging"]}]}
BIG = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 500}]}


def delay(step: str, days: int = 1) -> dict[str, Any]:
    return {"id": step, "action": "delay", "params": {"days": days}}


DOCUMENT = {
    "format": 1,
    "object": "deal",
    "trigger": {"kind": "filter", "criteria": ENGAGING},
    "steps": [
        delay("first"),
        {
            "id": "split",
            "action": "branch",
            "branches": [
                {"name": "Big", "criteria": BIG, "steps": [delay("big", 2), delay("bigger", 3)]},
                {"name": "Small", "steps": []},
            ],
        },
        {"id": "note", "action": "create_note", "params": {"body": "Nearly there"}},
        {"id": "open", "action": "create_note", "params": {}},
    ],
}


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return drafting.create("Follow up", "deal", ann, DOCUMENT)


@pytest.fixture
def editor(open_screen: Any, ann: User, workflow: Workflow) -> Editor:
    return Editor(open_screen(ann)).open(workflow)


def draft(workflow: Workflow) -> dict[str, Any]:
    return drafting.shown(workflow).definition


@pytest.mark.detail(10, 15)
def test_a_deleted_step_comes_back_by_the_toast_and_what_was_done_is_undone_after_a_reload(
    editor: Editor, workflow: Workflow
) -> None:
    page = editor.page
    editor.menu("first", "Delete")
    editor.toast("Step deleted.").get_by_role("button", name="Undo").click()
    expect(editor.card("first")).to_be_visible()
    editor.menu("note", "Duplicate")
    expect(editor.card("create-note")).to_be_visible()
    page.reload()
    editor.ready()
    page.get_by_role("button", name="Undo").click()
    expect(editor.card("create-note")).to_have_count(0)
    page.get_by_role("button", name="Redo").click()
    expect(editor.card("create-note")).to_be_visible()
    assert editor.screen.problems() == []


@pytest.mark.detail(15)
def test_deleting_a_branching_asks_which_branch_to_keep_and_one_without_steps_does_not_ask(
    editor: Editor, workflow: Workflow
) -> None:
    editor.card("split").focus()
    editor.page.keyboard.press("Delete")
    dialog = editor.page.locator("#flow-delete")
    expect(dialog.locator(".flow-choices button")).to_have_text(["Big"])
    assert editor.screen.axe() == []
    dialog.get_by_role("button", name="Big").click()
    expect(editor.card("split")).to_have_count(0)
    assert editor.steps() == ["first", "big", "bigger", "note", "open"]
    editor.add("steps.0", "If/then branch")
    editor.menu("branch", "Delete")
    expect(editor.card("branch")).to_have_count(0)
    assert editor.screen.problems() == []


@pytest.mark.detail(9)
def test_two_people_at_once_are_told_who_did_what_and_either_change_can_be_kept(
    editor: Editor, open_screen: Any, workflow: Workflow
) -> None:
    bob = User.objects.create_superuser("bob", password="bob", first_name="Bob", last_name="Lind")
    other = Editor(open_screen(bob)).open(workflow)
    other.menu("first", "Delete")
    expect(other.card("first")).to_have_count(0)

    editor.card("note").click()
    editor.panel.get_by_label("Text", exact=True).fill("Kept by Ann")
    dialog = editor.page.locator("#flow-conflict")
    expect(dialog).to_contain_text("Bob Lind deleted the step “Delay for a set amount of time”")
    assert editor.screen.axe() == []
    dialog.get_by_role("button", name="Reload and keep my change").click()
    expect(editor.card("first")).to_have_count(0)
    expect(editor.card("note")).to_contain_text("Kept by Ann")
    expect(editor.panel.get_by_label("Text", exact=True)).to_have_value("Kept by Ann")
    steps = {step["id"]: step for step in draft(workflow)["steps"]}
    assert "first" not in steps and steps["note"]["params"]["body"] == "Kept by Ann"

    other.menu("open", "Duplicate")
    other.page.locator("#flow-conflict").get_by_role("button", name="Reload without it").click()
    expect(other.card("note")).to_contain_text("Kept by Ann")
    expect(other.card("create-note")).to_have_count(0)
    refused = ["409 (Conflict)" in line for line in editor.screen.problems() + other.screen.problems()]
    assert refused == [True, True]


def added(editor: Editor, place: str, action: str = "Create task") -> None:
    """Add an action at a place as a placeholder."""
    editor.plus(place).click()
    editor.page.locator("#flow-search").fill(action)
    editor.page.keyboard.press("Shift+Enter")


@pytest.mark.detail(9, 10)
def test_what_is_kept_after_somebody_elses_change_comes_where_it_was_meant_and_undo_takes_back_nothing_of_theirs(
    editor: Editor, open_screen: Any, workflow: Workflow
) -> None:
    other = Editor(open_screen(User.objects.create_superuser("bob", password="bob"))).open(workflow)
    dialog = editor.page.locator("#flow-conflict")
    keep = dialog.get_by_role("button", name="Reload and keep my change")

    def delete(step: str) -> None:
        other.card(step).focus()
        other.page.keyboard.press("Delete")
        expect(other.card(step)).to_have_count(0)

    delete("first")
    added(editor, "steps.3")
    keep.click()
    expect(editor.card("create-task")).to_be_focused()
    assert editor.steps() == ["split", "big", "bigger", "note", "create-task", "open"]
    other.page.reload()
    other.ready()
    other.card("bigger").focus()
    other.page.keyboard.press("Control+d")
    expect(other.card("delay")).to_be_focused()
    # A place in a branch, beside a step that has moved on.
    added(editor, "steps.0.branches.0.steps.2", "Create note")
    keep.click()
    expect(editor.card("create-note")).to_be_focused()
    assert editor.steps() == ["split", "big", "bigger", "create-note", "delay", "note", "create-task", "open"]
    other.page.reload()
    other.ready()
    delete("open")
    editor.card("note").focus()
    editor.page.keyboard.press("Control+z")
    expect(dialog).to_contain_text("deleted the step")
    expect(keep).to_be_hidden()
    dialog.get_by_role("button", name="Reload without it").click()
    expect(editor.card("open")).to_have_count(0)
    # Nothing is left of what the place lay between.
    other.page.reload()
    other.ready()
    delete("note")
    delete("create-task")
    added(editor, "steps.2")
    keep.click()
    expect(editor.toast("Somebody removed the place this was meant for.")).to_be_visible()
    assert [step["id"] for step in draft(workflow)["steps"]] == ["split"]
    assert ["409 (Conflict)" in line for line in editor.screen.problems()] == [True] * 4


def test_a_toast_offers_to_undo_only_what_was_done_last(editor: Editor, workflow: Workflow) -> None:
    editor.menu("first", "Delete")
    expect(editor.toast("Step deleted.")).to_be_visible()
    editor.card("note").focus()
    editor.page.keyboard.press("Control+d")
    expect(editor.card("create-note")).to_be_focused()
    expect(editor.toast("Step deleted.")).to_have_count(0)
    editor.menu("create-note", "Delete")
    editor.toast("Step deleted.").get_by_role("button", name="Undo").click()
    expect(editor.card("create-note")).to_be_visible()
    expect(editor.card("first")).to_have_count(0)
    assert editor.screen.problems() == []


@pytest.mark.detail(3)
def test_the_keyboard_stays_with_the_palette_whatever_of_it_is_clicked(editor: Editor) -> None:
    page, palette = editor.page, editor.page.locator("#flow-palette")
    for part in (palette.get_by_text("Enter adds and opens the step"), palette.locator(".flow-group-name").nth(1)):
        editor.plus("steps.0").click()
        part.click()
        expect(page.locator("#flow-search")).to_be_focused()
        page.keyboard.type("note")
        expect(palette.get_by_role("option", selected=True)).to_contain_text("Create note")
        page.keyboard.press("Escape")
        expect(palette).to_be_hidden()
        expect(editor.plus("steps.0")).to_be_focused()
    assert editor.screen.problems() == []


@pytest.mark.detail(13, 14)
def test_steps_are_copied_pasted_and_moved_by_keys_menu_and_dragging(editor: Editor, workflow: Workflow) -> None:
    page = editor.page
    page.set_viewport_size({"width": 1280, "height": 1500})
    editor.card("split").focus()
    page.keyboard.press("Control+c")
    expect(editor.toast("Copied.")).to_be_visible()
    editor.card("note").focus()
    page.keyboard.press("Control+v")
    expect(editor.card("branch")).to_be_focused()
    assert editor.steps() == ["first", "split", "big", "bigger", "note", "branch", "delay", "delay-2", "open"]
    page.keyboard.press("Control+z")
    expect(editor.card("branch")).to_have_count(0)
    editor.menu("note", "Move to…")
    editor.plus("steps.1.branches.1.steps.0").click()
    expect(editor.plus("steps.1.branches.1.steps.1")).to_be_visible()
    assert editor.steps() == ["first", "split", "big", "bigger", "note", "open"]
    assert draft(workflow)["steps"][1]["branches"][1]["steps"][0]["id"] == "note"
    editor.card("first").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator(".flow-card[data-path='steps.0']")).to_have_attribute("data-step", "split")
    editor.card("open").drag_to(editor.plus("steps.0"))
    expect(page.locator(".flow-card[data-path='steps.0']")).to_have_attribute("data-step", "open")
    assert editor.screen.problems() == []


@pytest.mark.detail(7)
def test_the_trigger_tells_its_faults_and_filters_as_they_change(editor: Editor, workflow: Workflow) -> None:
    editor.card("trigger").click()
    editor.tab("Settings")
    editor.panel.get_by_label("Let records enroll again").check()
    again = editor.panel.get_by_role("group", name="Enroll again each time")
    again.get_by_label("Stage is any of Engaging").check()
    expect(editor.card("trigger")).to_contain_text("Re-enrollment on")
    editor.tab("Enrollment")
    editor.builder.get_by_label("Won").check()
    editor.tab("Settings")
    expect(again.get_by_label("Stage is any of Engaging or Won")).to_be_visible()
    assert editor.screen.axe() == []
    editor.tab("Enrollment")
    filters = editor.panel.locator("[data-criteria]")
    before = filters.count()
    editor.panel.get_by_label("Only by hand").click()
    dialog = editor.page.get_by_role("dialog", name="Choose another kind of trigger? This erases:")
    expect(dialog).to_contain_text("Stage is any of Engaging or Won")
    expect(dialog).to_contain_text("Re-enrollment by 1 filter")
    dialog.get_by_role("button", name="Keep the trigger").click()
    expect(editor.panel.get_by_label("When filter criteria are met")).to_be_checked()
    editor.panel.get_by_label("Only by hand").click()
    editor.screen.screenshot("trigger-erase")
    assert editor.screen.axe() == []
    dialog.get_by_role("button", name="Erase and choose").click()
    # Those of unenrollment and of the goal stay.
    expect(filters).to_have_count(before - 1)
    expect(editor.panel.get_by_label("Only by hand")).to_be_focused()
    expect(editor.card("trigger")).to_contain_text("by hand")
    editor.panel.get_by_label("When filter criteria are met").check()
    expect(editor.panel.locator(".notice")).to_contain_text("The trigger has no filters")
    editor.builder.get_by_label("Property", exact=True).select_option(label="Stage")
    editor.builder.get_by_label("Won").check()
    expect(editor.panel.locator(".notice")).to_have_count(0)
    assert editor.screen.problems() == []


def test_a_value_branch_offers_the_values_of_its_property(editor: Editor, workflow: Workflow) -> None:
    editor.add("steps.0", "Value branch")
    editor.panel.get_by_label("Property").select_option(value="stage")
    way = editor.panel.get_by_role("group", name="Branch 1")
    way.get_by_label("Engaging").check()
    way.get_by_label("Name of the branch").fill("Going on")
    editor.panel.get_by_role("button", name="Add a branch").click()
    expect(editor.panel.get_by_role("group", name="Branch 3")).to_be_visible()
    assert editor.screen.axe() == []
    editor.close()
    step = draft(workflow)["steps"][0]
    assert (step["branches"][0]["name"], step["branches"][0]["values"]) == ("Going on", ["engaging"])
    assert len(step["branches"]) == 3
    assert editor.screen.problems() == []


@pytest.mark.detail(5, 16, 18)
def test_steps_and_problems_are_found_and_branches_fold(editor: Editor, workflow: Workflow) -> None:
    page = editor.page
    page.keyboard.press("/")
    expect(page.get_by_label("Find a step")).to_be_focused()
    page.keyboard.type("nearly")
    page.keyboard.press("Enter")
    expect(page.locator("#flow-hits")).to_have_text("1 of 1")
    page.keyboard.press("Escape")
    expect(editor.card("note")).to_be_focused()
    page.keyboard.press("F8")
    expect(editor.card("open")).to_be_focused()
    editor.card("split").focus()
    page.keyboard.press("c")
    expect(editor.card("split")).to_contain_text("2 steps hidden")
    assert editor.steps() == ["first", "split", "note", "open"]
    page.reload()
    editor.ready()
    expect(editor.card("big")).to_have_count(0)
    page.locator(".flow-hidden").click()
    expect(editor.card("big")).to_be_visible()
    assert editor.screen.problems() == []


@pytest.mark.detail(19)
def test_a_go_to_leads_to_another_branch_and_its_line_lights_up(editor: Editor, workflow: Workflow) -> None:
    editor.add("steps.1.branches.1.steps.0", "Go to another step")
    editor.panel.locator("select").first.select_option(value="bigger")
    editor.close()
    expect(editor.page.locator('.flow-lane[data-to="bigger"]')).to_have_count(1)
    editor.card("bigger").focus()
    expect(editor.page.locator(".flow-lane.lit")).to_have_count(1)
    editor.page.get_by_role("link", name="Continued from step 5").click()
    expect(editor.card("go-to")).to_be_focused()
    editor.page.get_by_role("link", name="Goes on at step 4").click()
    expect(editor.card("bigger")).to_be_focused()
    assert editor.screen.problems() == []


def test_an_empty_name_is_not_taken_and_the_new_one_is_kept(editor: Editor, workflow: Workflow) -> None:
    name = editor.page.get_by_label("Name of the workflow")
    name.fill("")
    name.press("Tab")
    expect(name).to_have_value("Follow up")
    name.fill("Follow up soon")
    name.press("Tab")
    editor.saved()
    workflow.refresh_from_db()
    assert workflow.name == "Follow up soon"


@pytest.mark.detail(8)
def test_what_was_reviewed_is_published_or_nothing(editor: Editor, workflow: Workflow) -> None:
    page = editor.page
    editor.menu("open", "Delete")
    expect(editor.card("open")).to_have_count(0)
    page.get_by_role("link", name="Review and publish").click()
    expect(page.get_by_role("heading", name="Ready to publish")).to_be_visible()
    page.get_by_role("button", name="Skip to turn on").click()
    bob = User.objects.create_superuser("bob", password="bob", first_name="Bob", last_name="Lind")
    drafting.apply(
        workflow, {"op": "delete", "step": "note"}, rev=drafting.shown(workflow).rev, user=bob, now=bob.date_joined
    )
    page.get_by_role("button", name="Publish and turn on").click()
    expect(page.get_by_text("Last change: Bob Lind.")).to_be_visible()
    workflow.refresh_from_db()
    assert workflow.live is None
    page.get_by_role("button", name="Publish and turn on").click()
    expect(page.get_by_text("“Follow up” is on.")).to_be_visible()
    assert editor.screen.problems() == []
