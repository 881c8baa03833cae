"""Operators that look at the journal."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from crm.models import Deal
from records import criteria
from records.models import Change

DAY = dt.timedelta(days=1)


def names(deal_type: Any, now: dt.datetime, **leaf: Any) -> list[str]:
    found = criteria.compile({"all": [leaf]}, deal_type, now=now).records()
    return sorted(found.values_list("name", flat=True))


def journaled_at(deal: Deal, *times: dt.datetime) -> None:
    """Move the deal's changes, oldest first, to these times."""
    changes = Change.objects.filter(object_type="deal", record_id=deal.pk).order_by("id")
    for change, at in zip(changes, times, strict=True):
        Change.objects.filter(pk=change.pk).update(at=at)


@pytest.fixture
def deals(deal_type: Any) -> dict[str, Deal]:
    """“moved” changed every value once, “same” never, “emptied” lost its values, “blank” never had any."""
    first = {"c_text": "Old way", "c_number": 1, "c_boolean": True, "c_select": "a", "c_multi_select": ["a", "b"]}
    second = {"c_text": "New", "c_number": 2, "c_boolean": False, "c_select": "b", "c_multi_select": ["c"]}
    made = {
        "moved": Deal.objects.create(name="moved", custom=dict(first)),
        "same": Deal.objects.create(name="same", custom=dict(second)),
        "emptied": Deal.objects.create(name="emptied", custom=dict(first)),
        "blank": Deal.objects.create(name="blank"),
    }
    Deal.objects.filter(pk=made["moved"].pk).update(custom=second)
    Deal.objects.filter(pk=made["emptied"].pk).update(custom={})
    return made


EVER = [
    ("OPR-17", "c_text", "been_equal_to_any_of", ["OLD WAY"]),
    ("OPR-19", "c_text", "contained", ["old"]),
    ("OPR-25", "c_number", "been_equal_to", 1),
    ("OPR-28", "c_boolean", "been", True),
    ("OPR-32", "c_select", "been_any_of", ["a"]),
    ("OPR-36", "c_multi_select", "been_any_of", ["a", "d"]),
    ("OPR-37", "c_multi_select", "been_exactly", ["b", "a"]),
    ("OPR-38", "c_multi_select", "contained_all", ["b"]),
]


@pytest.mark.covers("OPR-17", "OPR-18", "OPR-19", "OPR-25", "OPR-28", "OPR-32", "OPR-36", "OPR-37", "OPR-38")
@pytest.mark.parametrize(("row", "slug", "operator", "value"), EVER)
def test_ever_and_never_look_at_every_value_there_has_been(
    row: str, slug: str, operator: str, value: Any, deal_type: Any, deals: Any
) -> None:
    now = dt.datetime.now(dt.UTC)
    ever = {"property": slug, "operator": f"has_ever_{operator}", "value": value}
    never = {"property": slug, "operator": f"has_never_{operator}", "value": value}
    assert names(deal_type, now, **ever) == ["emptied", "moved"]
    assert names(deal_type, now, **never) == ["same"]
    assert names(deal_type, now, **never, include_blank=True) == ["blank", "same"]


@pytest.mark.covers("OPR-01", "OPR-02", "OPR-03")
def test_emptied_is_told_from_never_set(deal_type: Any, deals: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    assert names(deal_type, now, property="c_text", operator="is_known") == ["moved", "same"]
    assert names(deal_type, now, property="c_text", operator="is_unknown") == ["blank", "emptied"]
    assert names(deal_type, now, property="c_text", operator="is_blank") == ["emptied"]
    assert names(deal_type, now, property="c_text", operator="is_not_blank") == ["blank", "moved", "same"]


@pytest.mark.covers("OPR-04", "OPR-05", "OPR-06", "TRG-21")
def test_the_time_of_the_last_change_is_compared(deal_type: Any, deals: Any) -> None:
    now = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
    journaled_at(deals["moved"], now - 40 * DAY, now - 2 * DAY)
    journaled_at(deals["same"], now - 30 * DAY)
    journaled_at(deals["emptied"], now - 50 * DAY, now - 20 * DAY)
    ask = {"property": "c_text"}
    assert names(deal_type, now, **ask, operator="updated_in_last_days", value=25) == ["emptied", "moved"]
    assert names(deal_type, now, **ask, operator="not_updated_in_last_days", value=25) == ["blank", "same"]
    assert names(deal_type, now, **ask, operator="updated_before", value="2026-11-01") == ["same"]
    assert names(deal_type, now, **ask, operator="updated_after", value="2026-11-02") == ["moved"]
    relative = {"relative_to": "today", "offset": -25, "unit": "days"}
    assert names(deal_type, now, **ask, operator="updated_before", value=relative) == ["same"]
    instants = {"from": "2026-10-23T10:00:00+00:00", "to": "2026-11-02T10:00:00+00:00"}
    assert names(deal_type, now, **ask, operator="updated_between", **instants) == ["emptied", "same"], "both ends"
    between = {"from": "2026-10-23", "to": "2026-11-02"}
    assert names(deal_type, now, **ask, operator="updated_between", **between) == ["emptied", "same"]
    compiled = criteria.compile({"all": [{**ask, "operator": "updated_in_last_days", "value": 2}]}, deal_type, now=now)
    assert compiled.dependencies.time_sensitive


@pytest.mark.covers("OPR-07")
def test_last_changes_of_two_properties_are_compared(deal_type: Any) -> None:
    now = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
    deal = Deal.objects.create(name="one", custom={"c_text": "x"})
    Deal.objects.filter(pk=deal.pk).update(custom={"c_text": "x", "c_number": 3})
    journaled_at(deal, now - 9 * DAY, now - 3 * DAY)
    ask = {"property": "c_text", "other": "c_number"}
    assert names(deal_type, now, **ask, operator="updated_before_property") == ["one"]
    assert names(deal_type, now, **ask, operator="updated_after_property") == []
    assert names(deal_type, now, property="c_text", other="c_date", operator="updated_before_property") == []
