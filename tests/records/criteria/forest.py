"""Random criteria about a world: every operator on every type of property, every filter, nested and negated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from tests.records.criteria import deeds
from tests.records.criteria.world import COUNTED, DAYS, EVENTS, FACTS, LABELS, MINUTES, POOLS, World, types_of

ZONES = [
    "UTC", "Europe/Stockholm", "America/New_York", "Pacific/Auckland", "Pacific/Apia", "Asia/Kolkata", "Africa/Cairo",
]  # fmt: skip
PERIODS = ["today", "yesterday", "tomorrow"] + [
    f"{which}_{length}" for which in ("this", "last", "next") for length in ("week", "month", "quarter", "year")
]
FAMILIES = {
    **dict.fromkeys(("text", "multi_line", "email", "url", "phone"), "text"),
    **dict.fromkeys(("number", "currency", "whole", "count"), "number"), **dict.fromkeys(("date", "datetime"), "date"),
}  # fmt: skip
INSTANTS = st.builds(
    lambda day, minute: f"{day}T{12 + minute // 60:02}:{minute % 60:02}:00+00:00",
    st.sampled_from(DAYS), st.sampled_from([m for m in MINUTES if -720 <= m < 720]),
)  # fmt: skip
RELATIVE = st.fixed_dictionaries(
    {"relative_to": st.sampled_from(["now", "today", "week", "month", "quarter", "year"])},
    optional={
        "offset": st.integers(-40, 40),
        "unit": st.sampled_from(
            ["years", "quarters", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds"]
        ),
    },
)
POINTS = st.sampled_from(DAYS) | INSTANTS | RELATIVE
COUNTS = st.sampled_from([0, 1, 2, 3, 30, 200])
JOINS = st.sampled_from(["all", "any", "none", "not_all"])
PHRASES = ["a", "B", "%", "_", "é.", "ß", "日", "a b", "\\", "(", "a\n", "@acme", "'"]


def some(values: list[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique_by=repr)


def others(types: dict[str, str], family: str) -> st.SearchStrategy[str]:
    return st.sampled_from([slug for slug, kind in types.items() if FAMILIES.get(kind, kind) == family])


def ranges(values: st.SearchStrategy[Any], **more: Any) -> dict[str, Any]:
    return {"from": values, "to": values, **more}


def in_order(leaf: dict[str, Any]) -> dict[str, Any]:
    """Fixed ends of a range the right way round; a day and an instant may be either way."""
    low, high = leaf["from"], leaf["to"]
    return (
        leaf if isinstance(low, dict) or isinstance(high, dict) or low <= high else {**leaf, "from": high, "to": low}
    )


def each(names: Iterable[str], operands: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The same operands for several operators."""
    return {name: dict(operands) for name in names}


def operators_of(kind: str, types: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The operators of a type of property with strategies for their operands."""
    family, own = FAMILIES.get(kind, kind), POOLS.get(kind, [])
    if family == "text":
        equal, phrases = {"value": some(own)}, {"value": some(PHRASES)}
        other = {"other": others(types, "text")}
        return {
            **each(("is_equal_to_any_of", "is_not_equal_to_any_of"), equal),
            **each(("has_ever_been_equal_to_any_of", "has_never_been_equal_to_any_of"), equal),
            **each(("contains_any_of", "does_not_contain_any_of"), phrases),
            **each(("starts_with_any_of", "ends_with_any_of"), phrases),
            **each(("has_ever_contained", "has_never_contained"), phrases),
            **each(("contains_exactly", "does_not_contain_exactly"), {"value": st.sampled_from([*PHRASES, *own])}),
            **each(("is_equal_to_property", "is_not_equal_to_property"), other),
        }
    if family == "number":
        numbers = st.sampled_from(POOLS["number"])
        compared = ("is_equal_to", "is_not_equal_to", "is_greater_than", "is_greater_than_or_equal_to")
        compared += ("is_less_than", "is_less_than_or_equal_to", "has_ever_been_equal_to", "has_never_been_equal_to")
        by_other = ("is_equal_to_property", "is_greater_than_property", "is_less_than_property")
        return {
            **each(compared, {"value": numbers}),
            **each(("is_between", "is_not_between"), ranges(numbers)),
            **each(by_other, {"other": others(types, "number")}),
        }
    if family == "date":
        away = ("is_less_than_days_ago", "is_more_than_days_ago", "is_less_than_days_from_now")
        flags = {"include_from": st.booleans(), "include_to": st.booleans()}
        default = st.none() | POINTS
        return {
            **each(("is_equal_to", "is_before", "is_after"), {"value": POINTS}),
            **each(("is_between", "is_not_between"), ranges(POINTS, **flags)),
            **each((*away, "is_more_than_days_from_now"), {"value": COUNTS}),
            "is_in_calendar_period": {"value": st.sampled_from(PERIODS), "first_month": st.integers(1, 12)},
            **each(("is_before_property", "is_after_property"), {"other": others(types, "date"), "default": default}),
        }
    if family == "boolean":
        return {
            **each(("is_true", "is_false"), {}),
            **each(("has_ever_been", "has_never_been"), {"value": st.booleans()}),
            **each(("is_equal_to_property", "is_not_equal_to_property"), {"other": others(types, "boolean")}),
        }
    chosen = {"value": some(own if family != "multi_select" else list("abcd"), 3)}
    sets = ("is_exactly", "is_not_exactly", "contains_all", "does_not_contain_all", "has_ever_been_exactly")
    sets += ("has_never_been_exactly", "has_ever_contained_all", "has_never_contained_all")
    plain = ("is_any_of", "is_none_of", "has_ever_been_any_of", "has_never_been_any_of")
    return each(plain + (sets if family == "multi_select" else ()), chosen)


def of_any_type(types: dict[str, str]) -> dict[str, dict[str, Any]]:
    known = [slug for slug, kind in types.items() if kind != "count" and slug != "created_at"]
    other = {"other": st.sampled_from(known)}
    return {
        **each(("is_known", "is_unknown", "is_blank", "is_not_blank"), {}),
        **each(("updated_in_last_days", "not_updated_in_last_days"), {"value": COUNTS}),
        **each(("updated_before", "updated_after"), {"value": POINTS}),
        "updated_between": ranges(POINTS),
        **each(("updated_before_property", "updated_after_property"), other),
    }


def needs_history(operator: str) -> bool:
    return "updated" in operator or operator.startswith(("has_ever", "has_never")) or operator.endswith("_blank")


@st.composite
def property_filter(draw: st.DrawFn, types: dict[str, str], history: bool = True) -> dict[str, Any]:
    slug = draw(st.sampled_from(list(types)))
    kind = types[slug]
    own, general = operators_of(kind, types), of_any_type(types) if history else {"is_known": {}, "is_unknown": {}}
    if kind == "count" or slug == "created_at" or not history:
        own, general = ({name: known for name, known in part.items() if not needs_history(name)}
                        for part in (own, general))  # fmt: skip
    name = draw(st.sampled_from([*own, *general]))
    operands = (own | general)[name]
    leaf = {"property": slug, "operator": name}
    leaf |= {key: value for key, strategy in operands.items() if (value := draw(strategy)) is not None}
    if name in own and draw(st.integers(0, 3)) == 0:
        leaf["include_blank"] = draw(st.booleans())
    dated = FAMILIES.get(kind, kind) == "date" and name in own
    zoned = dated or name in ("updated_before", "updated_after", "updated_between")
    if zoned and draw(st.integers(0, 4)) == 0:
        leaf["time_zone"] = draw(st.sampled_from(ZONES))
    return in_order(leaf) if "from" in leaf else leaf


@st.composite
def event_filter(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    types = {f"f_{name}": name for name in FACTS} | {"occurred_at": "datetime"}
    leaf: dict[str, Any] = {"event": draw(st.sampled_from(EVENTS[kind]))}
    leaf["operator"] = draw(st.sampled_from(["has_occurred", "has_occurred", "has_occurred", "has_not_occurred"]))
    if where := draw(st.lists(facts_filter(types), max_size=2)):
        leaf["where"] = where
    refine = draw(REFINEMENTS)
    if refine is not None and leaf["operator"] == "has_occurred":
        leaf["refine"] = refine
    return leaf


def counted(low: int | None, more: int) -> dict[str, Any]:
    facts = {} if low is None else {"at_least": low}
    most = (1 if low is None else low) + more
    return {"count": facts if more < 0 and low else facts | {"at_most": max(most, low or 0)}}


REFINEMENTS = st.one_of(
    st.none(),
    st.fixed_dictionaries({"within": st.fixed_dictionaries({"days": st.sampled_from([1, 2, 30, 200])})}),
    st.fixed_dictionaries({"before": POINTS}),
    st.fixed_dictionaries({"after": POINTS}),
    st.fixed_dictionaries(ranges(POINTS)).map(in_order).map(lambda ends: {"between": ends}),
    st.builds(counted, st.none() | st.integers(0, 3), st.integers(-1, 2)),
)


def facts_filter(types: dict[str, str]) -> st.SearchStrategy[Any]:
    """A filter, or a group of some, on what was told with an event."""
    return nested(property_filter(types, history=False))


def nested(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return leaf | st.builds(lambda join, parts: {join: parts}, JOINS, st.lists(leaf, min_size=1, max_size=2))


@st.composite
def node(draw: st.DrawFn, world: World, kind: str, hops: int, depth: int) -> dict[str, Any]:
    """A filter of any kind, or a group of some."""
    kinds = ["property"] * 6 + ["event", "event", "list", "workflow", "import"] + ["association"] * (2 if hops else 0)
    kinds += deeds.OF_CONTACTS if kind == "contact" else []
    chosen = draw(st.sampled_from(kinds + ["group"] * (3 if depth else 0)))
    if chosen == "property":
        return draw(property_filter(types_of(kind)))
    if chosen == "event":
        return draw(event_filter(kind))
    if chosen == "list":
        names = st.sampled_from(world.lists[kind])
        return {"list": draw(names), "operator": draw(st.sampled_from(["is_member", "is_not_member"]))}
    if chosen == "workflow":
        which = st.sampled_from(["any", *world.workflows[kind]])
        return {"workflow": draw(which), "operator": draw(st.sampled_from(WORKFLOW_OPERATORS))}
    if chosen in deeds.KINDS:
        return draw(deeds.filters(world, kind, chosen, facts_filter, REFINEMENTS))
    if chosen == "group":
        return draw(group(world, kind, hops, depth - 1))
    there = draw(st.sampled_from([other for other in COUNTED if (kind, other) != ("deal", "deal")]))
    label = draw(st.none() | st.sampled_from(LABELS[1:]) | some(LABELS[1:]))
    inner = draw(group(world, there, hops - 1, max(depth - 1, 0)))
    return {"association": there, **({} if label is None else {"label": label}), **inner}


@st.composite
def group(draw: st.DrawFn, world: World, kind: str, hops: int = 3, depth: int = 3) -> dict[str, Any]:
    parts = [draw(node(world, kind, hops, depth)) for _number in range(draw(st.integers(1, 3 if depth > 1 else 2)))]
    return {draw(JOINS): parts}


WORKFLOW_OPERATORS = [
    "is_enrolled", "is_not_enrolled", "has_been_enrolled", "has_never_been_enrolled", "has_completed",
    "has_never_completed", "has_been_unenrolled", "has_met_goal", "has_not_met_goal",
]  # fmt: skip
