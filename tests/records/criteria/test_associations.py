"""Filters on associated records, and everything else criteria are compiled into."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import Company, Contact, Deal
from records import criteria
from records.associations import associate, dissociate
from records.criteria import Dependency, counting
from records.criteria.diagnosing import why_none
from records.object_types import object_types
from tests.records.criteria.conftest import NOW

CITY = {"property": "city", "operator": "is_equal_to_any_of"}
INDUSTRY = {"property": "industry", "operator": "is_equal_to_any_of"}


def compiled(document: dict[str, Any], **options: Any) -> criteria.Compiled:
    return criteria.compile(document, object_types["deal"], now=NOW, **options)


def names(document: dict[str, Any]) -> list[str]:
    return sorted(compiled(document).records().values_list("name", flat=True))


@pytest.fixture
def deals(db: None) -> dict[str, Any]:
    """“both” has a Dublin company in retail and an Oslo one in software; “one” has a Dublin software company."""
    retail = Company.objects.create(name="A", city="Dublin", industry="retail")
    oslo = Company.objects.create(name="B", city="Oslo", industry="software")
    dublin = Company.objects.create(name="C", city="Dublin", industry="software")
    both, one, none = (Deal.objects.create(name=name) for name in ("both", "one", "none"))
    kinds = object_types["deal"], object_types["company"]
    associate(*kinds, [(both.pk, retail.pk), (both.pk, oslo.pk)])
    associate(*kinds, [(one.pk, dublin.pk)], label="primary")
    return {"both": both, "one": one, "none": none, "retail": retail, "oslo": oslo, "dublin": dublin}


@pytest.mark.covers("FLT-02", "FLT-03")
def test_one_associated_record_must_pass_everything_inside_a_group(deals: dict[str, Any]) -> None:
    dublin, software = {**CITY, "value": ["Dublin"]}, {**INDUSTRY, "value": ["software"]}
    assert names({"all": [{"association": "company", "all": [dublin, software]}]}) == ["one"]
    apart = [{"association": "company", "all": [dublin]}, {"association": "company", "all": [software]}]
    assert names({"all": apart}) == ["both", "one"]
    assert names({"none": [{"association": "company", "all": [dublin]}]}) == ["none"]


@pytest.mark.covers("FLT-04")
def test_labels_narrow_the_associations(deals: dict[str, Any]) -> None:
    dublin = [{**CITY, "value": ["Dublin"]}]
    assert names({"all": [{"association": "company", "label": "primary", "all": dublin}]}) == ["one"]
    assert names({"all": [{"association": "company", "label": ["billing", "primary"], "all": dublin}]}) == ["one"]
    assert names({"all": [{"association": "company", "label": "billing", "all": dublin}]}) == []


def test_deleted_associated_records_do_not_count(deals: dict[str, Any]) -> None:
    Company.objects.filter(pk=deals["dublin"].pk).update(deleted_at=NOW)
    assert names({"all": [{"association": "company", "all": [{**INDUSTRY, "value": ["software"]}]}]}) == ["both"]


def test_associations_are_followed_over_several_steps(deals: dict[str, Any]) -> None:
    contact = Contact.objects.create(email="ann@acme.com")
    associate(object_types["company"], object_types["contact"], [(deals["oslo"].pk, contact.pk)])
    inner = {"association": "contact", "all": [{"property": "email", "operator": "is_known"}]}
    assert names({"all": [{"association": "company", "all": [inner, {**CITY, "value": ["Oslo"]}]}]}) == ["both"]
    assert names({"all": [{"association": "company", "all": [inner, {**CITY, "value": ["Dublin"]}]}]}) == []


@pytest.mark.covers("TRG-26")
def test_no_links_left_is_zero_and_never_any_is_blank(deals: dict[str, Any]) -> None:
    dissociate(object_types["deal"], object_types["company"], [(deals["one"].pk, deals["dublin"].pk)])
    count = {"property": "number_of_companies"}
    assert names({"all": [{**count, "operator": "is_equal_to", "value": 0}]}) == ["one"]
    assert names({"all": [{**count, "operator": "is_unknown"}]}) == ["none"]
    assert names({"all": [{**count, "operator": "is_greater_than", "value": 1}]}) == ["both"]


def test_the_sentence_has_explicit_ands_and_ors() -> None:
    amount = {"property": "amount", "operator": "is_greater_than_or_equal_to", "value": 5000}
    document = {
        "any": [
            {"all": [{**amount, "include_blank": True}, {"property": "name", "operator": "is_known"}]},
            {"association": "company", "label": "primary", "all": [{**CITY, "value": ["Oslo", "Rome", "Bern"]}]},
            {"none": [{"property": "close_date", "operator": "is_less_than_days_ago", "value": 3}]},
        ]
    }
    assert criteria_text(document) == (
        "(Amount is greater than or equal to 5,000, or has no value AND Name is known) "
        "OR has an associated company labelled primary with (City is equal to any of Oslo, Rome or Bern) "
        "OR NOT (Close date is less than 3 days ago)"
    )


def criteria_text(document: dict[str, Any]) -> str:
    from records.criteria.parsing import parse_group
    from records.criteria.scope import Document, Scope
    from records.criteria.tree import Context

    kind = object_types["deal"]
    shared = Document(
        kind, properties={slug: {p.slug: p for p in object_types[slug].declared} for slug in object_types}
    )
    group = parse_group(document, Scope(shared, kind), "")
    assert group is not None and not shared.faults
    return group.text(Context(NOW, dt.UTC))  # type: ignore[arg-type]


def test_dependencies_name_properties_links_and_the_way_to_them(deals: dict[str, Any]) -> None:
    contact = {"association": "contact", "all": [{"property": "email", "operator": "is_known"}]}
    document = {
        "all": [
            {"property": "name", "operator": "is_equal_to_property", "other": "currency"},
            {"association": "company", "all": [{**CITY, "value": ["Oslo"]}, contact]},
        ]
    }
    found = compiled(document).dependencies
    assert found.properties == {
        Dependency("deal", "name"),
        Dependency("deal", "currency"),
        Dependency("deal", "association"),
        Dependency("company", "city", ("company",)),
        Dependency("company", "association", ("company",)),
        Dependency("contact", "email", ("company", "contact")),
    }
    assert not found.time_sensitive


@pytest.mark.covers("TRG-21")
@pytest.mark.parametrize(
    ("leaf", "sensitive"),
    [
        ({"operator": "is_before", "value": "2026-01-01"}, False),
        ({"operator": "is_before", "value": {"relative_to": "today"}}, True),
        ({"operator": "is_more_than_days_ago", "value": 1}, True),
        ({"operator": "is_in_calendar_period", "value": "today"}, True),
        ({"operator": "is_between", "from": "2026-01-01", "to": {"relative_to": "now"}}, True),
        ({"operator": "is_known"}, False),
    ],
)
def test_relative_dates_make_criteria_time_sensitive(leaf: dict[str, Any], sensitive: bool, db: None) -> None:
    document = {"none": [{"any": [{"property": "close_date", **leaf}]}]}
    assert compiled(document).dependencies.time_sensitive is sensitive


def test_explaining_names_every_leaf_with_its_value_in_constantly_many_queries(
    deals: dict[str, Any], ann: Any
) -> None:
    deals["one"].owner = ann
    deals["one"].save()
    document = {
        "any": [
            {"property": "owner", "operator": "is_any_of", "value": ["ann"]},
            {"association": "company", "all": [{**CITY, "value": ["Dublin"]}, {**INDUSTRY, "value": ["software"]}]},
        ]
    }
    ready = compiled(document)
    assert [leaf.path for leaf in ready.leaves] == ["any.0", "any.1", "any.1.all.0", "any.1.all.1"]
    asked = [deals[name].pk for name in ("both", "one", "none")]
    numbers = set()
    for some in (asked[1:2], asked):
        with CaptureQueriesContext(connection) as queries:
            answers = ready.explain(some)
        numbers.add(len(queries))
    assert len(numbers) == 1
    assert {pk: "".join(str(int(a.met)) for a in found) for pk, found in answers.items()} == dict(
        zip(asked, ["0011", "1111", "0000"], strict=True)
    )
    assert answers[deals["one"].pk][0].value == str(ann)
    assert answers[deals["none"].pk][0].value == ""


def test_counting_is_exact_and_leaves_the_settings_of_the_transaction_alone(deals: dict[str, Any]) -> None:
    ready = compiled({"all": [{"property": "name", "operator": "is_known"}]})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '17s'; SET LOCAL jit = on")
        assert (ready.count(), ready.match_count().exact, ready.count(exact=False)) == (3, True, 3)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("17s",)
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("on",)
    assert [name for _pk, name in ready.samples(2)] == ["none", "one"]


def test_where_counting_is_dear_the_first_answer_is_a_sample_and_says_so(db: None, monkeypatch: Any) -> None:
    Deal.objects.bulk_create(Deal(name=f"D{n}", amount=n % 100) for n in range(4_000))
    Deal.objects.filter(name="D7").update(deleted_at=timezone.now())
    few = compiled({"all": [{"property": "amount", "operator": "is_less_than", "value": 25}]})
    assert few.match_count() == counting.MatchCount(999, exact=True)
    monkeypatch.setattr(counting, "CHEAP", -1)
    assert not few.match_count().exact, "a table nobody has looked at yet"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_deal")
    assert few.match_count() == counting.MatchCount(1_000, exact=False), "all rows are the sample; two digits of it"
    assert few.match_count(exact=True) == counting.MatchCount(999, exact=True)
    monkeypatch.setattr(counting, "SAMPLE", 1_000)
    matching, looked_at, _there = counting.sampled(few.scan, 4_000)
    assert 0 < matching < looked_at < 2_500
    monkeypatch.setattr(counting, "BIG", 3_000)
    assert 700 <= few.match_count().number <= 1_300
    none = compiled({"all": [{"property": "name", "operator": "is_equal_to_any_of", "value": ["D7"]}]})
    assert none.match_count().number < 30 and not none.match_count().exact


def test_numbers_that_are_about_have_two_digits() -> None:
    assert [counting.rounded(number) for number in (0, 7, 94, 1_284, 258_622)] == [0, 7, 94, 1_300, 260_000]
    assert counting.about(50, 3, 10_000, 1_000_000) == 50, "a sample does not see what is rare"
    assert counting.about(500_000, 0, 10_000, 1_000_000) == 300, "but it sees when the planner is wrong"
    assert counting.about(9, 2_500, 10_000, 1_000_000) == 250_000


def test_zero_matches_name_the_rule_that_excludes_all(deals: dict[str, Any]) -> None:
    known = {"property": "name", "operator": "is_known"}
    rich = {"property": "amount", "operator": "is_greater_than", "value": 10}
    assert why_none(compiled({"all": [known, rich]})) == "The rule “Amount is greater than 10” excludes all."
    unknown = {"property": "stage", "operator": "is_known"}
    assert why_none(compiled({"all": [unknown, rich]})).startswith("No deals meet these rules: “Stage is known”, “")
    apart = [{"property": "name", "operator": "is_equal_to_any_of", "value": [name]} for name in ("one", "both")]
    assert why_none(compiled({"all": apart})) == "Each rule matches some deals, but none meet them together."
    Deal.objects.all().delete()
    assert why_none(compiled({"all": [rich]})) == "There are no deals yet."
