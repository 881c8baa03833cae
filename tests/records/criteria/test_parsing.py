"""Bad criteria: every fault at once, with its path, the value and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from records import criteria
from records.problems import DocumentError
from tests.records.criteria.conftest import NOW

FINE = {"property": "name", "operator": "is_known"}


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"all": [FINE]}
    for _level in range(depth - 1):
        node = {"all": [node]}
    return node


def hops(*slugs: str) -> dict[str, Any]:
    node: dict[str, Any] = FINE
    for slug in slugs:
        node = {"association": slug, "all": [node]}
    return {"all": [node]}


def leaf(slug: str, operator: str, **operands: Any) -> dict[str, Any]:
    return {"any": [{"all": [FINE, {"property": slug, "operator": operator, **operands}]}]}


AT = "any.0.all.1"
BAD: list[tuple[str, Any, str, str]] = [
    ("no object", [], "", "JSON object"),
    ("null", None, "", "JSON object"),
    ("no group", {}, "", "exactly one"),
    ("a bare filter", FINE, "property", "not known here"),
    ("two joins", {"all": [FINE], "any": [FINE]}, "", "exactly one"),
    ("filters not a list", {"all": FINE}, "all", "list"),
    ("an empty group", {"any": [{"all": []}]}, "any.0.all", "empty"),
    ("an unknown key in a group", {"all": [FINE], "join": "or"}, "join", "Use: all, any"),
    ("an unknown kind of filter", {"all": [{"planet": "mars"}]}, "all.0", "association, "),
    ("a kind that is text", {"all": ["name is known"]}, "all.0", "JSON object"),
    ("an unknown property", leaf("colour", "is_known"), f"{AT}.property", "colour"),
    ("a property that is no text", leaf(["name"], "is_known"), f"{AT}.property", "name"),  # type: ignore[arg-type]
    ("a lookup as property", leaf("owner__password", "is_known"), f"{AT}.property", "owner__password"),
    ("an unknown operator", leaf("name", "sounds_like", value="x"), f"{AT}.operator", "sounds_like"),
    ("a lookup as operator", leaf("name", "regex", value=".*"), f"{AT}.operator", "Use one of"),
    ("an operator of another type", leaf("amount", "contains_any_of", value=["1"]), f"{AT}.operator", "amount"),
    ("no operator", {"any": [{"all": [FINE, {"property": "name"}]}]}, f"{AT}.operator", "None"),
    ("an unknown key", leaf("name", "is_known", value="x"), f"{AT}.value", "not known here"),
    (
        "blanks where they mean nothing",
        leaf("name", "is_known", include_blank=True),
        f"{AT}.include_blank",
        "not known",
    ),
    (
        "blanks that are no boolean",
        leaf("amount", "is_equal_to", value=1, include_blank="yes"),
        f"{AT}.include_blank",
        "yes",
    ),
    ("a missing value", leaf("amount", "is_equal_to"), f"{AT}.value", "Add it"),
    ("a text for a number", leaf("amount", "is_equal_to", value="much"), f"{AT}.value", "much"),
    ("other digits", leaf("amount", "is_equal_to", value="٣"), f"{AT}.value", "٣"),
    ("infinity", leaf("amount", "is_equal_to", value=1e400), f"{AT}.value", "inf"),
    ("a boolean for a number", leaf("amount", "is_equal_to", value=True), f"{AT}.value", "True"),
    ("an object for a number", leaf("amount", "is_equal_to", value={"gt": 1}), f"{AT}.value", "single value"),
    ("a reversed range", leaf("amount", "is_between", **{"from": 9, "to": 1}), f"{AT}.to", "Swap"),
    (
        "reversed dates",
        leaf("close_date", "is_between", **{"from": "2026-02-01", "to": "2026-01-01"}),
        f"{AT}.to",
        "Swap",
    ),
    ("no date", leaf("close_date", "is_before", value="soon"), f"{AT}.value", "soon"),
    ("a day that is not", leaf("close_date", "is_before", value="2026-02-30"), f"{AT}.value", "2026-02-30"),
    (
        "a relative date to nothing",
        leaf("close_date", "is_before", value={"relative_to": "easter"}),
        f"{AT}.value",
        "easter",
    ),
    (
        "a strange unit",
        leaf("close_date", "is_before", value={"relative_to": "now", "unit": "moons"}),
        f"{AT}.value",
        "moons",
    ),
    (
        "a far offset",
        leaf("close_date", "is_before", value={"relative_to": "now", "offset": 10**9}),
        f"{AT}.value",
        "offset",
    ),
    ("days that are no number", leaf("close_date", "is_more_than_days_ago", value="3.5"), f"{AT}.value", "3.5"),
    ("negative days", leaf("close_date", "is_more_than_days_ago", value=-1), f"{AT}.value", "-1"),
    ("a strange period", leaf("close_date", "is_in_calendar_period", value="ramadan"), f"{AT}.value", "ramadan"),
    (
        "a strange zone",
        leaf("close_date", "is_before", value="2026-01-01", time_zone="Mars"),
        f"{AT}.time_zone",
        "Mars",
    ),
    (
        "a path as zone",
        leaf("close_date", "is_before", value="2026-01-01", time_zone="../x"),
        f"{AT}.time_zone",
        "../x",
    ),
    ("no list", leaf("c_select", "is_any_of", value="a"), f"{AT}.value", "list"),
    ("an empty list", leaf("c_select", "is_any_of", value=[]), f"{AT}.value", "empty"),
    ("a long list", leaf("name", "is_equal_to_any_of", value=["x"] * 1001), f"{AT}.value", "1001"),
    ("no such option", leaf("c_select", "is_any_of", value=["z"]), f"{AT}.value", "Choose one of"),
    ("no such user", leaf("owner", "is_any_of", value=["nobody"]), f"{AT}.value", "nobody"),
    ("a user by number", leaf("owner", "is_any_of", value=[1]), f"{AT}.value", "username"),
    ("an empty phrase", leaf("name", "contains_any_of", value=[" "]), f"{AT}.value", "Enter some text"),
    ("a NUL", leaf("name", "contains_any_of", value=["a\x00"]), f"{AT}.value", "NUL"),
    ("an empty value", leaf("name", "is_equal_to_any_of", value=[""]), f"{AT}.value", "empty"),
    ("no email address", leaf("c_email", "is_equal_to_any_of", value=["ann"]), f"{AT}.value", "ann"),
    ("another property that is not", leaf("name", "is_equal_to_property", other="colour"), f"{AT}.other", "colour"),
    ("another property of another kind", leaf("name", "is_equal_to_property", other="amount"), f"{AT}.other", "kind"),
    ("an unknown association", hops("planet"), "all.0.association", "planet"),
    ("too many hops", hops("deal", "company", "deal", "company"), "all.0.all.0.all.0.all.0", "3 steps"),
    (
        "a label that is no text",
        {"all": [{"association": "company", "label": 3, "all": [FINE]}]},
        "all.0.label",
        "label",
    ),
    ("an association without filters", {"all": [{"association": "company", "all": []}]}, "all.0.all", "empty"),
    ("251 filters", {"all": [FINE] * 251}, "all.250", "250"),
    ("eleven levels", nested(11), "all.0.all.0.all.0.all.0.all.0.all.0.all.0.all.0.all.0.all.0", "10 deep"),
]


@pytest.mark.covers("LIM-02", "TRG-08", "FLT-46")
@pytest.mark.parametrize(("document", "path", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_criteria_are_refused_with_path_value_and_remedy(
    document: Any, path: str, words: str, deal_type: Any
) -> None:
    with pytest.raises(DocumentError) as refused:
        criteria.parse(document, deal_type)
    problem = refused.value.problems[0]
    assert (problem.path, words in problem.message) == (path, True), problem.message


def test_all_faults_are_told_at_once_from_the_place_of_the_document(deal_type: Any) -> None:
    document = {
        "all": [
            {"property": "colour", "operator": "is_known"},
            {"property": "amount", "operator": "is_equal_to", "value": "x", "to": 1},
        ]
    }
    with pytest.raises(DocumentError) as refused:
        criteria.parse(document, deal_type, path="trigger.criteria")
    assert [problem.path for problem in refused.value.problems] == [
        "trigger.criteria.all.0.property",
        "trigger.criteria.all.1.to",
        "trigger.criteria.all.1.value",
    ]


@pytest.mark.covers("TRG-08")
def test_250_filters_on_ten_levels_and_three_hops_are_fine(deal_type: Any) -> None:
    assert criteria.compile({"all": [FINE] * 250}, deal_type, now=NOW).count() == 0
    assert criteria.compile(nested(10), deal_type, now=NOW).count() == 0
    assert criteria.compile(hops("company", "deal", "company"), deal_type, now=NOW).count() == 0


def test_stored_criteria_survive_an_option_and_a_user_that_are_gone(deal_type: Any, ann: Any) -> None:
    from crm.models import Deal

    Deal.objects.create(name="x", custom={"c_select": "a"}, owner=ann)
    for slug, gone in (("c_select", "z"), ("c_multi_select", "z"), ("owner", "nobody")):
        document = {"all": [{"property": slug, "operator": "is_any_of", "value": [gone]}]}
        assert criteria.compile(document, deal_type, now=NOW, stored=True).count() == 0
