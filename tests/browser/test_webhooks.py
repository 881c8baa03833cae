"""A webhook in Chromium: made from the trigger's panel, tested, mapped, matched, used, and at work."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.models import Contact, Task, User
from records.clock import database_now
from tests.browser.editor_page import Editor
from tests.browser.world import make_stages
from tests.workflows.webhooks.sending import SHOP, match, webhook_of
from workflows import drafting
from workflows.models import Enrollment, Webhook
from workflows.processes.ticking import tick
from workflows.webhooks import receiving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TASK = {"id": "task", "action": "create_task", "params": {"title": "Order of "}}
DOCUMENT = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": [TASK]}
ORDER = {"order": {"total": "49.90", "coupon": ""}, "customer": {"email": "ada@example.com"}}


def post(address: str, payload: Any) -> int:
    """What another system does."""
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(address, json.dumps(payload).encode(), headers, method="POST")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return int(answer.status)


def check(screen: Any, name: str) -> None:
    assert screen.axe() == []
    assert screen.problems() == []
    screen.screenshot(name)


@pytest.mark.covers("WBH-01", "WBH-03", "WBH-05", "WBH-06", "WBH-08", "WBH-09", "WBH-11", "WBH-13", "WBH-14", "EVT-40")
def test_an_order_in_a_shop_becomes_a_task_of_its_customer(open_screen: Any) -> None:
    make_stages()
    ann = User.objects.create_superuser("ann", password="ann", first_name="Ann", last_name="Berg")
    ada = Contact.objects.create(email="ada@example.com", first_name="Ada")
    workflow = drafting.create("Orders", "contact", ann, DOCUMENT)
    screen = open_screen(ann, height=900)
    editor = Editor(screen).open(workflow, "trigger")
    page: Page = editor.page
    editor.panel.get_by_text("Advanced: from a webhook").click()
    check(screen, "webhook-panel")
    editor.panel.get_by_role("link", name="Create a webhook").click()

    page.get_by_label("Name").fill("Shop: order paid")
    page.get_by_role("button", name="Add the webhook").click()
    address = page.get_by_label("Address", exact=True).input_value()
    expect(page.get_by_text("Listening")).to_be_visible()
    check(screen, "webhook-empty")
    assert post(address, ORDER) == 202

    total = page.get_by_label("Type of order.total")
    expect(total).to_be_visible()
    total.select_option("number")
    page.get_by_label("Label of order.total").fill("Total")
    page.get_by_label("Leave order.coupon out").check()
    page.get_by_role("button", name="Save the values").click()
    expect(page.get_by_label("Label of order.total")).to_have_value("Total")
    page.get_by_label("Value of the payload").select_option("customer.email")
    page.get_by_label("is the record’s").select_option("email")
    page.get_by_role("button", name="Save the match").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    check(screen, "webhook-ready")
    page.get_by_role("button", name="Use as trigger of “Orders”").click()

    editor.ready()
    expect(editor.panel.get_by_label("Event 1")).to_have_value("webhook_shop_order_paid")
    expect(page.locator(".flow-trigger").first).to_contain_text("Shop: order paid")
    editor.card("task").click()
    title = editor.panel.get_by_label("Title", exact=True)
    title.press("End")
    editor.panel.get_by_role("button", name="Insert data into Title").click()
    data = page.locator("#flow-data")
    data.get_by_label("Show properties or action outputs from").select_option("event")
    data.get_by_role("button", name="Total").click()
    expect(title).to_have_value("Order of {{ event.order_total }}")
    editor.saved()
    check(screen, "webhook-token")
    page.get_by_role("link", name="Review and publish").click()
    expect(page.get_by_role("heading", name="Ready to publish")).to_be_visible()
    page.get_by_role("button", name="Skip to turn on").click()
    page.get_by_role("button", name="Publish").first.click()
    page.wait_for_load_state("networkidle")

    assert post(address, ORDER | {"order": {"total": 120}}) == 202
    assert post(address, {"customer": {"email": "nobody@example.com"}}) == 202
    tick(database_now())
    assert list(Enrollment.objects.values_list("workflow", "record_id")) == [(workflow.pk, ada.pk)]
    assert Task.objects.get().title == "Order of 120"
    screen.open(f"/admin/workflows/webhook/{Webhook.objects.get().pk}/change/")
    expect(page.get_by_text("No record matched: there is no contact")).to_be_visible()
    check(screen, "webhook-log")


@pytest.mark.parametrize("theme", ["dark"])
def test_the_pages_of_a_webhook_are_accessible_in_the_dark(open_screen: Any, theme: str) -> None:
    make_stages()
    ann = User.objects.create_superuser("ann", password="ann", first_name="Ann", last_name="Berg")
    webhook = webhook_of()
    Contact.objects.create(email="ada@example.com", first_name="Ada")
    receiving.receive(webhook, SHOP, None, database_now())
    match()
    screen = open_screen(ann, theme=theme, height=1400)
    place = f"/admin/workflows/webhook/{webhook.pk}"
    for number, path in enumerate(("", f"{webhook.pk}/change/", f"{webhook.pk}/requests/", f"{webhook.pk}/delete/")):
        screen.open(f"/admin/workflows/webhook/{path}")
        check(screen, f"webhook-{theme}-{number}")
    page = screen.open(f"{place}/change/")
    page.get_by_role("button", name="Ask for signatures").click()
    assert page.get_by_label("Secret. Copy it now").input_value().startswith("whsec_")
    check(screen, f"webhook-{theme}-secret")
