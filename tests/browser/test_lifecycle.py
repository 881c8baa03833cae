"""Switching and publishing in Chromium: what will happen is said before, with counts, and then it does."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import Deal, User
from records.clock import database_now
from tests.browser.editor_page import Editor
from workflows import drafting
from workflows.engine import taking_steps
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BIG = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 500}]}


def delay(step: str, days: int = 1) -> dict[str, Any]:
    return {"id": step, "action": "delay", "params": {"days": days}}


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    trigger = {"kind": "filter", "criteria": BIG}
    return {"format": 1, "name": "Follow up", "object": "deal", "trigger": trigger, "steps": list(steps)}


@pytest.fixture
def workflow(ann: User) -> Workflow:
    Deal.objects.bulk_create(Deal(name=f"Deal {n}", amount=900) for n in range(12))
    workflow = drafting.create("Follow up", "deal", ann, document(delay("first"), delay("second", 5), delay("third")))
    publishing.publish(workflow, by=ann, now=database_now(), enroll_existing=True)
    while taking_steps.run_due(database_now()):
        pass
    some = Enrollment.objects.order_by("pk").values_list("pk", flat=True)[:4]
    Enrollment.objects.filter(pk__in=list(some)).update(step="second", waiting_in="second")
    return workflow


def test_a_workflow_is_paused_and_resumed_from_the_editor(open_screen: Any, ann: User, workflow: Workflow) -> None:
    editor = Editor(open_screen(ann)).open(workflow)
    page = editor.page
    page.get_by_text("Pause or turn off").click()
    page.get_by_role("link", name="Pause…").click()
    expect(page.get_by_text("12 records are inside and held where they stand.")).to_be_visible()
    assert editor.screen.axe() == []
    editor.screen.screenshot("pause")
    page.get_by_role("button", name="Pause").click()
    editor.ready()
    expect(page.locator(".flow-bar .chip-warn")).to_have_text("Paused")
    page.get_by_text("Pause or turn off").click()
    page.get_by_role("link", name="Resume…").click()
    page.get_by_role("button", name="Resume").click()
    editor.ready()
    expect(page.locator(".flow-bar .chip-ok")).to_have_text("On")
    assert editor.screen.problems() == []


def test_several_are_turned_off_from_the_list_after_a_page_that_counts(
    open_screen: Any, ann: User, workflow: Workflow
) -> None:
    other = drafting.create("Never published", "deal", ann, document(delay("first")))
    screen = open_screen(ann)
    page = screen.open("/admin/workflows/workflow/")
    for one in (workflow, other):
        page.locator(f'input.action-select[value="{one.pk}"]').check()
    page.locator("select[name=action]").select_option("drain_selected")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("12 records are inside and finish with all their actions")).to_be_visible()
    expect(page.get_by_text("Never published: Draft")).to_be_visible()
    assert screen.axe() == []
    page.get_by_role("button", name="Finish and turn off").click()
    expect(page.get_by_text("“Follow up” lets nobody in and finishes.")).to_be_visible()
    workflow.refresh_from_db()
    assert workflow.status == "draining"
    assert screen.problems() == []


@pytest.mark.detail(11)
@pytest.mark.covers("DLY-16", "SET-12")
def test_the_review_asks_where_orphans_go_on_and_how_long_changed_delays_take(
    open_screen: Any, ann: User, workflow: Workflow
) -> None:
    revision = drafting.draft_of(workflow)
    mail = {"id": "tell", "action": "send_internal_email", "params": {"to": ["ann"], "subject": "Hi", "body": "Hi"}}
    revision.definition = document(delay("first", 3), delay("third"), mail)
    revision.save()
    screen = open_screen(ann, theme="both", height=1400)
    page = screen.open(f"/admin/workflows/workflow/{workflow.pk}/review/")
    page.get_by_role("button", name="Skip to turn on").click()
    page.get_by_text("Where they stand").click()
    expect(page.locator(".review-places tbody tr")).to_have_count(2)
    target = page.get_by_label("2. Delay for a set amount of time: Wait 5 days")
    expect(target).to_have_value("third")
    expect(page.get_by_text("Step 3: ")).to_be_visible()
    screen.screenshot("review")
    assert screen.axe() == []
    page.get_by_label("Finish the old version").check()
    expect(target).to_be_hidden()
    page.get_by_role("radio", name="Follow They go on").check()
    page.get_by_label("As the new delay says").check()
    page.get_by_role("button", name="Publish and turn on").click()
    expect(page.get_by_text("“Follow up” is on.")).to_be_visible()
    assert set(Enrollment.objects.values_list("step", "waiting_in", "revision__number").distinct()) == {
        ("first", "", 2), ("third", "", 2),
    }  # fmt: skip
    assert screen.problems() == []


@pytest.mark.detail(20)
@pytest.mark.covers("DLY-15", "SET-09")
def test_the_cards_say_how_many_records_wait_there_and_lead_to_them(
    open_screen: Any, ann: User, workflow: Workflow
) -> None:
    editor = Editor(open_screen(ann, theme="both")).open(workflow)
    page = editor.page
    links = page.locator(".flow-waiting")
    expect(links).to_have_text(["8 waiting", "4 waiting"])
    editor.screen.screenshot("counts")
    assert editor.screen.axe(("label-content-name-mismatch",)) == []
    editor.add("steps.0", "If/then branch")
    expect(links).to_have_text(["8 waiting", "4 waiting"])
    editor.close()
    page.get_by_role("link", name="4 waiting").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(4)
    expect(page.locator(".list-filters")).to_contain_text("2. Delay for a set amount of time")
    assert editor.screen.problems() == []
