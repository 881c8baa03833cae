"""The public sales sample, imported by the commands a person would type, against counts by the csv module."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import pytest
from django.core.management import call_command

from crm.models import Company, Deal, Team, User
from records.associations import ids_of
from records.models import Change, PropertyDefinition
from records.object_types import object_types
from tests.stories.sales import ACCOUNTS, PIPELINE, TEAMS, opportunities

pytestmark = pytest.mark.django_db


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def run(command, *args, **options):
    out = io.StringIO()
    call_command(command, *args, report="json", stdout=out, **options)
    return json.loads(out.getvalue())


def import_all():
    users = run("import_users", str(TEAMS), name="sales_agent", team="manager", region="regional_office")
    companies = run("import_records", "companies", str(ACCOUNTS), create=["year_established:number"])
    deals = run(
        "import_records",
        "deals",
        str(PIPELINE),
        map=["close_value=amount", "deal_stage=stage"],
        create=["product:select", "engage_date:date"],
        upsert_by="opportunity_id",
        associate=["account=company:name"],
        owner="sales_agent",
        set=["name={product} – {account}|{opportunity_id}"],
    )
    return users, companies, deals


@pytest.mark.slow
def test_the_sample_arrives_whole_and_a_second_import_changes_nothing():
    users, companies, deals = import_all()
    expected = opportunities()
    without_account = sum(not row["account"] for row in expected)

    assert users["created"] == User.objects.count() == len(rows_of(TEAMS)) == 35
    assert Team.objects.count() == len({row["manager"] for row in rows_of(TEAMS)})
    for row in rows_of(TEAMS):
        first, _space, last = row["sales_agent"].partition(" ")
        membership = User.objects.get(first_name=first, last_name=last).memberships.get()
        assert (membership.team.manager, membership.team.region) == (row["manager"], row["regional_office"])
        assert membership.main
    assert companies["created"] == Company.objects.count() == len(rows_of(ACCOUNTS)) == 85
    assert deals["created"] == Deal.objects.count() == len(expected) == 8_800
    assert deals["unassociated"] == without_account == 1_425
    assert deals["failed"] == deals["ownerless"] == 0

    assert counted(Deal.objects.values_list("stage", flat=True)) == Counter(
        row["deal_stage"].lower() for row in expected
    )
    assert counted(Deal.objects.values_list("custom__product", flat=True)) == Counter(
        row["product"] for row in expected
    )
    owners = counted(str(deal.owner) for deal in Deal.objects.select_related("owner"))
    assert owners == Counter(row["sales_agent"] for row in expected)
    assert len(owners) == 30
    assert_each_deal_is_its_row(expected)
    options = {option["value"] for option in PropertyDefinition.objects.get(slug="product").options}
    assert options == {row["product"] for row in expected}

    changes = Change.objects.count()
    users, companies, deals = import_all()
    assert (users["unchanged"], companies["unchanged"], deals["unchanged"]) == (35, 85, 8_800)
    assert Change.objects.count() == changes


def assert_each_deal_is_its_row(expected):
    """Every amount, date and company of the file is where it belongs."""
    deals = {deal.custom["opportunity_id"]: deal for deal in Deal.objects.all()}
    names = dict(Company.objects.values_list("pk", "name"))
    companies = ids_of(object_types["deal"], [deal.pk for deal in deals.values()], object_types["company"])
    for row in expected:
        deal = deals[row["opportunity_id"]]
        assert [names[pk] for pk in companies.get(deal.pk, [])] == ([row["account"]] if row["account"] else [])
        assert ("" if deal.amount is None else f"{deal.amount:.0f}") == row["close_value"]
        assert us_date(deal.close_date) == row["close_date"]
        assert deal.name == (f"{row['product']} – {row['account']}" if row["account"] else row["opportunity_id"])


def us_date(day):
    return f"{day.month}/{day.day}/{day.year}" if day else ""


def counted(values):
    return Counter(values)


def test_the_text_report_says_that_nothing_has_changed():
    call_command("import_records", "companies", str(ACCOUNTS), stdout=io.StringIO())
    out = io.StringIO()
    call_command("import_records", "companies", str(ACCOUNTS), stdout=out)
    assert "Nothing has changed: all 85 rows are in the records already." in out.getvalue()
