"""Where there are too many users for a list, they are typed, and the page suggests whom a name may mean."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from crm.models import Deal, User
from records import people
from records.clock import database_now
from records.lists import keeping
from records.models import RecordList
from records.object_types import object_types
from tests.browser.editor_page import Editor
from workflows import drafting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TELL = {"id": "tell", "action": "send_notification", "params": {"title": "Look", "users": ["ann"]}}


@pytest.fixture(autouse=True)
def many(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "FEW", 2)
    for name in ("bo", "cy", "di"):
        User.objects.create(username=name, first_name=name.title(), last_name="Lind")


def suggested(field: Locator, text: str, *names: str) -> None:
    """Type a text; the page suggests these, by username."""
    field.press_sequentially(text)
    options = field.page.locator(f"datalist[id='{field.get_attribute('list')}'] option")
    expect(options).to_have_count(len(names))
    assert [one.get_attribute("value") for one in options.all()] == list(names)


def test_an_owner_is_found_by_name_on_the_record_and_in_the_list(open_screen: Any, ann: User) -> None:
    deal = Deal.objects.create(name="Big one")
    screen = open_screen(ann)
    page = screen.open(f"/admin/crm/deal/{deal.pk}/change/")
    owner = page.get_by_role("combobox", name="Owner", exact=True)
    suggested(owner, "lind c", "cy")
    assert screen.axe() == []
    owner.fill("cy")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    deal.refresh_from_db()
    assert deal.owner == User.objects.get(username="cy")

    page = screen.open("/admin/crm/deal/?q=big")
    page.get_by_text("Owner", exact=True).first.click()
    search = page.get_by_role("combobox", name="Owner")
    suggested(search, "cy l", "cy")
    search.fill("cy")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("link", name="Big one")).to_be_visible()
    assert "q=big" in page.url and "owner=cy" in page.url
    assert screen.problems() == []


def test_people_are_added_to_a_step_one_after_the_other(open_screen: Any, ann: User) -> None:
    workflow = drafting.create(
        "Tell", "deal", ann, {"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": [TELL]}
    )
    screen = open_screen(ann)
    editor = Editor(screen).open(workflow, "tell")
    more = editor.panel.get_by_label("One more user")
    suggested(more, "bo", "bo")
    more.fill("bo")
    more.press("Tab")
    expect(editor.panel.get_by_role("checkbox", name="Bo Lind")).to_be_checked()
    expect(editor.panel.get_by_label("One more user")).to_have_value("")
    assert screen.axe() == []
    editor.saved()
    assert drafting.shown(workflow).definition["steps"][0]["params"]["users"] == ["ann", "bo"]
    assert screen.problems() == []


def test_a_filter_takes_people_by_name(open_screen: Any, ann: User) -> None:
    criteria = {"any": [{"all": [{"property": "owner", "operator": "is_any_of", "value": ["ann"]}]}]}
    made = keeping.create(object_types["deal"], "Hers", now=database_now(), by=ann, criteria=criteria)
    screen = open_screen(ann)
    page = screen.open(f"/admin/records/recordlist/{made.pk}/change/")
    builder = page.locator("[data-criteria]").first
    expect(builder).to_have_attribute("data-state", "ready")
    search = builder.get_by_role("combobox", name="Search")
    suggested(search, "di", "di")
    search.fill("di")
    search.press("Tab")
    expect(builder.get_by_role("checkbox", name="di")).to_be_checked()
    expect(builder.get_by_role("checkbox", name="ann")).to_be_checked()
    expect(search).to_have_value("")
    expect(builder.locator(".criteria-sentence")).to_have_text("Owner is any of Ann Berg or Di Lind")
    expect(builder).to_have_attribute("data-state", "ready")
    assert screen.axe() == []
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.wait_for_load_state()
    made = RecordList.objects.get(pk=made.pk)
    assert made.segment.criteria["any"][0]["all"][0]["value"] == ["ann", "di"]
    assert screen.problems() == []
