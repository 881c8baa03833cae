"""A person looks at what a contact subscribes to, changes it, and has a workflow change it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import Contact, Subscription, SubscriptionType, User
from tests.browser.editor_page import Editor
from workflows import drafting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", "ann@example.com", "pw", first_name="Ann", last_name="Berg")


def test_a_person_subscribes_a_contact_and_sees_how_that_came_to_be(ann: User, open_screen: Any) -> None:
    SubscriptionType.objects.create(slug="news", name="Newsletter")
    contact = Contact.objects.create(first_name="Carl", email="carl@example.com")
    screen = open_screen(ann)
    page = screen.open(f"/admin/crm/contact/{contact.pk}/change/")
    card = page.get_by_role("region", name="Communication subscriptions")
    expect(card.get_by_text("Not specified").first).to_be_visible()
    card.get_by_text("Change Newsletter…").click()
    card.get_by_label("Status").select_option("subscribed")
    card.get_by_label("Explanation").fill("Ticked the box at the fair")
    card.get_by_role("button", name="Save subscription").click()
    expect(card.get_by_text("“Newsletter” needs a legal basis.")).to_be_visible()
    expect(card.get_by_label("Explanation")).to_have_value("Ticked the box at the fair")
    card.get_by_label("Legal basis").select_option("consent")
    card.get_by_role("button", name="Save subscription").click()
    expect(page.get_by_text("Newsletter: Subscribed.")).to_be_visible()
    card.get_by_text("History of Newsletter").click()
    expect(card.get_by_text("Ticked the box at the fair")).to_be_visible()
    assert Subscription.objects.get().changed_by == ann
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("subscriptions")
    dark = open_screen(ann, theme="dark")
    for path in (f"/admin/crm/contact/{contact.pk}/change/", "/admin/crm/subscriptiontype/add/"):
        dark.open(path)
        assert dark.problems() == [] and dark.axe() == []
    dark.page.locator("#id_name").press_sequentially("Product news")
    expect(dark.page.locator("#id_slug")).to_have_value("product-news")


def test_the_editor_asks_whose_subscription_a_deals_workflow_sets(ann: User, open_screen: Any) -> None:
    SubscriptionType.objects.create(slug="news", name="Newsletter", needs_legal_basis=False)
    steps = [{"id": "tell", "action": "set_subscription", "params": {"type": "news", "status": "subscribed"}}]
    document = {"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create("Won", "deal", ann, definition=document)
    screen = open_screen(ann)
    editor = Editor(screen).open(workflow)
    editor.card("tell").click()
    panel = screen.page.locator("#flow-form")
    expect(panel.get_by_text("This action does not work on deals.").first).to_be_visible()
    panel.get_by_label("Records", exact=True).select_option("contact")
    panel.get_by_label("How many").select_option("primary")
    expect(panel.get_by_text("This action does not work on deals.")).to_have_count(0)
    expect(editor.card("tell")).to_contain_text("Subscribed: “Newsletter” for the associated contacts")
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("set-subscription")
