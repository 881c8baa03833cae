"""Records of two types that have the same value in a property each (CRM-25)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import F, QuerySet, TextField, Window
from django.db.models.functions import Cast, Lower, RowNumber, Trim

from records.object_types import ObjectType
from records.properties import Property

#: Families of types whose values say what a record is; dates and answers are too coarse to link records by.
FAMILIES = ("text", "number", "select")
#: Types whose values are brought into one form when they are stored: equal ones are written alike.
WRITTEN_ALIKE = ("email", "phone", "url")


def comparable(one: Property, other: Property) -> bool:
    """Whether records can be matched by these properties."""
    families = {one.kind.family, other.kind.family}
    return len(families) == 1 and families <= {*FAMILIES} and one.calculated is None and other.calculated is None


def equal_ones(
    records: QuerySet[Any], own: Property, object_type: ObjectType, other: Property, most: int
) -> tuple[set[int], dict[int, list[int]]]:
    """The records whose own value is not blank, and by their id the first `most` of another type with the same.

    Capitals and spaces around a text make no difference. Two statements.
    """
    wanted: dict[Any, list[int]] = defaultdict(list)
    for pk, value in records.annotate(_key=key(own)).values_list("pk", "_key"):
        if value not in (None, ""):
            wanted[value].append(pk)
    filled = {pk for ids in wanted.values() for pk in ids}
    rows = object_type.records().annotate(_key=key(other)).filter(_key__in=list(wanted))
    # The first ones of each value, so that a value thousands have does not come with all of them.
    place = Window(RowNumber(), partition_by=[F("_key")], order_by="pk")
    found: dict[int, list[int]] = defaultdict(list)
    for value, pk in rows.annotate(_place=place).filter(_place__lte=most).order_by("pk").values_list("_key", "pk"):
        for record in wanted[value]:
            found[record].append(pk)
    return filled, dict(found)


def key(prop: Property) -> Any:
    """What is compared of a property; NULL where it is blank."""
    value = prop.expression()
    plain = not prop.kind.textual or prop.kind.family != "text" or prop.type in WRITTEN_ALIKE
    return value if plain else Lower(Trim(Cast(value, TextField())))
