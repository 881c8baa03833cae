"""Filters that exclude each other are found without a record; those that do not are left in peace."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from records import criteria
from records.criteria.contradictions import contradictions, possible
from records.criteria.or_traps import or_traps
from records.lists import keeping
from records.object_types import object_types

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


def leaf(slug: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"property": slug, "operator": operator, **more, **({} if value is None else {"value": value})}


def compiled(document: Any, zone: str = "UTC") -> criteria.Compiled:
    return criteria.compile(document, object_types["deal"], now=NOW, zone=zone)


ABOVE, BELOW = leaf("amount", "is_greater_than", 5), leaf("amount", "is_less_than", 3)
WON, LOST = leaf("stage", "is_any_of", ["won"]), leaf("stage", "is_any_of", ["lost"])
SOON, LATE = leaf("close_date", "is_less_than_days_from_now", 3), leaf("close_date", "is_more_than_days_from_now", 9)
RECENT = leaf("close_date", "is_less_than_days_ago", 3)
ABOUT: dict[str, Any] = {"association": "company", "all": [leaf("employees", "is_less_than", 3)]}


@pytest.mark.parametrize(
    "document",
    [
        {"all": [ABOVE, BELOW]},
        {"all": [ABOVE, {"any": [BELOW, leaf("amount", "is_unknown")]}]},
        {"none": [ABOVE, leaf("amount", "is_less_than_or_equal_to", 5, include_blank=True)]},
        {"all": [leaf("amount", "is_equal_to", 5), leaf("amount", "is_not_between", **{"from": 1, "to": 9})]},
        {"all": [leaf("amount", "is_equal_to", 5), leaf("amount", "is_equal_to", 6)]},
        {"all": [WON, LOST]},
        {"all": [WON, leaf("stage", "is_none_of", ["won", "lost"])]},
        {"all": [{"not_all": [leaf("name", "is_known"), leaf("name", "is_known")]}, leaf("name", "is_known")]},
        {"all": [leaf("name", "is_equal_to_any_of", ["Big"]), leaf("name", "is_not_equal_to_any_of", ["BIG"])]},
        {"all": [leaf("close_date", "is_before", "2026-01-01"), leaf("close_date", "is_after", "2026-01-01")]},
        {"all": [SOON, LATE]},
        {"all": [leaf("close_date", "is_equal_to", "2026-01-01"), leaf("close_date", "is_unknown")]},
        {"all": [ABOUT, {"none": [ABOUT]}]},
        {"association": "company", "all": [leaf("employees", "is_greater_than", 5), *ABOUT["all"]]},
    ],
)  # fmt: skip
def test_what_no_record_can_meet_is_found(document: dict[str, Any]) -> None:
    assert not possible([(compiled({"all": [document]}), True)])
    assert len(contradictions(compiled({"any": [{"all": [document]}]}))) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"all": [ABOVE, leaf("amount", "is_less_than", 6)]},
        {"all": [leaf("amount", "is_less_than", 3, include_blank=True),
                 leaf("amount", "is_greater_than", 9, include_blank=True)]},
        {"any": [ABOVE, BELOW]},
        {"all": [WON, leaf("stage", "has_ever_been_any_of", ["lost"])]},
        {"all": [leaf("name", "contains_any_of", ["a"]), leaf("name", "does_not_contain_any_of", ["b"])]},
        # In four years a close date may be both.
        {"all": [leaf("close_date", "is_after", "2030-01-01"), RECENT]},
        {"all": [leaf("close_date", "is_before", {"relative_to": "month"}), RECENT]},
        # Two companies, one small and one big.
        {"all": [ABOUT, {"association": "company", "all": [leaf("employees", "is_greater_than", 5)]}]},
    ],
)  # fmt: skip
def test_what_a_record_could_meet_is_left_in_peace(document: dict[str, Any]) -> None:
    assert possible([(compiled({"all": [document]}), True)])
    assert contradictions(compiled(document)) == []


def test_the_two_filters_that_exclude_each_other_are_named_with_their_place() -> None:
    (found,) = contradictions(compiled({"any": [{"all": [WON]}, {"all": [WON, ABOVE, BELOW]}]}))
    assert found.path == "any.1.all.2"
    assert "“Amount is greater than 5” and “Amount is less than 3” at once" in found.message
    three = [leaf("amount", "is_not_equal_to", 5), leaf("amount", "is_between", **{"from": 5, "to": 9}),
             leaf("amount", "is_less_than_or_equal_to", 5)]  # fmt: skip
    (together,) = contradictions(compiled({"all": three}))
    assert (together.path, "its filters exclude one another" in together.message) == ("", True)


def test_members_of_a_list_are_not_outside_of_it() -> None:
    found = keeping.create(object_types["deal"], "Key deals", now=NOW)
    inside, outside = ({"list": found.slug, "operator": f"is_{word}member"} for word in ("", "not_"))
    assert not possible([(compiled({"all": [inside, outside]}), True)])
    assert not possible([(compiled({"all": [inside]}), True), (compiled({"none": [outside]}), False)])
    assert possible([(compiled({"all": [inside]}), True)])


def test_criteria_too_large_to_tell_count_as_possible() -> None:
    choices = [{"any": [leaf("name", "contains_any_of", [f"{i}-{j}"]) for j in range(8)]} for i in range(12)]
    assert possible([(compiled({"all": [*choices, leaf("amount", "is_known")]}), True)])
    hard = [{"any": [ABOVE, leaf("name", "contains_any_of", [f"{i}"])]} for i in range(40)]
    assert possible([(compiled({"all": [*hard, BELOW]}), True)])


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"any": [leaf("stage", "is_none_of", ["won"]), leaf("stage", "is_none_of", ["lost"])]}, "", "any “Stage”"),
        ({"any": [leaf("amount", "is_less_than", 5), leaf("amount", "is_greater_than", 3)]}, "", "any “Amount”"),
        ({"any": [{"all": [ABOVE, WON]}, {"all": [WON]}]}, "any.0", "adds nobody"),
        ({"all": [ABOVE, {"any": [WON, {"all": [WON, LOST]}]}]}, None, ""),
        ({"any": [WON, LOST]}, None, ""),
        ({"any": [ABOVE, leaf("amount", "is_unknown")]}, None, ""),
    ],
)
def test_alternatives_that_say_nothing_are_told(document: Any, path: str | None, words: str) -> None:
    found = or_traps(compiled(document))
    assert [(one.path, words in one.message) for one in found] == ([] if path is None else [(path, True)])
