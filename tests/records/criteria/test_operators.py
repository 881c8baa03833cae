"""Every operator filters and explains alike, on every property type, in columns and in custom properties."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Deal, User
from records import criteria
from records.criteria.catalog import filter_schema
from records.criteria.operators.base import operators
from records.object_types import object_types
from tests.records.criteria.conftest import CUSTOM_TYPES, NOW, add_custom_properties
from tests.records.criteria.samples import OTHERS, STORED, family_operators, filter_with

COLUMNS = {
    "deal": {"name": "text", "amount": "currency", "probability": "number", "close_date": "date", "stage": "select",
             "created_at": "datetime", "owner": "user"},
    "note": {"pinned": "boolean", "body": "multi_line"},
}  # fmt: skip
CASES = [
    (object_type, slug)
    for object_type, columns in (*COLUMNS.items(), ("deal", {f"c_{kind}": kind for kind in CUSTOM_TYPES}))
    for slug in columns
]


def make_records(object_type: str, slug: str, user: User) -> tuple[Any, int]:
    """A record with the sample, one with another value, one without any (where the column allows that)."""
    from crm.models import Pipeline, Stage

    kind = object_types[object_type]
    add_custom_properties(object_type)
    if slug == "stage":
        pipeline = Pipeline.objects.create(object_type="deal", slug="p", label="P")
        Stage.objects.bulk_create(Stage(pipeline=pipeline, slug=one, label=one) for one in "abc")
    prop = kind.properties()[slug]
    made = []
    for values in (STORED, OTHERS, {}):
        record = kind.model(**({"name": "n"} if kind.model is Deal else {"body": "x"}))
        raw = values.get(prop.type) if prop.type != "user" else ("ann" if values is STORED else None)
        if raw is not None or prop.slug not in ("pinned", "created_at"):
            prop.write(record, prop.clean(raw))
        record.save()
        made.append(record.pk)
    return prop, made[2]


@pytest.mark.covers("OPR-01", "OPR-08", "OPR-39", "TRG-23", "TRG-24", "TRG-25")
@pytest.mark.parametrize(("object_type", "slug"), CASES)
def test_filtering_and_explaining_agree_and_blanks_follow_the_rule(object_type: str, slug: str, ann: User) -> None:
    prop, blank_id = make_records(object_type, slug, ann)
    kind = object_types[object_type]
    everyone = set(kind.records().values_list("pk", flat=True))
    can_be_blank = slug not in ("pinned", "created_at")
    for operator in (operators[f"{prop.kind.family}:{one}"] for one in family_operators(prop.kind.family)):
        for include_blank in (None, False, True) if operator.takes_blanks else (None,):
            extra = {} if include_blank is None else {"include_blank": include_blank}
            document = {"all": [filter_with(prop, operator, **extra)]}
            compiled = criteria.compile(document, kind, now=NOW, zone="Europe/Stockholm")
            found = set(compiled.records().values_list("pk", flat=True))
            assert found == {pk for pk, (answer,) in compiled.explain(everyone).items() if answer.met}, document
            rest = set(kind.records().filter(~compiled.q).values_list("pk", flat=True))
            assert found | rest == everyone, document
            if operator.takes_blanks and can_be_blank:
                assert (blank_id in found) == bool(include_blank), document
            assert compiled.text.startswith(str(prop.label)[0].upper()), document


@pytest.mark.covers("TRG-23", "TRG-24")
def test_negative_filters_match_blank_contacts_and_blank_records_associated_with_them(db: None) -> None:
    negative = {"property": "city", "operator": "is_not_equal_to_any_of", "value": ["Dublin"]}
    document = {"all": [negative, {"association": "company", "all": [negative]}]}
    for slug, includes in (("contact", True), ("company", False)):
        own, associated = criteria.parse(document, object_types[slug]).group.children
        assert [own.include_blank, associated.group.children[0].include_blank] == [includes, includes]


def test_every_operator_describes_its_json() -> None:
    from records.properties import Property

    for key, operator in operators.items():
        family = key.partition(":")[0]
        schema = filter_schema(Property("x", "X", family), operator)
        assert set(schema["required"]) >= {"property", "operator"}, key
        assert set(schema["properties"]) >= {operand.name for operand in operator.operands}


def test_user_text_is_never_a_pattern(deal_type: Any) -> None:
    names = ["100% sure", "100x sure", "a_b", "axb", "back\\slash", "(paren", "a.b", "[x]"]
    Deal.objects.bulk_create(Deal(name=name) for name in names)
    for operator in ("contains_any_of", "contains_exactly", "starts_with_any_of", "ends_with_any_of"):
        for name in names:
            value = name if operator == "contains_exactly" else [name]
            document = {"all": [{"property": "name", "operator": operator, "value": value}]}
            found = criteria.compile(document, deal_type, now=NOW).records().values_list("name", flat=True)
            assert list(found) == [name], operator


@pytest.mark.covers("OPR-13")
def test_contains_exactly_wants_the_whole_phrase(deal_type: Any) -> None:
    Deal.objects.bulk_create(Deal(name=name) for name in ("the Big deal!", "bigger", "Big Deals"))
    document = {"all": [{"property": "name", "operator": "contains_exactly", "value": "BIG DEAL"}]}
    assert list(criteria.compile(document, deal_type, now=NOW).records().values_list("name", flat=True)) == [
        "the Big deal!"
    ]


@pytest.mark.covers("TRG-26", "OPR-23")
def test_a_blank_number_is_not_zero(deal_type: Any) -> None:
    Deal.objects.bulk_create([Deal(name="zero", amount=0), Deal(name="blank", amount=None)])
    document = {"all": [{"property": "amount", "operator": "is_less_than", "value": 1}]}
    assert list(criteria.compile(document, deal_type, now=NOW).records().values_list("name", flat=True)) == ["zero"]


def test_a_custom_value_of_the_wrong_type_is_blank_and_breaks_nothing(deal_type: Any) -> None:
    junk = {
        "c_number": "junk",
        "c_date": "soon",
        "c_boolean": "perhaps",
        "c_multi_select": "a",
        "c_datetime": 7,
        "c_user": {},
    }
    deal = Deal.objects.create(name="junk", custom=junk)
    for slug in junk:
        compiled = criteria.compile({"all": [{"property": slug, "operator": "is_unknown"}]}, deal_type, now=NOW)
        assert compiled.samples() == [(deal.pk, "junk")], slug


@pytest.mark.covers("OPR-29")
def test_two_yes_or_no_properties_are_compared_and_a_blank_one_equals_nothing(deal_type: Any) -> None:
    pairs = {"same": (True, True), "other": (True, False), "half": (True, None), "blank": (None, None)}
    Deal.objects.bulk_create(
        Deal(name=name, custom={"c_boolean": one, "o_boolean": two}) for name, (one, two) in pairs.items()
    )

    def found(operator: str) -> set[str]:
        document = {"all": [{"property": "c_boolean", "operator": operator, "other": "o_boolean"}]}
        return set(criteria.compile(document, deal_type, now=NOW).records().values_list("name", flat=True))

    assert found("is_equal_to_property") == {"same"}
    assert found("is_not_equal_to_property") == {"other", "half"}
