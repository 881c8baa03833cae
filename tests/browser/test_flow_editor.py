"""Branchings, jumps and failures in the editor: by mouse, in both themes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.models import Revision, Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BIG = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 500}]}


def note(step: str) -> dict[str, Any]:
    return {"id": step, "action": "create_note", "params": {"body": f"About {step}"}}


DOCUMENT = {
    "format": 1,
    "object": "deal",
    "trigger": {"kind": "manual"},
    "steps": [
        note("first"),
        {
            "id": "split",
            "action": "branch",
            "branches": [
                {"name": "Big", "criteria": BIG, "steps": [note("big"), note("bigger")]},
                {"name": "Small", "steps": [note("small")]},
            ],
        },
        note("last"),
    ],
}


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return drafting.create("Follow up", "deal", ann, DOCUMENT)


@pytest.fixture(params=["light", "dark"])
def editor(open_screen: Any, ann: User, workflow: Workflow, request: Any) -> Editor:
    return Editor(open_screen(ann, theme=request.param, height=1100), request.param).open(workflow)


def other(name: str, object_type: str = "deal", status: str = "on") -> Workflow:
    document = {"format": 1, "name": name, "object": object_type, "trigger": {"kind": "manual"}, "steps": []}
    made = Workflow.objects.create(name=name, object_type=object_type, status=status)
    made.live = Revision.objects.create(workflow=made, number=1, definition=document)
    made.save()
    return made


def steps(workflow: Workflow) -> dict[str, dict[str, Any]]:
    from workflows.drafting.tree import walk

    return {found.step["id"]: found.step for found in walk(drafting.shown(workflow).definition["steps"])}


def clean(editor: Editor, name: str) -> None:
    editor.screen.screenshot(f"flow-{name}-{editor.theme}")
    assert editor.screen.axe() == []
    assert editor.screen.problems() == []


@pytest.mark.covers("BRN-08", "BRN-09", "ACG-02")
def test_shares_are_given_in_the_panel_and_stand_above_the_ways(editor: Editor, workflow: Workflow) -> None:
    editor.add("steps.0", "Random split")
    labels = editor.page.locator("#flow-canvas .flow-branch")
    expect(labels.nth(0)).to_have_text("A · 50 %")
    editor.panel.get_by_role("button", name="Add a branch").click()
    expect(labels.nth(2)).to_have_text("C · 33.33 %")
    editor.panel.get_by_label("Share of the records, in percent").nth(0).fill("80")
    expect(editor.panel.locator(".notice-warn")).to_contain_text("add up to 146.66 %")
    expect(labels.nth(0)).to_have_text("A · 80 %")
    editor.panel.get_by_role("button", name="Remove branch 3").click()
    expect(labels.nth(1)).to_have_text("B · 29.41 %")
    editor.panel.get_by_role("button", name="Share equally").click()
    expect(labels.nth(1)).to_have_text("B · 50 %")
    expect(editor.panel.locator(".notice-warn")).to_have_count(0)
    editor.saved()
    assert [one["percent"] for one in steps(workflow)["random-split"]["branches"]] == [50, 50]
    clean(editor, "split")


@pytest.mark.covers("BRN-12", "BRN-13")
def test_branches_are_renamed_copied_moved_and_removed_with_a_question(editor: Editor, workflow: Workflow) -> None:
    labels = editor.page.locator("#flow-canvas .flow-branch")
    editor.card("split").click()
    editor.panel.get_by_label("Name of the branch").nth(0).fill("Huge")
    expect(labels.nth(0)).to_have_text("Huge")
    editor.panel.get_by_role("button", name="Copy branch 1").click()
    expect(labels).to_have_text(["Huge", "Huge (copy)", "Small"])
    editor.panel.get_by_role("button", name="Move branch 2 up").click()
    expect(labels).to_have_text(["Huge (copy)", "Huge", "Small"])
    editor.panel.get_by_role("button", name="Remove branch 1").click()
    dialog = editor.page.locator("#flow-branch")
    expect(dialog.locator(".flow-choices button")).to_have_text(
        ["Move them to “Huge”", "Move them to “Small”", "Move them after the branching"]
    )
    clean(editor, "remove-branch")
    dialog.get_by_role("button", name="Cancel").click()
    expect(labels).to_have_count(3)
    editor.panel.get_by_role("button", name="Remove branch 1").click()
    dialog.get_by_role("button", name="Delete them, too").click()
    expect(labels).to_have_text(["Huge", "Small"])
    editor.toast("Branch removed.").get_by_role("button", name="Undo").click()
    expect(labels).to_have_text(["Huge (copy)", "Huge", "Small"])
    editor.panel.get_by_role("button", name="Remove branch 1").click()
    dialog.get_by_role("button", name="Delete them, too").click()
    expect(labels).to_have_text(["Huge", "Small"])
    editor.panel.get_by_role("button", name="Remove branch 1").click()
    dialog.get_by_role("button", name="Move them to “Small”").click()
    expect(labels).to_have_text(["Small"])
    assert editor.steps() == ["first", "split", "small", "big", "bigger", "last"]


@pytest.mark.detail(3)
@pytest.mark.covers("GTO-07", "GTO-08", "EDT-14")
def test_a_go_to_is_offered_in_branches_only_and_its_bad_targets_are_grey(editor: Editor, workflow: Workflow) -> None:
    editor.plus("steps.0").click()
    option = editor.page.locator("#option-go_to")
    expect(option).to_have_attribute("aria-disabled", "true")
    expect(option).to_contain_text("Only inside a branch")
    clean(editor, "palette-fenced")
    option.click(force=True)
    expect(editor.page.locator("#flow-palette")).to_be_visible()
    editor.page.keyboard.press("Escape")
    editor.add("steps.1.branches.1.steps.0", "Go to another step")
    choice = editor.panel.get_by_label("Continue at")
    enabled = choice.locator("option:not([disabled])")
    expect(enabled).to_have_text(["—", "3. Create note", "4. Create note"])
    told = " ".join(choice.locator("option[disabled]").all_text_contents())
    assert "6. Create note – in the same branch" in told and "1. Create note – not in a branch" in told
    choice.select_option(label="4. Create note")
    expect(editor.card("go-to")).to_contain_text("Go to 4. Create note")
    clean(editor, "go-to")


@pytest.mark.covers("BRN-02", "ACG-11")
def test_a_value_branch_asks_how_an_earlier_step_ended(editor: Editor, workflow: Workflow) -> None:
    editor.add("steps.1", "Value branch")
    editor.panel.get_by_label("or the result of an earlier step").select_option("first.outcome")
    expect(editor.card("value-branch")).to_contain_text("Branch by 1. Create note: How it ended")
    editor.panel.get_by_label("Failed", exact=True).check()
    expect(editor.card("value-branch")).not_to_contain_text("Needs settings")
    editor.saved()
    split = steps(workflow)["value-branch"]
    assert split["params"] == {"output": "first.outcome"} and split["branches"][0]["values"] == ["failed"]
    expect(editor.panel.get_by_label("or the result of an earlier step").locator("option")).to_have_count(2)
    clean(editor, "value-branch")


@pytest.mark.covers("GTO-01", "GTO-02", "EDT-14")
def test_only_fitting_workflows_can_be_entered_and_those_that_are_off_are_grey(
    editor: Editor, workflow: Workflow
) -> None:
    welcome, asleep = other("Welcome"), other("Asleep", status="off")
    other("For people", "contact")
    editor.add("steps.3", "Enroll in another workflow")
    choice = editor.panel.get_by_label("Workflow", exact=True)
    names = ["—", "Asleep – turned off", "Follow up – this workflow itself", "Welcome"]
    expect(choice.locator("option")).to_have_text(names)
    expect(choice.locator(f'option[value="{asleep.pk}"]')).to_be_disabled()
    choice.select_option(str(welcome.pk))
    expect(editor.card("go-to-workflow")).to_contain_text("Enroll in “Welcome”")
    editor.saved()
    assert steps(workflow)["go-to-workflow"]["params"] == {"workflow": str(welcome.pk)}
    clean(editor, "go-to-workflow")


def test_each_associated_record_is_sent_to_a_workflow_of_its_type(editor: Editor, workflow: Workflow) -> None:
    people = other("For people", "contact")
    editor.add("steps.3", "For each associated record")
    editor.panel.get_by_label("Associated records").select_option("contact")
    target = editor.panel.get_by_label("Enroll each in")
    expect(target.locator("option")).to_have_text(["—", "For people"])
    target.select_option(str(people.pk))
    editor.panel.get_by_label("How many at most").fill("25")
    expect(editor.card("for-each-associated")).to_contain_text("Enroll the associated contacts in “For people”")
    editor.saved()
    found = steps(workflow)["for-each-associated"]["params"]
    assert found == {"association": "contact", "workflow": str(people.pk), "limit": 25}
    clean(editor, "for-each")


def test_what_follows_a_failure_is_set_in_the_panel_shown_on_the_card_and_undone(
    editor: Editor, workflow: Workflow
) -> None:
    editor.card("first").click()
    editor.panel.get_by_label("Try again, so many times").fill("3")
    editor.panel.get_by_label("Then", exact=True).select_option("stop")
    expect(editor.card("first")).to_contain_text("3 more tries, then stops")
    editor.saved()
    assert steps(workflow)["first"]["on_failure"] == {"retry": 3, "then": "stop"}
    clean(editor, "failure")
    editor.close()
    editor.page.keyboard.press("Control+z")
    expect(editor.card("first")).not_to_contain_text("then stops")
    editor.page.reload()
    editor.ready()
    while "on_failure" in steps(workflow)["first"]:
        editor.page.get_by_role("button", name="Undo").click()
        editor.saved()
    editor.card("split").click()
    expect(editor.panel.get_by_label("Try again, so many times")).to_have_count(0)
