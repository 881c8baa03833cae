"""What SQL has written into `custom` and no property could hold is blank wherever it is looked at, never an error."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Deal
from records.journal import values_at
from records.models import Change, PropertyDefinition
from records.object_types import object_types

pytestmark = pytest.mark.django_db
TYPES = ("number", "date", "datetime", "boolean", "user", "select", "multi_select", "text")
GARBAGE: tuple[Any, ...] = ("garbage", "", {"a": 1}, [1], "2026-02-30", "NaN", 10**30, True, None)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("garbage", GARBAGE, ids=str)
def test_garbage_is_read_shown_sorted_and_remembered_without_an_error(kind: str, garbage: Any) -> None:
    PropertyDefinition.objects.create(object_type="deal", slug="odd", label="Odd", type=kind)
    deal = Deal.objects.create(name="A", custom={"odd": garbage})
    Deal.objects.filter(pk=deal.pk).update(custom={})
    Deal.objects.filter(pk=deal.pk).update(custom={"odd": garbage})
    deal_type = object_types["deal"]
    prop = deal_type.properties()["odd"]
    deal.refresh_from_db()
    value = prop.read(deal)
    assert isinstance(prop.display(value), str)
    prop.as_json(value)
    assert list(deal_type.records().order_by(prop.expression())) == [deal]
    for change in Change.objects.filter(record_id=deal.pk):
        assert "name" in values_at(deal_type, deal.pk, change.at)


@pytest.mark.parametrize("kind", ["number", "date", "datetime"])
def test_what_is_no_value_of_the_type_is_blank(kind: str) -> None:
    PropertyDefinition.objects.create(object_type="deal", slug="odd", label="Odd", type=kind)
    deal = Deal.objects.create(name="A", custom={"odd": "garbage"})
    assert object_types["deal"].properties()["odd"].read(deal) is None
