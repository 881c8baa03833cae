"""Records are found by the activities, line items, payments and feedback they are associated with."""

from __future__ import annotations

from typing import Any

import pytest

from records import criteria
from records.associations import associate, associations_of
from records.clock import database_now
from records.criteria.catalog import catalog
from records.object_types import object_types
from records.saving import Row, save_batch
from workflows.definitions import checking
from workflows.definitions.parsing import parse

pytestmark = pytest.mark.django_db
WORKED_ON = ("contact", "company", "deal", "ticket", "quote")
BILLED = ("company", "deal", "quote", "payment", "recurring_subscription")


def made(slug: str, **properties: Any) -> int:
    kind = object_types[slug]
    (saved,) = save_batch(kind, [Row({kind.name_property: "a@example.com", **properties})])
    return saved.id or 0


def matching(slug: str, *filters: Any) -> list[int]:
    found = criteria.compile({"all": list(filters)}, object_types[slug], now=database_now()).records()
    return sorted(found.values_list("pk", flat=True))


def is_any_of(prop: str, *values: str) -> dict[str, Any]:
    return {"property": prop, "operator": "is_any_of", "value": list(values)}


#: Row of the specification: the type, what one record has, of which another has only this part; who filters by it.
ROWS: dict[str, tuple[str, dict[str, str], str, tuple[str, ...]]] = {
    "FLT-05": ("meeting", {"outcome": "no_show", "kind": "review"}, "kind", WORKED_ON),
    "FLT-06": ("conversation", {"status": "closed", "channel": "chat"}, "channel", WORKED_ON),
    "FLT-07": ("task", {"status": "done", "priority": "high"}, "priority", WORKED_ON),
    "FLT-09": ("email", {"status": "bounced", "direction": "outgoing"}, "direction", WORKED_ON),
    "FLT-10": ("call", {"outcome": "busy", "direction": "inbound"}, "direction", WORKED_ON),
    "FLT-14": ("recurring_subscription", {"billing_frequency": "monthly", "status": "paused"}, "status", BILLED),
    "FLT-15": ("payment", {"status": "succeeded", "method": "card"}, "method", BILLED),
}
CASES = [
    pytest.param(slug, whole, part, kind, id=f"{row}: {slug} of {kind}")
    for row, (slug, whole, part, kinds) in ROWS.items()
    for kind in kinds
]


@pytest.mark.covers("FLT-05", "FLT-06", "FLT-07", "FLT-09", "FLT-10", "FLT-14", "FLT-15")
@pytest.mark.parametrize(("slug", "whole", "part", "kind"), CASES)
def test_one_associated_record_must_pass_all_that_is_asked(slug: str, whole: Any, part: str, kind: str) -> None:
    """Two that pass a part each are not one that passes everything (FLT-03)."""
    everything = [is_any_of(prop, value) for prop, value in whole.items()]
    right, one = made(slug, **whole), made(slug, **{part: whole[part]})
    other = made(slug, **{prop: value for prop, value in whole.items() if prop != part})
    if kind == slug:
        assert matching(slug, *everything) == [right], "by their own properties"
        return
    emails = [{"email": f"{name}@example.com"} if kind == "contact" else {} for name in "abc"]
    passing, parts, none = (made(kind, **facts) for facts in emails)
    associate(kind, slug, [(passing, right), (parts, one), (parts, other)])
    assert matching(kind, {"association": slug, "all": everything}) == [passing]
    assert matching(kind, {"none": [{"association": slug, "all": everything}]}) == sorted([parts, none])


@pytest.mark.covers("FLT-08")
@pytest.mark.parametrize("kind", WORKED_ON)
def test_records_are_found_by_their_notes(kind: str) -> None:
    record, note = made(kind), made("note", body="They like blue")
    associate(kind, "note", [(record, note)])
    said = {"property": "body", "operator": "contains_any_of", "value": ["blue"]}
    assert matching(kind, {"association": "note", "all": [said]}) == [record]


@pytest.mark.covers("FLT-13")
@pytest.mark.parametrize("kind", ["contact", "deal", "recurring_subscription", "payment"])
def test_any_line_item_with_a_large_discount_is_enough(kind: str) -> None:
    record, other = made(kind), made(kind, **({"email": "b@example.com"} if kind == "contact" else {}))
    small, large = made("line_item", discount=5), made("line_item", discount="12.5", quantity=3, unit_price=10)
    associate(kind, "line_item", [(record, small), (record, large), (other, small)])
    discount = {"property": "discount", "operator": "is_greater_than", "value": 10}
    assert matching(kind, {"association": "line_item", "all": [discount]}) == [record]
    amount = {"property": "amount", "operator": "is_equal_to", "value": 26.25}
    assert matching(kind, {"association": "line_item", "all": [amount]}) == [record]


@pytest.mark.covers("FLT-17", "FLT-16")
def test_feedback_is_found_by_the_contact_or_the_ticket_it_came_from() -> None:
    submission, other = made("feedback_submission", sentiment="negative"), made("feedback_submission")
    contact, ticket = made("contact", city="Lund"), made("ticket", priority="urgent")
    associate("feedback_submission", "contact", [(submission, contact)])
    associate("feedback_submission", "ticket", [(other, ticket)])
    lives = {"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}
    assert matching("feedback_submission", {"association": "contact", "all": [lives]}) == [submission]
    urgent = is_any_of("priority", "urgent")
    assert matching("feedback_submission", {"association": "ticket", "all": [urgent]}) == [other]
    assert matching("feedback_submission", is_any_of("sentiment", "negative")) == [submission]


@pytest.mark.covers("FLT-19")
def test_conversations_are_found_by_their_contact_or_ticket() -> None:
    one, other = made("conversation"), made("conversation")
    contact, ticket = made("contact", city="Lund"), made("ticket", priority="urgent")
    associate("conversation", "contact", [(one, contact)])
    associate("conversation", "ticket", [(other, ticket)])
    lives = {"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}
    assert matching("conversation", {"association": "contact", "all": [lives]}) == [one]
    assert matching("conversation", {"association": "ticket", "all": [is_any_of("priority", "urgent")]}) == [other]


@pytest.mark.covers("TRG-11", "FLT-11", "FLT-12")
def test_the_builder_offers_them_under_their_headings() -> None:
    found: dict[str, set[str]] = {}
    for entry in catalog(object_types["contact"])["associations"]:
        found.setdefault(entry["category"], set()).add(entry["slug"])
    assert found["Activities"] == {"task", "note", "conversation", "meeting", "call", "email"}
    assert found["Line items"] == {"line_item"} and found["Feedback"] == {"feedback_submission"}
    assert found["Commerce"] == {"quote", "recurring_subscription", "payment", "invoice"}
    for kind in WORKED_ON:
        assert {"task", "note", "conversation", "meeting", "call", "email"} <= associations_of(kind).keys(), kind


def faults(definition: Any) -> list[tuple[str, str]]:
    found = checking.errors(checking.problems(definition))
    return [(problem.path, problem.code) for problem in found if problem.path.startswith("trigger")]


@pytest.mark.covers("REN-03", "REN-04", "REN-05")
@pytest.mark.parametrize(
    "node",
    [
        *({"association": slug, "all": [{"property": name, "operator": "is_known"}]} for slug, name in (
            ("meeting", "title"), ("call", "title"), ("email", "subject"), ("conversation", "subject"),
            ("line_item", "name"), ("task", "title"), ("note", "body"),
        )),
        {"property": "number_of_meetings", "operator": "is_greater_than", "value": 1},
        {"property": "cookie_consent", "operator": "is_known"},
        {"event": "cookie_consent_given", "operator": "has_occurred"},
        {"event": "meeting_booked", "operator": "has_occurred"},
        {"event": "call_ended", "operator": "has_occurred"},
    ],
    ids=lambda node: str(next(iter(node.values()))),
)  # fmt: skip
def test_what_was_done_bought_or_consented_to_never_enrolls_again(node: dict[str, Any]) -> None:
    trigger = {"kind": "filter", "criteria": {"all": [node]}, "reenroll": ["all.0"]}
    definition = parse({"format": 1, "object": "contact", "trigger": trigger, "steps": []})
    assert faults(definition) == [("trigger.reenroll.0", "cannot_reenroll")]
    paid = {"association": "payment", "all": [is_any_of("status", "failed")]}
    trigger = {"kind": "filter", "criteria": {"all": [paid]}, "reenroll": ["all.0"]}
    definition = parse({"format": 1, "object": "contact", "trigger": trigger, "steps": []})
    assert not faults(definition), "payments are states a contact can come back to"
