"""Why a record matches or not: the filters' own conditions, answered by the database as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import BooleanField, Count, DateTimeField, ExpressionWrapper, IntegerField, Max, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.criteria.counting import EXACT_MS, tuned
from records.criteria.expressions import value_of
from records.criteria.refining import MOMENT
from records.criteria.tree import Leaf
from records.object_types import ObjectType
from records.properties import Property


@dataclass(frozen=True)
class LeafAnswer:
    """One filter's answer for one record.

    `value` is the property's value as a person reads it, "" for a blank; of an event how often it has occurred.
    """

    path: str
    sentence: str
    met: bool
    value: str
    #: Whether the value is a property's, so that "" means a blank.
    of_property: bool = False


def explain(
    object_type: ObjectType, leaves: tuple[Leaf, ...], record_ids: Iterable[int]
) -> dict[int, list[LeafAnswer]]:
    """Every leaf for every record, in two queries however many there are."""
    met = {f"met_{i}": ExpressionWrapper(leaf.q, BooleanField()) for i, leaf in enumerate(leaves)}
    props = {leaf.property.slug: leaf.property for leaf in leaves if leaf.property is not None}
    values = {f"value_{slug}": value_of(prop) for slug, prop in props.items()}
    counts = {name: column for i, leaf in enumerate(leaves) for name, column in counted(i, leaf)}
    rows = object_type.records().filter(pk__in=list(record_ids)).values("pk", **met, **values, **counts)
    with tuned(EXACT_MS):
        found = list(rows)
    names = user_names(props.values(), found)
    return {
        row["pk"]: [
            LeafAnswer(
                leaf.path, leaf.sentence, bool(row[f"met_{i}"]), shown(leaf, i, row, names), leaf.property is not None
            )
            for i, leaf in enumerate(leaves)
        ]
        for row in found
    }


def user_names(props: Iterable[Property], rows: list[dict[str, Any]]) -> dict[int, str]:
    """The names of all users among the values, fetched at once."""
    slugs = [prop.slug for prop in props if prop.kind.family == "user"]
    ids = {row[f"value_{slug}"] for slug in slugs for row in rows} - {None}
    users = get_user_model()._default_manager.filter(pk__in=ids) if ids else ()
    return {user.pk: str(user) for user in users}


def counted(place: int, leaf: Leaf) -> Iterator[tuple[str, Any]]:
    """The columns that tell how often an event has occurred and when it last did."""
    if leaf.occurred is None:
        return
    rows = leaf.occurred.order_by().values("record_id")
    times = rows.annotate(times=Count("id")).values("times")
    last = rows.annotate(last=Max("occurred_at")).values("last")
    yield f"times_{place}", Subquery(times, output_field=IntegerField())
    yield f"last_{place}", Subquery(last, output_field=DateTimeField())


def shown(leaf: Leaf, place: int, row: dict[str, Any], names: dict[int, str]) -> str:
    if leaf.occurred is not None:
        return times_shown(row[f"times_{place}"], row[f"last_{place}"])
    prop = leaf.property
    value = row[f"value_{prop.slug}"] if prop is not None else None
    if prop is None or value in (None, "", []):
        return ""
    if prop.kind.family == "user" and value in names:
        return names[value]
    return prop.display(value)


def times_shown(times: int | None, last: Any) -> str:
    if not times:
        return _("it has never occurred")
    told = ngettext("%(n)d time, on %(last)s", "%(n)d times, the last on %(last)s", times)
    return told % {"n": times, "last": MOMENT.display(last)}
