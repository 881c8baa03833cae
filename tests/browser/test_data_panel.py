"""The data panel: a person adds a data source, and inserts a value of it where the caret stands."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import Contact, Deal, User
from records.associations import associate
from tests.browser.editor_page import Editor
from workflows import drafting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STEPS = [
    {"id": "task", "action": "create_task", "params": {"title": "Call  about it"}},
    {"id": "edit", "action": "edit_record", "params": {"property": "city"}},
]
DOCUMENT = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": STEPS}


@pytest.mark.covers("DAT-01", "DAT-05", "DAT-14", "DAT-15", "DAT-16", "DAT-17", "DAT-18")
def test_a_source_is_added_its_value_inserted_and_deleting_it_says_where_it_is_used(
    open_screen: Any, ann: User
) -> None:
    eve = Contact.objects.create(email="eve@example.com", first_name="Eve", last_name="Holm")
    deal = Deal.objects.create(name="Big one", amount=900)
    associate("contact", "deal", [(eve.pk, deal.pk)])
    workflow = drafting.create("Calls", "contact", ann, DOCUMENT)
    screen = open_screen(ann, theme="both", height=900)
    editor = Editor(screen).open(workflow, "task")
    page, panel = editor.page, editor.panel
    data = page.locator("#flow-data")
    title = panel.get_by_label("Title", exact=True)
    title.click()
    title.press("Home")
    for _letter in "Call ":
        title.press("ArrowRight")

    panel.get_by_role("button", name="Insert data into Title").click()
    expect(data.get_by_label("Search")).to_be_focused()
    data.get_by_role("button", name="Edit available data").click()
    expect(data.get_by_text("always there").first).to_be_visible()
    data.get_by_role("button", name="Add records").click()
    data.get_by_role("button", name="Add", exact=True).click()
    expect(data.get_by_text("name of 1 to 100 characters")).to_be_visible()
    data.get_by_label("Name of the data source").fill("Newest deal")
    data.get_by_label("Type of record").select_option("deal")
    data.get_by_label("Which records").select_option("association")
    expect(data.get_by_label("Only those linked with this label")).to_be_visible()
    expect(data.get_by_label("Name of the data source")).to_have_value("Newest deal")
    assert screen.axe() == []
    screen.screenshot("data-source-form")
    data.get_by_role("button", name="Add", exact=True).click()
    source = data.locator(".flow-sources > li").filter(has_text="Newest deal")
    source.locator("summary").click()
    expect(source.get_by_text("Deals associated with the enrolled contact")).to_be_visible()
    assert screen.axe() == []
    screen.screenshot("data-sources")

    source.get_by_role("button", name="Change Newest deal").click()
    expect(data.get_by_label("Name of the data source")).to_have_value("Newest deal")
    data.get_by_label("If there are several, take the").select_option("last_created")
    assert screen.axe() == []
    data.get_by_role("button", name="Save", exact=True).click()
    source.locator("summary").click()
    expect(source.get_by_text("most recently created")).to_be_visible()

    data.get_by_role("button", name="Back to inserting data").click()
    data.get_by_label("Show properties or action outputs from").select_option("newest_deal")
    expect(data.get_by_text("Values of Eve Holm as they are now.")).to_be_visible()
    expect(data.get_by_role("button", name="Big one")).to_be_visible()
    data.get_by_label("Search").fill("amou")
    expect(data.get_by_role("button", name="Big one")).to_be_hidden()
    assert screen.axe() == []
    screen.screenshot("data-panel")
    data.get_by_role("button", name="Amount").press("Enter")
    expect(title).to_have_value("Call {{ newest_deal.amount }} about it")
    expect(title).to_be_focused()
    editor.saved()

    panel.get_by_role("button", name="Insert data into Title").click()
    data.get_by_role("button", name="Edit available data").click()
    source.get_by_role("button", name="Delete Newest deal").click()
    expect(source.get_by_text("1 step uses “Newest deal”")).to_be_visible()
    expect(source.get_by_role("alert")).to_contain_text("Create task")
    assert screen.axe() == []
    screen.screenshot("data-source-delete")
    source.get_by_role("button", name="Delete it nevertheless").click()
    expect(source).to_have_count(0)
    page.keyboard.press("Escape")
    expect(data).to_be_hidden()
    expect(panel.get_by_text("There is no token “newest_deal.amount”").first).to_be_visible()
    assert screen.problems() == []
