"""A property many filters ask for is read once per record, and the answer is the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from crm.models import Company, Deal, User
from records import criteria
from records.associations import associate
from records.criteria.operators import operators_for
from tests.records.criteria.conftest import CUSTOM_TYPES, NOW
from tests.records.criteria.samples import OTHERS, STORED, filter_with

pytestmark = pytest.mark.django_db


def matching(document: dict[str, Any], deal_type: Any) -> set[str]:
    compiled = criteria.compile(document, deal_type, now=NOW)
    return set(compiled.records().values_list("name", flat=True))


def sql_of(document: dict[str, Any], deal_type: Any) -> str:
    return str(criteria.compile(document, deal_type, now=NOW).records().query)


@pytest.fixture
def deals(deal_type):
    """Deals whose custom values are the samples, others, blank in both ways, and unreadable."""
    ann = User.objects.create_user("ann")
    stored, others = ({f"c_{kind}": value for kind, value in found.items()} for found in (STORED, OTHERS))
    customs = {
        "stored": stored | {"c_user": ann.pk, "o_number": 5, "o_text": "BIG É_% DEAL"},
        "others": others | {"c_user": ann.pk + 1_000, "o_number": 1, "o_text": "x"},
        "empty": dict.fromkeys(stored, ""),
        "missing": {},
        "unreadable": dict.fromkeys(stored, "what?"),
    }
    Deal.objects.bulk_create(Deal(name=name, custom=custom) for name, custom in customs.items())


@pytest.mark.parametrize("kind", [*CUSTOM_TYPES, "name"])
def test_four_filters_find_what_one_finds(kind, deal_type, deals):
    prop = deal_type.properties()["name" if kind == "name" else f"c_{kind}"]
    for operator in operators_for(prop).values():
        for blanks in ({}, {"include_blank": True}, {"include_blank": False}) if operator.takes_blanks else ({},):
            one = filter_with(prop, operator, **blanks)
            found = matching({"all": [one]}, deal_type)
            assert matching({"any": [one] * 4}, deal_type) == found, one
            assert criteria.compile({"any": [one] * 4}, deal_type, now=NOW).count() == len(found), one
            assert matching({"none": [one] * 4}, deal_type) == EVERY - found, one


EVERY = {"stored", "others", "empty", "missing", "unreadable"}


def test_only_what_is_asked_for_often_is_extracted(deal_type):
    one = {"property": "c_number", "operator": "is_equal_to", "value": 5}
    assert "once" not in sql_of({"any": [one] * 3}, deal_type)
    often = sql_of({"any": [one] * 50}, deal_type)
    assert often.count("pg_input_is_valid") == 1
    assert often.count("once_0 = 5") == 50


def test_processes_share_a_table_that_is_looked_through_for_what_is_extracted(deal_type):
    Deal.objects.bulk_create(Deal(name=f"D{n}") for n in range(50))
    names = [{"property": "name", "operator": "is_equal_to_any_of", "value": [f"D{n}"]} for n in range(5)]
    compiled = criteria.compile({"any": names}, deal_type, now=NOW)
    sql, params = compiled.scan.selecting("count(*)")
    with connection.cursor() as cursor:
        # Another process gets every plan that it may have, be it worth it or not.
        cursor.execute("SET LOCAL debug_parallel_query = on")
        cursor.execute(f"EXPLAIN {sql}", params)
        assert "Gather" in str(cursor.fetchall())
    assert sql.count("LOWER((") == 1, "made small once"
    assert compiled.count() == 5


def test_properties_of_associated_records_are_extracted_there(deal_type):
    deal, _other = Deal.objects.bulk_create([Deal(name="A"), Deal(name="B")])
    company = Company.objects.create(name="Acme")
    associate("deal", "company", [(deal.pk, company.pk)])
    acme = [{"property": "name", "operator": "starts_with_any_of", "value": ["ac"]}] * 4
    own = [{"property": "name", "operator": "is_equal_to_any_of", "value": [name]} for name in "ABCD"]
    assert matching({"all": [{"any": own}, {"association": "company", "any": acme}]}, deal_type) == {"A"}
    other_names = {"none": [{"association": "company", "any": own}]}
    assert matching({"all": [{"any": own}, other_names]}, deal_type) == {"A", "B"}
