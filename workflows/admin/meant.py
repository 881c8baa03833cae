"""Which record a person means by a number or a part of a name, where one is asked for."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from records.ids import id_of
from records.object_types import ObjectType
from records.seeing import may_see_name


def meant(kind: ObjectType, asked: str, user: Any) -> QuerySet[Any]:
    """The records with this id, or else with this in their name, newest first.

    Whoever may not see the property that names them finds them by their ids only: a search that answers is an oracle.
    """
    records = kind.records().order_by("-pk")
    if (pk := id_of(asked)) is not None:
        by_id = records.filter(pk=pk)
        if by_id.exists():
            return by_id
    prop = kind.properties().get(kind.name_property)
    if prop is None or prop.column is None or not may_see_name(user, kind):
        return records.none()
    return records.filter(**{f"{prop.column}__icontains": asked})
