"""A person merges two contacts that are one and the same, with the keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import Company, Contact, User
from records.associations import associate
from tests.browser.editor_page import Editor
from workflows import drafting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", "ann@example.com", "pw", first_name="Ann", last_name="Berg")


def test_two_contacts_are_compared_and_merged(ann: User, open_screen: Any) -> None:
    carl = Contact.objects.create(first_name="Carl", last_name="Lund", email="carl@example.com", city="Lund")
    other = Contact.objects.create(first_name="Karl", last_name="Lund", email="karl@example.com", city="Oslo")
    associate("contact", "company", [(other.pk, Company.objects.create(name="Acme").pk)])
    dark = open_screen(ann, theme="dark")
    dark.open(f"/admin/crm/contact/{carl.pk}/merge/?with={other.pk}")
    assert dark.problems() == [] and dark.axe() == []
    screen = open_screen(ann)
    page = screen.open(f"/admin/crm/contact/{carl.pk}/change/")
    page.get_by_role("link", name="Merge with…").click()
    page.get_by_label("Name of the other record").press_sequentially("karl")
    expect(page.get_by_role("link", name="Karl Lund")).to_be_visible()
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("merge-search")
    page.get_by_role("link", name="Karl Lund").press("Enter")
    city = page.get_by_role("radio", name="City Karl Lund goes ID")
    expect(city).not_to_be_checked()
    page.get_by_role("radio", name="City Carl Lund stays ID").press("ArrowRight")
    expect(city).to_be_checked()
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("merge-compare")
    page.get_by_role("checkbox", name="I know that there is no way back").press("Space")
    page.get_by_role("button", name="Merge", exact=True).press("Enter")
    expect(page.get_by_text("Merged. This record now has what both had.")).to_be_visible()
    expect(page.get_by_text("Merged with the contact Karl Lund")).to_be_visible()
    expect(page.get_by_label("City")).to_have_value("Oslo")
    assert screen.problems() == [] and screen.axe() == []
    screen.screenshot("merge-done")
    screen.open(f"/admin/crm/contact/{other.pk}/change/")
    expect(page.get_by_text(f"was merged into the contact {carl.pk}")).to_be_visible()
    assert Contact.objects.filter(deleted_at=None).get() == carl


@pytest.mark.covers("SET-16")
def test_the_editor_has_the_setting_where_records_can_be_merged(ann: User, open_screen: Any) -> None:
    found = {}
    screen = open_screen(ann)
    for kind in ("contact", "task"):
        document = {"format": 1, "object": kind, "trigger": {"kind": "manual"}, "steps": []}
        found[kind] = drafting.create(kind, kind, ann, definition=document)
        Editor(screen).open(found[kind])
        screen.page.get_by_role("link", name="Settings").click()
        expect(screen.page.get_by_label("Track metrics")).to_be_visible()
        expect(screen.page.get_by_label("Enroll merged records")).to_have_count(int(kind == "contact"))
    editor = Editor(screen).open(found["contact"])
    screen.page.get_by_role("link", name="Settings").click()
    screen.page.get_by_label("Enroll merged records").check()
    editor.saved()
    draft = drafting.shown(found["contact"])
    assert draft is not None and draft.definition["settings"]["enroll_merged"] is True
    assert screen.problems() == [] and screen.axe() == []
