"""The criteria builder in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.models import Company, Contact, Deal, Pipeline, Stage, User
from records.associations import associate
from records.clock import database_now
from records.criteria import counting
from records.happening import happen
from records.lists import keeping, members
from records.object_types import object_types

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("tests.browser.criteria_page"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def boss(db: None) -> User:
    Pipeline.objects.all().delete()
    pipeline = Pipeline.objects.create(object_type="deal", slug="sales", label="Sales")
    Stage.objects.bulk_create(
        Stage(pipeline=pipeline, slug=slug, label=slug.title()) for slug in ("new", "engaging", "won")
    )
    deals = Deal.objects.bulk_create(
        Deal(name=f"Deal {i}", stage="engaging" if i < 7 else "won", amount=i * 1000) for i in range(12)
    )
    company = Company.objects.create(name="Acme", city="Oslo")
    associate(object_types["deal"], object_types["company"], [(deals[0].pk, company.pk)], label="primary")
    return User.objects.create_superuser("boss", password="boss")


def first(page: Page) -> Any:
    return page.locator("[data-criteria]").first


def document(page: Page) -> Any:
    return json.loads(page.locator("input[name=first]").input_value() or "null")


def add(page: Page, name: str, last: bool = False) -> None:
    """Add a filter by its name in the palette of the first builder."""
    buttons = first(page).get_by_role("button", name="+ Add filter")
    (buttons.last if last else buttons.first).click()
    page.get_by_role("option", name=name, exact=True).click()


@pytest.fixture
def screen(open_screen: Callable[..., Any], boss: User) -> Any:
    found = open_screen(boss, height=1000)
    found.open("/builder/")
    expect(first(found.page)).to_have_attribute("data-state", "ready")
    return found


@pytest.mark.detail(2)
def test_filters_are_built_counted_and_saved_with_the_keyboard_only(screen: Any) -> None:
    page = screen.page
    builder = first(page)
    prop = builder.get_by_label("Property", exact=True)
    prop.focus()
    page.keyboard.type("Stage")
    expect(builder.get_by_label("Operator")).to_have_value("is_any_of")
    expect(prop).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(builder.get_by_label("Engaging")).to_be_checked()
    expect(builder.locator(".criteria-summary")).to_have_text("7 deals match now")
    expect(builder.locator(".criteria-samples .chip")).to_have_count(5)
    expect(builder.locator(".criteria-sentence")).to_have_text("Stage is any of Engaging")
    builder.get_by_role("button", name="+ Add filter").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Search properties, events, lists …")).to_be_focused()
    page.keyboard.type("Amount")
    page.keyboard.press("Enter")
    expect(builder.get_by_label("Operator").nth(1)).to_be_focused()
    page.keyboard.type("is greater than or")
    page.keyboard.press("Tab")
    page.keyboard.type("5000")
    expect(builder.locator(".criteria-summary")).to_have_text("2 deals match now")
    expect(builder.locator(".criteria-join-and")).to_have_text("AND")
    assert document(page) == {
        "any": [
            {
                "all": [
                    {"property": "stage", "operator": "is_any_of", "value": ["engaging"]},
                    {"property": "amount", "operator": "is_greater_than_or_equal_to", "value": 5000},
                ]
            }
        ]
    }
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("is_greater_than_or_equal_to")
    expect(first(page).locator(".criteria-summary")).to_have_text("2 deals match now")
    assert screen.problems() == []


def test_a_number_that_is_about_says_so_and_is_counted_when_asked(screen: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(counting, "CHEAP", -1)
    page = screen.page
    builder = first(page)
    builder.get_by_label("Property", exact=True).select_option("stage")
    builder.get_by_label("Engaging").check()
    expect(builder.locator(".criteria-summary")).to_contain_text("About ")
    exactly = builder.get_by_role("button", name="Count exactly")
    assert screen.problems() == []
    exactly.focus()
    page.keyboard.press("Enter")
    expect(builder.locator(".criteria-summary")).to_have_text("7 deals match now")
    expect(builder.locator(".criteria-summary")).to_be_focused()
    expect(exactly).to_have_count(0)
    assert screen.problems() == []


@pytest.mark.detail(1)
def test_groups_are_boxes_that_can_be_added_duplicated_and_removed(screen: Any) -> None:
    page = screen.page
    builder = first(page)
    builder.get_by_label("Property", exact=True).select_option("name")
    builder.locator(".criteria-filter").evaluate("(drawn) => { drawn.dataset.before = ''; }")
    builder.get_by_role("button", name="+ Add group").last.click()
    expect(builder.get_by_label("Property", exact=True).nth(1)).to_be_focused()
    expect(builder.locator(".criteria-filter[data-before]")).to_have_count(1)  # It was not drawn anew.
    expect(builder.locator(".criteria-join-or")).to_have_text("OR")
    builder.get_by_role("button", name="Duplicate filter Name").click()
    expect(builder.get_by_label("Property", exact=True)).to_have_count(3)
    expect(builder.get_by_label("Property", exact=True).nth(1)).to_be_focused()
    builder.get_by_role("button", name="Remove group").nth(1).click()
    expect(builder.get_by_label("Property", exact=True)).to_have_count(2)
    for _filter in range(2):
        builder.get_by_role("button", name="Remove filter").first.click()
    expect(builder.get_by_label("Property", exact=True)).to_have_count(1)
    assert document(page) is None


def test_associated_records_are_filtered_with_a_label(screen: Any) -> None:
    page = screen.page
    builder = first(page)
    add(page, "Company")
    inside = builder.locator(".criteria-associated")
    expect(inside.get_by_label("Property", exact=True)).to_be_focused()
    expect(builder.get_by_label("At least one associated record of type")).to_have_value("company")
    inside.get_by_label("Property", exact=True).select_option("city")
    inside.get_by_label("Value").fill("oslo\nrome")
    inside.get_by_label("Association label").fill("primary")
    expect(builder.locator(".criteria-summary")).to_have_text("1 deal matches now")
    inside.get_by_label("Association label").fill("billing")
    expect(builder.locator(".criteria-none")).to_contain_text("excludes all")
    assert screen.problems() == []


def test_the_two_builders_of_a_page_do_not_disturb_each_other(screen: Any) -> None:
    page = screen.page
    first(page).get_by_label("Property", exact=True).select_option("stage")
    second = page.locator("[data-criteria]").nth(1)
    second.get_by_label("Property", exact=True).select_option("city")
    second.get_by_label("Operator").select_option("is_not_equal_to_any_of")
    expect(second.get_by_label("Include records where “City” is empty")).to_be_checked()
    second.get_by_label("Value").fill("Dublin")
    expect(second.locator(".criteria-summary")).to_have_text("0 contacts match now")
    assert document(page)["any"][0]["all"][0]["property"] == "stage"


def test_dates_may_be_fixed_or_relative(screen: Any) -> None:
    page = screen.page
    builder = first(page)
    builder.get_by_label("Property", exact=True).select_option("created_at")
    builder.get_by_label("Operator").select_option("is_after")
    builder.get_by_label("Kind of date").select_option("relative")
    builder.get_by_label("How many").fill("3")
    builder.get_by_label("Before or after").select_option("before")
    expect(builder.locator(".criteria-sentence")).to_have_text("Created is after 3 days before today")
    expect(builder.locator(".criteria-summary")).to_have_text("12 deals match now")
    builder.get_by_label("Kind of date").select_option("fixed")
    builder.get_by_label("Date", exact=True).fill("2999-01-01")
    expect(builder.locator(".criteria-none")).to_contain_text("excludes all")


def test_what_the_server_refuses_is_shown_at_its_filter(screen: Any) -> None:
    page = screen.page
    builder = first(page)
    builder.get_by_label("Property", exact=True).select_option("amount")
    builder.get_by_label("Operator").select_option("is_between")
    builder.get_by_label("From").fill("9")
    builder.get_by_label("To", exact=True).fill("1")
    problem = builder.locator("[data-problems-at='any.0.all.0']")
    expect(problem).to_contain_text("Swap the two")
    page.get_by_role("button", name="Save").click()
    expect(first(page).locator("[data-problems-at='any.0.all.0']")).to_contain_text("Swap the two")
    first(page).get_by_label("To", exact=True).fill("10000")
    expect(first(page).locator(".criteria-summary")).to_have_text("10 deals match now")


def test_the_builder_is_accessible_in_both_themes(open_screen: Callable[..., Any], boss: User) -> None:
    screen = open_screen(boss, theme="both", height=1000)
    page = screen.open("/builder/")
    builder = first(page)
    builder.get_by_label("Property", exact=True).select_option("stage")
    builder.get_by_label("Won").check()
    builder.get_by_role("button", name="+ Add group").last.click()
    builder.get_by_label("Property", exact=True).nth(1).select_option("created_at")
    builder.get_by_label("Operator").nth(1).select_option("is_before")
    add(page, "Company", last=True)
    builder.locator(".criteria-associated").get_by_label("Property", exact=True).select_option("owner")
    screen.screenshot("criteria")
    assert screen.axe() == []
    assert screen.problems() == []


def test_a_filter_on_a_list_is_added_counted_and_turned_round(open_screen: Callable[..., Any], boss: User) -> None:
    found = keeping.create(object_types["deal"], "Key deals", now=database_now())
    members.add(found, Deal.objects.order_by("pk").values_list("pk", flat=True)[:2], now=database_now())
    screen = open_screen(boss, height=1000)
    screen.open("/builder/")
    builder = first(screen.page)
    expect(builder).to_have_attribute("data-state", "ready")
    add(screen.page, "Key deals")
    expect(builder.locator(".criteria-summary")).to_have_text("2 deals match now")
    expect(builder.locator(".criteria-sentence")).to_have_text("is in the list “Key deals”")
    builder.get_by_label("Operator").select_option("is_not_member")
    expect(builder.locator(".criteria-summary")).to_have_text("10 deals match now")
    assert document(screen.page) == {"any": [{"all": [{"list": "key-deals", "operator": "is_not_member"}]}]}
    assert screen.axe() == []
    assert screen.problems() == []


@pytest.mark.covers("TRG-10", "FLT-42", "FLT-43", "FLT-44")
def test_an_event_is_filtered_by_its_properties_and_refined_once(open_screen: Callable[..., Any], boss: User) -> None:
    visitor, other = Contact.objects.bulk_create([Contact(email="a@x.org"), Contact(email="b@x.org")])
    for _visit in range(2):
        visit(visitor, "Prices")
    visit(other, "Blog")
    screen = open_screen(boss, theme="both", height=1000)
    page = screen.open("/builder/")
    builder = page.locator("[data-criteria]").nth(1)
    expect(builder).to_have_attribute("data-state", "ready")
    builder.get_by_role("button", name="+ Add filter").first.click()
    page.keyboard.type("page viewed")
    page.keyboard.press("Enter")
    expect(builder.locator(".criteria-summary")).to_have_text("2 contacts match now")
    builder.get_by_role("button", name="+ Add filter on the event").click()
    where = builder.locator(".criteria-where")
    where.get_by_label("Property", exact=True).select_option("title")
    where.get_by_label("Operator").select_option("contains_any_of")
    where.get_by_label("Value").fill("price")
    expect(builder.locator(".criteria-summary")).to_have_text("1 contact matches now")
    refine = builder.get_by_label("How often or how recently")
    refine.select_option("count")
    expect(refine).to_be_focused()
    builder.get_by_label("At least (times)").fill("3")
    expect(builder.locator(".criteria-summary")).to_have_text("0 contacts match now")
    refine.select_option("within")
    builder.get_by_label("Days").fill("7")
    expect(builder.locator(".criteria-summary")).to_have_text("1 contact matches now")
    refine.select_option("after")
    builder.get_by_label("After a date", exact=True).fill("2999-01-01")
    expect(builder.locator(".criteria-summary")).to_have_text("0 contacts match now")
    refine.select_option("within")
    builder.get_by_label("Days").fill("7")
    expect(builder.locator(".criteria-summary")).to_have_text("1 contact matches now")
    sent = json.loads(page.locator("input[name=second]").input_value())
    title = {"property": "title", "operator": "contains_any_of", "value": ["price"]}
    assert sent == {
        "any": [
            {
                "all": [
                    {
                        "event": "page_viewed", "operator": "has_occurred", "where": [title],
                        "refine": {"within": {"days": 7}},
                    }
                ]
            }
        ]
    }  # fmt: skip
    screen.screenshot("criteria-event")
    assert screen.axe() == []
    builder.get_by_role("button", name="+ Add filter", exact=True).click()
    page.keyboard.type("call to")
    expect(page.locator(".criteria-offer:visible")).to_have_count(2)
    screen.screenshot("criteria-palette")
    assert screen.axe() == []
    page.keyboard.press("Escape")
    builder.get_by_label("Operator").first.select_option("has_not_occurred")
    expect(builder.get_by_label("How often or how recently")).to_have_count(0)
    assert screen.problems() == []


def visit(contact: Contact, title: str) -> None:
    facts = {"url": "https://x.org/", "title": title}
    happen("page_viewed", "contact", [contact.pk], properties=facts, now=database_now())
