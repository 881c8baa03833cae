"""The public sales sample, imported by a person on the screens, twice, against counts by the csv module."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from crm.models import Company, Contact, Deal, User
from records.associations import ids_of
from records.clock import database_now
from records.importing.running import run_pending_imports
from records.models import Change, PropertyDefinition
from records.object_types import object_types
from tests.stories.sales import ACCOUNTS, PIPELINE, TEAMS, opportunities

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def upload(screen: Any, file: Path, what: str = "deal") -> Page:
    page: Page = screen.open("/admin/records/importrun/add/")
    page.get_by_label("What is in the file?").select_option(what)
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload and map columns").click()
    page.get_by_role("heading", name="Map the columns").wait_for()
    return page


def start(page: Page) -> None:
    """Start the import, let the worker's chore run, and wait until the page says by itself that it is done."""
    page.get_by_role("button", name="Start import").click()
    page.get_by_text("The import has started.").wait_for()
    run_pending_imports(database_now(), seconds=300)
    page.get_by_role("link", name="Open the list").wait_for()


def clean(screen: Any) -> None:
    assert screen.problems() == []
    assert screen.axe() == []


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", "ann@example.com", "pw", first_name="Ann", last_name="Berg")


@pytest.mark.slow
def test_the_sample_is_imported_on_the_screens_and_a_second_time_changes_nothing(ann: User, open_screen: Any) -> None:
    call_command("import_users", str(TEAMS), name="sales_agent", team="manager", stdout=io.StringIO())
    call_command("import_records", "companies", str(ACCOUNTS), stdout=io.StringIO())
    expected = opportunities()
    screen = open_screen(ann)

    page = upload(screen, PIPELINE)
    expect(page.get_by_label("sales_agent", exact=True)).to_have_value("owner")
    expect(page.get_by_label("account", exact=True)).to_have_value("link:company")
    expect(page.get_by_label("deal_stage", exact=True)).to_have_value("stage")
    expect(page.get_by_label("Dates in close_date")).to_have_value("m/d/Y")
    expect(page.get_by_label("Which record does a row mean?")).to_have_value("column:opportunity_id")
    page.get_by_label("product", exact=True).select_option("new:select")
    page.get_by_label("engage_date", exact=True).select_option("new:date")
    page.get_by_label("Name, where no column gives it").fill("{product} – {account}|{opportunity_id}")
    clean(screen)
    page.get_by_role("button", name="Preview the first rows").click()
    expect(page.locator("#import-preview tbody tr")).to_have_count(20)
    expect(page.locator("#import-preview .chip", has_text="created")).to_have_count(20)
    clean(screen)
    assert not Deal.objects.exists()
    assert not PropertyDefinition.objects.exists()

    start(page)
    without_account = sum(not row["account"] for row in expected)
    page.get_by_text("Of 8,800 rows, 8,800 were created, 0 updated, 0 unchanged.").wait_for()
    page.get_by_text(f"{without_account:,} rows were imported without an association.").wait_for()
    clean(screen)
    assert_the_file_has_arrived(expected)

    changes, definitions = Change.objects.count(), PropertyDefinition.objects.count()
    page = upload(screen, PIPELINE)
    for column, prop in (("product", "product"), ("engage_date", "engage_date"), ("opportunity_id", "opportunity_id")):
        expect(page.get_by_label(column, exact=True)).to_have_value(prop)
    start(page)
    page.get_by_text("Nothing has changed: all 8,800 rows are in the records already.").wait_for()
    clean(screen)
    assert (Deal.objects.count(), Change.objects.count()) == (8_800, changes)
    assert PropertyDefinition.objects.count() == definitions


def assert_the_file_has_arrived(expected: list[dict[str, str]]) -> None:
    """Every deal has its row's stage, product, owner and company, counted by the csv module alone."""
    companies = dict(Company.objects.values_list("pk", "name"))
    deals = list(Deal.objects.select_related("owner"))
    linked = ids_of(object_types["deal"], [deal.pk for deal in deals], object_types["company"])
    found = Counter(
        (
            deal.custom["opportunity_id"],
            deal.stage,
            deal.custom["product"],
            str(deal.owner),
            "".join(companies[pk] for pk in linked.get(deal.pk, [])),
            deal.pipeline,
        )
        for deal in deals
    )
    assert found == Counter(
        (
            row["opportunity_id"],
            row["deal_stage"].lower(),
            row["product"],
            row["sales_agent"],
            row["account"],
            "sales",
        )
        for row in expected
    )
    names = {deal.custom["opportunity_id"]: deal.name for deal in deals}
    for row in expected:
        named = f"{row['product']} – {row['account']}" if row["account"] else row["opportunity_id"]
        assert names[row["opportunity_id"]] == named


def test_a_messy_file_is_imported_as_far_as_it_goes_and_the_rest_comes_back(
    ann: User, open_screen: Any, tmp_path: Path
) -> None:
    messy = tmp_path / "messy.csv"
    messy.write_bytes(
        (
            "E-Mail;Vorname;Stadt;Seit;Notiz\r\n"
            'müller@example.org;Jörg;Köln;03.04.2024;"Zeile eins\r\nZeile zwei; mit Strichpunkt"\r\n'
            "kein-at-zeichen;Eva;Bonn;31.12.2024;\r\n"
            "mueller@example.org;Jörg;;01.02.2024;\r\n"
            ";Leer;;;\r\n"
            "mueller@example.org;Jürgen;Aachen;05.06.2024;\r\n"
        ).encode("cp1252")
    )
    screen = open_screen(ann, theme="dark")
    page = upload(screen, messy, "contact")
    page.get_by_text("5 rows, read as").wait_for()
    page.get_by_label("E-Mail").select_option("email")
    page.get_by_label("Vorname").select_option("first_name")
    page.get_by_label("Stadt").select_option("city")
    page.get_by_label("Seit", exact=True).select_option("new:date")
    page.get_by_label("Notiz").select_option("new:multi_line")
    page.get_by_label("Which record does a row mean?").select_option("email")
    expect(page.get_by_label("Dates in Seit")).to_have_value("d.m.Y")
    clean(screen)
    start(page)
    page.reload()
    clean(screen)
    with page.expect_download() as download:
        page.get_by_role("link", name="Rows with problems (CSV)").click()
    returned = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(returned, newline="")))
    failed = [row for row in rows if row["severity"] == "error"]
    assert {"kein-at-zeichen", ""} <= {row["E-Mail"] for row in failed}
    assert all(row["problem"] for row in rows)
    twice = Contact.objects.get(email="mueller@example.org")
    assert (twice.first_name, twice.city, twice.custom["seit"]) == ("Jürgen", "Aachen", "2024-06-05")
    page.go_back()
    page.get_by_role("heading", name="messy.csv").wait_for()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "not a text file"),
        ("empty.csv", b"", "empty"),
        ("header.csv", b"Name,Amount\n", "no rows"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_remedy(
    name: str, content: bytes, sentence: str, ann: User, open_screen: Any, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    screen = open_screen(ann)
    page = screen.open("/admin/records/importrun/add/?object_type=deal")
    page.get_by_label("CSV file").set_input_files(tmp_path / name)
    page.get_by_role("button", name="Upload and map columns").click()
    page.locator(".errorlist").wait_for()
    assert sentence in page.locator(".errorlist").inner_text()
    clean(screen)


def test_a_second_start_of_the_same_import_says_that_it_runs_already(
    ann: User, open_screen: Any, tmp_path: Path
) -> None:
    (tmp_path / "one.csv").write_text("Name,Amount\nOne,1\n")
    screen = open_screen(ann)
    page = upload(screen, tmp_path / "one.csv")
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_role("button", name="Start import").click()
    page.get_by_text("The import has started.").wait_for()
    other.get_by_role("button", name="Start import").click()
    other.get_by_text("This import has been started already.").wait_for()
    run_pending_imports(database_now())
    page.get_by_role("link", name="Open the list").wait_for()
    assert Deal.objects.filter(name="One").count() == 1
