"""The main job in Chromium: a workflow is built, reviewed and published in the browser, and does its work."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.models import Deal, Note, Task, User
from records.clock import database_now
from records.models import PropertyDefinition
from tests.browser.editor_page import Editor
from tests.browser.world import make_stages
from tests.crm.test_importing_the_sample import import_all
from tests.stories.sales import engaging
from tests.stories.test_following_up_deals import assert_tasks_belong_to_their_sales_agents
from workflows.models import Enrollment, StepExecution, Workflow
from workflows.processes.ticking import tick

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.detail(11)
@pytest.mark.covers("CRE-18")
@pytest.mark.slow
def test_the_follow_up_of_the_sample_is_built_reviewed_and_published_with_the_mouse(open_screen: Any) -> None:
    import_all()
    boss = User.objects.create_superuser("boss", password="boss")
    screen = open_screen(boss)
    page = screen.open("/admin/workflows/workflow/add/")
    page.get_by_label("Name").fill("Follow up engaged deals")
    page.get_by_label("Which records").select_option(label="Deals")
    page.get_by_role("button", name="Create and open the editor").click()
    editor = Editor(screen)
    editor.ready()

    editor.card("trigger").click()
    editor.panel.get_by_label("When filter criteria are met").check()
    editor.builder.get_by_label("Property", exact=True).select_option(label="Stage")
    editor.builder.get_by_label("Engaging").check()
    expect(editor.builder.locator(".criteria-summary")).to_have_text("1,589 deals match now")
    editor.add("steps.0", "If/then branch")
    editor.panel.get_by_label("Name of the branch").first.fill("GTK 500")
    editor.builder.get_by_label("Property", exact=True).select_option(label="Product")
    editor.builder.get_by_label("GTK 500", exact=True).check()
    editor.add("steps.0.branches.0.steps.0", "Create note")
    editor.panel.get_by_label("Text", exact=True).fill("A big machine.")
    editor.add("steps.1", "Create task")
    editor.panel.get_by_label("Title", exact=True).fill("Call about {{ deal.name }}")
    editor.panel.get_by_label("Assignee").select_option(label="The record’s owner")
    editor.add("steps.2", "Delay for a set amount of time")
    editor.panel.get_by_label("Days").fill("2")
    editor.add("steps.3", "Create note")
    editor.panel.get_by_label("Text", exact=True).fill("Two days have passed.")
    editor.saved()
    expect(page.locator("#flow-problems")).to_be_hidden()
    screen.screenshot("main-story-editor")
    assert screen.axe() == []

    page.get_by_role("link", name="Review and publish").click()
    expect(page.get_by_role("heading", name="Ready to publish")).to_be_visible()
    expect(page.locator(".review-count")).to_have_text("1,589")
    page.get_by_label("Yes 1,589 records are enrolled at once").check()
    screen.screenshot("main-story-review")
    page.get_by_role("button", name="Next: Timing and notifications").click()
    expect(page.get_by_role("heading", name="Timing and notifications")).to_be_focused()
    page.get_by_role("button", name="Next: Connections").click()
    expect(page.get_by_text("It reaches nobody outside of the records")).to_be_visible()
    page.get_by_role("button", name="Next: Turn on").click()
    expect(page.get_by_role("textbox", name="Description")).to_be_visible()
    page.get_by_role("button", name="Publish, turn on and enroll 1,589 records").click()
    expect(page.get_by_text("1,589 records were enrolled.")).to_be_visible()
    assert screen.problems() == []

    assert_the_work_is_done_for_every_engaging_deal(Workflow.objects.get())


def assert_the_work_is_done_for_every_engaging_deal(workflow: Workflow) -> None:
    expected = engaging()
    big = sum(row["product"] == "GTK 500" for row in expected)
    inside = Enrollment.objects.filter(workflow=workflow)
    start = database_now()
    tick(start)
    assert inside.count() == len(expected) == 1_589
    assert set(inside.values_list("status", "step")) == {("active", "delay")}
    assert_tasks_belong_to_their_sales_agents()
    assert (
        Note.objects.count() == StepExecution.objects.filter(step="create-note", enrollment__in=inside).count() == big
    )
    assert big == 15
    tick(start + dt.timedelta(days=1, hours=23))
    assert inside.filter(status="active").count() == 1_589
    tick(start + dt.timedelta(days=2, minutes=1))
    assert Counter(inside.values_list("status", flat=True)) == {"completed": 1_589}
    assert (Task.objects.count(), Note.objects.count()) == (1_589, 1_589 + big)


class Keys:
    """A person without a mouse: Tab, arrows, Enter and letters."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def name(self) -> str:
        """What a screen reader would call the element with the focus."""
        return self.page.evaluate(
            "() => { const one = document.activeElement;"
            " return one.getAttribute('aria-label') || one.labels?.[0]?.innerText || one.innerText || ''; }"
        ).strip()

    def tab_to(self, name: str, limit: int = 60) -> None:
        """Press Tab until the focus is on something of that name."""
        passed = []
        for _ in range(limit):
            self.press("Tab")
            passed.append(self.name())
            if passed[-1].startswith(name):
                return
        raise AssertionError(f"Tab never came to “{name}”, only to {passed}")

    def skip_the_navigation(self) -> None:
        self.tab_to("Skip to main content")
        self.press("Enter")

    def add_below(self, action: str) -> None:
        self.press("a")
        expect(self.page.locator("#flow-palette")).to_be_visible()
        self.type(action)
        self.press("Enter")
        expect(self.page.locator("#flow-panel header h2")).to_have_text(action)

    def leave(self) -> None:
        """Close the panel; the focus is on the step's card again."""
        self.press("Escape")
        expect(self.page.locator("#flow-panel")).to_be_hidden()
        expect(self.page.locator(".flow-card:focus")).to_have_count(1)


@pytest.mark.detail(6)
@pytest.mark.detail(12)
@pytest.mark.covers("CRE-02", "CRE-18")
def test_the_same_workflow_is_built_with_the_keyboard_alone(open_screen: Any) -> None:
    make_stages()
    options = [{"value": name, "label": name} for name in ("GTK 500", "GTX Pro")]
    PropertyDefinition.objects.create(
        object_type="deal", slug="product", label="Product", type="select", options=options
    )
    ann = User.objects.create_superuser("ann", password="ann")
    deals = Deal.objects.bulk_create(
        Deal(name=f"Deal {i}", pipeline="sales", stage=stage, owner=ann, custom={"product": product})
        for i, (stage, product) in enumerate(
            [("engaging", "GTK 500"), ("engaging", "GTX Pro"), ("engaging", ""), ("won", "GTK 500")]
        )
    )
    screen = open_screen(ann)
    page = screen.open("/admin/workflows/workflow/add/")
    keys = Keys(page)
    keys.tab_to("Name")
    keys.type("Follow up")
    keys.tab_to("Which records")
    keys.type("Deals")
    keys.tab_to("Create and open the editor")
    keys.press("Enter")
    Editor(screen).ready()

    keys.skip_the_navigation()
    keys.tab_to("Trigger")
    keys.press("Enter")
    expect(page.locator("#flow-panel header h2")).to_have_text("Trigger")
    expect(page.get_by_label("Only by hand")).to_be_focused()
    for key, family in (("ArrowUp", "When an event occurs"), ("ArrowUp", "When filter criteria are met")):
        keys.press(key)
        expect(page.get_by_label(family)).to_be_focused()
        expect(page.get_by_label(family)).to_be_checked()
        expect(page.locator("#flow-saved")).to_contain_text("Saved")
    # The builders of unenrollment and of the goal are in the other tab.
    expect(page.locator("#flow-panel").get_by_label("Property", exact=True).first).to_be_visible()
    keys.tab_to("Property")
    keys.type("Stage")
    keys.tab_to("Engaging")
    keys.press("Space")
    expect(page.locator("#flow-panel .criteria-summary").first).to_have_text("3 deals match now")
    keys.leave()

    keys.add_below("If/then branch")
    keys.press("Control+a")
    keys.type("GTK 500")
    keys.tab_to("Property")
    keys.type("Product")
    keys.tab_to("GTK 500")
    keys.press("Space")
    expect(page.locator("#flow-panel .criteria-summary")).to_have_text("2 deals match now")
    keys.leave()
    keys.tab_to("Add the first step of this branch")
    keys.press("Enter")
    keys.type("note")
    keys.press("Enter")
    expect(page.locator("#flow-panel header h2")).to_have_text("Create note")
    keys.type("A big machine.")
    keys.leave()
    keys.press("ArrowUp")
    assert keys.name().startswith("1. If/then branch")
    for action, tab, value in (
        ("Create task", "Assignee", "The record"),
        ("Delay for a set amount of time", "", "2"),
        ("Create note", "", "Two days have passed."),
    ):
        keys.add_below(action)
        if tab:
            keys.type("Call them")
            keys.tab_to(tab)
        keys.type(value)
        keys.leave()
    expect(page.locator("#flow-saved")).to_contain_text("Saved")
    expect(page.locator("#flow-problems")).to_be_hidden()

    page.reload()
    Editor(screen).ready()
    keys.skip_the_navigation()
    keys.tab_to("Review and publish")
    keys.press("Enter")
    page.wait_for_url("**/review/")
    keys.skip_the_navigation()
    keys.tab_to("No Only records that begin")
    keys.press("ArrowDown")
    keys.tab_to("Skip to turn on")
    keys.press("Enter")
    keys.tab_to("Publish, turn on and enroll 3 records")
    keys.press("Enter")
    expect(page.get_by_text("3 records were enrolled.")).to_be_visible()
    assert screen.problems() == []

    start = database_now()
    tick(start)
    tick(start + dt.timedelta(days=2, minutes=1))
    assert Counter(Enrollment.objects.values_list("status", flat=True)) == {"completed": 3}
    assert Counter(Task.objects.values_list("title", "owner")) == {("Call them", ann.pk): 3}
    noted = StepExecution.objects.filter(step="create-note", enrollment__in=Enrollment.objects.all())
    assert list(noted.values_list("enrollment__record_id", flat=True)) == [deals[0].pk]
