"""Whatever the tree and the records, SQL finds exactly what a naive reading of the specification finds."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Deal
from records import criteria
from records.object_types import ObjectType
from tests.examples import examples
from tests.records.criteria.oracle import Oracle

ZONES = st.sampled_from(
    ["UTC", "Europe/Stockholm", "America/New_York", "Pacific/Auckland", "Pacific/Apia", "Asia/Kolkata"]
)
#: Days around changes of the clock, the ends of months, quarters and years, and a leap day.
DAYS = st.sampled_from(
    ["2026-03-08", "2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26", "2026-11-01",
     "2026-11-22", "2026-12-31", "2027-01-01", "2028-02-29", "2026-09-30"]
)  # fmt: skip
TEXTS = st.text(alphabet="aAbBéÉÅå%_\\.*[(ñ日 ß'\"?", min_size=1, max_size=6).filter(lambda text: text.strip())
OPTION = st.sampled_from("abcd")
OPTION_LISTS = st.lists(OPTION, min_size=1, max_size=3, unique=True)
NUMBERS = st.sampled_from([0, -1, 1, 10, 9, 2.5, 1e6, 0.1])
MINUTES = st.sampled_from([-841, -721, -60, -1, 0, 1, 59, 60, 120, 599, 600, 719, 839])


@st.composite
def instants(draw: Any) -> dt.datetime:
    """An instant within hours of a midnight somewhere."""
    day = dt.datetime.fromisoformat(draw(DAYS)).replace(tzinfo=dt.UTC)
    return day + dt.timedelta(minutes=draw(MINUTES))


VALUES = {
    "name": TEXTS.map(str.strip),
    "c_text": TEXTS.map(str.strip),
    "o_text": TEXTS.map(str.strip),
    "amount": NUMBERS.map(lambda number: Decimal(str(number))),
    "c_number": NUMBERS.map(lambda number: Decimal(str(number))),
    "close_date": DAYS.map(dt.date.fromisoformat),
    "c_date": DAYS.map(dt.date.fromisoformat),
    "c_datetime": instants(),
    "o_datetime": instants(),
    "c_boolean": st.booleans(),
    "c_select": OPTION,
    "c_multi_select": OPTION_LISTS.map(sorted),
}
RECORDS = st.lists(
    st.fixed_dictionaries({slug: st.none() | values for slug, values in VALUES.items()}), min_size=1, max_size=6
)
POINTS = DAYS | st.fixed_dictionaries(
    {
        "relative_to": st.sampled_from(["today", "week"]),
        "offset": st.integers(-40, 40),
        "unit": st.sampled_from(["days", "weeks"]),
    }
) | st.fixed_dictionaries(
    {
        "relative_to": st.sampled_from(["month", "year"]),
        "offset": st.integers(-14, 14),
        "unit": st.sampled_from(["months", "days"]),
    }
)  # fmt: skip
PERIODS = st.sampled_from(
    ["today", "yesterday", "tomorrow"]
    + [f"{which}_{length}" for which in ("this", "last", "next") for length in ("week", "month", "quarter", "year")]
)


def one(slug: Any, operators: str, **operands: Any) -> Any:
    """A filter on one of the slugs by one of the operators."""
    slugs = st.sampled_from(slug.split())
    return st.fixed_dictionaries(
        {"property": slugs, "operator": st.sampled_from(operators.split()), **operands},
        optional={"include_blank": st.booleans()},
    )


def in_order(leaf: dict[str, Any]) -> dict[str, Any]:
    """Fixed ends of a range the right way round."""
    low, high = leaf["from"], leaf["to"]
    return (
        leaf
        if isinstance(low, dict) or isinstance(high, dict)
        else {**leaf, "from": min(low, high), "to": max(low, high)}
    )


TEXT, NUMBER, DATE = "name c_text", "amount c_number", "close_date c_date c_datetime"
LEAVES = st.one_of(
    st.fixed_dictionaries(
        {"property": st.sampled_from(list(VALUES)), "operator": st.sampled_from(["is_known", "is_unknown"])}
    ),
    one(TEXT, "is_equal_to_any_of is_not_equal_to_any_of", value=st.lists(TEXTS, min_size=1, max_size=2)),
    one(TEXT, "contains_any_of does_not_contain_any_of starts_with_any_of ends_with_any_of",
        value=st.lists(TEXTS, min_size=1, max_size=2)),
    one(TEXT, "contains_exactly does_not_contain_exactly", value=TEXTS),
    one(TEXT, "is_equal_to_property is_not_equal_to_property", other=st.sampled_from(["o_text", "name"])),
    one(NUMBER, "is_equal_to is_not_equal_to is_greater_than is_greater_than_or_equal_to is_less_than "
        "is_less_than_or_equal_to", value=NUMBERS),
    one(NUMBER, "is_between is_not_between", **{"from": NUMBERS, "to": NUMBERS}).map(in_order),
    one(NUMBER, "is_equal_to_property is_greater_than_property is_less_than_property",
        other=st.sampled_from(["amount", "c_number"])),
    one("c_boolean", "is_true is_false"),
    one("c_select", "is_any_of is_none_of", value=OPTION_LISTS),
    one("c_multi_select", "is_any_of is_none_of is_exactly is_not_exactly contains_all does_not_contain_all",
        value=OPTION_LISTS),
    one(DATE, "is_equal_to is_before is_after", value=POINTS),
    one(DATE, "is_between is_not_between", **{"from": POINTS, "to": POINTS, "include_from": st.booleans(),
        "include_to": st.booleans()}).map(in_order),
    one(DATE, "is_less_than_days_ago is_more_than_days_ago is_less_than_days_from_now is_more_than_days_from_now",
        value=st.sampled_from([0, 1, 2, 30, 200])),
    one(DATE, "is_in_calendar_period", value=PERIODS),
    one(DATE, "is_before_property is_after_property", other=st.sampled_from(["o_datetime", "c_date", "c_datetime"])),
    one("c_datetime", "is_before_property is_after_property", other=st.just("o_datetime"), default=DAYS),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda join, parts: {join: parts},
        st.sampled_from(["all", "any", "none", "not_all"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
).map(lambda tree: {"any": [tree]})


class Undo(Exception):
    pass


@pytest.mark.slow
@pytest.mark.covers(
    "TRG-09", "FLT-01", "FLT-46", "FLT-47", "OPR-08", "OPR-09", "OPR-10", "OPR-11", "OPR-12", "OPR-13", "OPR-14",
    "OPR-15", "OPR-16", "OPR-20", "OPR-21", "OPR-22", "OPR-23", "OPR-24", "OPR-26", "OPR-27", "OPR-30", "OPR-31",
    "OPR-33", "OPR-34", "OPR-35", "OPR-40", "OPR-41", "OPR-42", "OPR-43", "OPR-44", "OPR-45", "OPR-46", "OPR-47",
    "OPR-48", "OPR-49", "OPR-50", "OPR-51",
)  # fmt: skip
@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(records=RECORDS, tree=TREES, now=instants(), zone=ZONES)
def test_sql_and_a_naive_reading_agree(
    deal_type: ObjectType, records: list[dict[str, Any]], tree: Any, now: dt.datetime, zone: str
) -> None:
    compiled = criteria.compile(tree, deal_type, now=now, zone=zone)
    props = deal_type.properties()
    try:
        with transaction.atomic():
            deals = []
            for values in records:
                deal = Deal(name="")
                for slug, value in values.items():
                    props[slug].write(deal, value)
                deals.append(deal)
            Deal.objects.bulk_create(deals)
            found = set(compiled.records().values_list("pk", flat=True))
            explained = compiled.explain([deal.pk for deal in deals])
            raise Undo
    except Undo:
        pass
    oracle = Oracle(now, zone)
    assert found == {d.pk for d, values in zip(deals, records, strict=True) if oracle.group(tree, values)}
    leaves = list(plain_leaves(tree))
    for deal, values in zip(deals, records, strict=True):
        assert [answer.met for answer in explained[deal.pk]] == [oracle.leaf(leaf, values) for leaf in leaves]


def plain_leaves(tree: dict[str, Any]) -> Any:
    if "property" in tree:
        yield tree
        return
    for parts in tree.values():
        for part in parts:
            yield from plain_leaves(part)
