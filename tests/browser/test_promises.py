"""What the editor promises around the canvas: goals, why a record is not enrolled, uses, and a step tried alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from crm.models import Contact, Deal, User
from records.models import Access, PropertyDefinition
from tests.browser.editor_page import Editor
from tests.browser.world import make_world
from tests.workflows.restricted import RENAME, made, member
from workflows import drafting
from workflows.models import Notification

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: Why axe is not asked for this on the canvas stands in test_screens.py.
LEFT_OUT = ("label-content-name-mismatch",)


@pytest.mark.detail(25)
@pytest.mark.covers("PLH-05")
def test_a_goal_says_what_it_lacks_and_becomes_a_draft_with_a_placeholder(open_screen: Any, ann: User) -> None:
    screen = open_screen(ann)
    page = screen.open("/admin/workflows/workflow/")
    card = page.locator(".review-goals form", has=page.get_by_role("heading", name="Celebrate won deals"))
    expect(card.locator(".flow-thumb .thumb-step")).to_have_count(3)
    expect(card.locator(".notice li")).to_have_text(
        ["Send in-app notification: Choose who is told: users, the record’s owner, or teams."]
    )
    screen.screenshot("goals")
    assert screen.axe() == []
    card.get_by_role("button", name="Start with this: Celebrate won deals").click()
    editor = Editor(screen)
    editor.ready()
    expect(page.locator("#flow-problems span").first).to_have_text("1")
    expect(editor.card("tell")).to_contain_text("Needs settings")
    page.keyboard.press("F8")
    expect(editor.card("tell")).to_be_focused()
    page.keyboard.press("Enter")
    editor.panel.get_by_label("The record’s owner").check()
    expect(page.locator("#flow-problems")).to_be_hidden()
    expect(editor.card("tell")).not_to_contain_text("Needs settings")
    assert screen.problems() == []


@pytest.mark.detail(22, 23)
def test_it_is_told_why_a_record_is_not_enrolled_and_what_uses_what_is_deleted(open_screen: Any) -> None:
    world = make_world()
    small = Deal.objects.create(name="Small one", pipeline="sales", stage="engaging", amount=10, owner=world.ann)
    screen = open_screen(world.ann)
    page = screen.open(reverse("admin:workflow_diagnose", args=[world.workflow.pk]) + f"?record={small.pk}")
    expect(page.locator(".leaf-yes")).not_to_have_count(0)
    expect(page.locator(".leaf-no")).not_to_have_count(0)
    expect(page.locator("main")).to_contain_text("Amount is greater than 500")
    screen.screenshot("diagnose")

    go = {"id": "go", "action": "go_to_workflow", "params": {"workflow": str(world.workflow.pk)}}
    prop = PropertyDefinition.objects.create(object_type="deal", slug="trial", label="Trial", type="text")
    known = {"id": "set", "action": "edit_record", "params": {"property": "trial", "value": "x"}}
    drafting.create("Sender", "deal", world.ann, {"format": 1, "object": "deal", "steps": [known, go]})
    page = screen.open(f"/admin/records/propertydefinition/{prop.pk}/delete/")
    expect(page.locator("main")).to_contain_text("the workflow “Sender”")
    assert screen.axe() == []
    assert screen.problems() == []


@pytest.mark.detail(4, 21)
def test_a_message_is_seen_as_it_would_be_sent_to_a_record_and_is_not_sent(open_screen: Any, ann: User) -> None:
    Contact.objects.create(email="bo@example.com", first_name="Bo", owner=ann)
    Contact.objects.create(email="cy@example.com", first_name="Cy", owner=ann)
    params = {"users": ["owner"], "title": "Welcome {{ contact.first_name }}", "body": "Mail to {{ contact.email }}"}
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}}
    steps = [{"id": "tell", "action": "send_notification", "params": params}]
    workflow = drafting.create("Tell", "contact", ann, {**document, "steps": steps})
    editor = Editor(open_screen(ann)).open(workflow, "tell")
    panel = editor.panel
    panel.get_by_role("button", name="Try").click()
    message = panel.get_by_role("article", name="Message")
    expect(message).to_contain_text("Welcome Cy")
    expect(message).to_contain_text("Mail to cy@example.com")
    # What is being written counts, and who is meant is asked where several may be.
    panel.get_by_label("Title", exact=True).fill("Hello {{ contact.first_name }}")
    panel.get_by_label("Name or id of the record").fill("example.com")
    panel.get_by_role("button", name="Try").click()
    panel.get_by_role("button", name="bo@example.com").or_(panel.get_by_role("button", name="Bo")).click()
    expect(message).to_contain_text("Hello Bo")
    editor.screen.screenshot("step-tried")
    assert editor.screen.axe(LEFT_OUT) == []
    assert not Notification.objects.exists()
    assert editor.screen.problems() == []


@pytest.mark.covers("PLH-06")
def test_what_takes_a_right_one_lacks_is_locked_in_the_palette_and_on_the_card(open_screen: Any) -> None:
    turn = {"id": "turn", "action": "rotate_owner", "params": {}}
    theirs, own = made(turn, RENAME), made(RENAME)
    editor = Editor(open_screen(member("vic", Access.VIEW, slug="owner")))
    editor.open(own).plus("steps.0").click()
    option = editor.page.get_by_role("option", name="Rotate record to owner")
    expect(option).to_have_attribute("aria-disabled", "true")
    expect(option.locator(".flow-lock")).to_have_text("Locked")
    expect(option).to_contain_text("Changes “owner”")
    editor.screen.screenshot("locked-action")
    assert editor.screen.axe(LEFT_OUT) == []
    editor.open(theirs)
    expect(editor.card("turn").locator(".flow-locked")).to_have_text("Locked")
    expect(editor.card("rename").locator(".flow-locked")).to_have_count(0)
    editor.screen.screenshot("locked-step")
    assert editor.screen.axe(LEFT_OUT) == []
    assert editor.screen.problems() == []
