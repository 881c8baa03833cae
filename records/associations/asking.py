"""Who is linked with whom: asked of records, and in conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from records.associations.known import AssociationType, Kind, associations_of, between, type_of
from records.associations.native import holder, linked
from records.models import Association
from records.object_types import ObjectType


def ids_of(from_type: Kind, ids: Iterable[int], to_type: Kind, label: str | None = None) -> dict[int, list[int]]:
    """For each of the records the ids of the live records of another type it is linked with, smallest first.

    Records without any are absent. `label` None means with any label.
    """
    from_type, to_type = type_of(from_type), type_of(to_type)
    association = between(from_type, to_type)
    live = to_type.records().values("pk")
    if association.relation:
        table, here, there, _links_only = holder(from_type, association.relation)
        rows = linked(table, here, there, ids).filter(**{f"{there}__in": live})
    else:
        rows = rows_of(from_type, to_type, label).filter(from_id__in=list(ids), to_id__in=live)
        rows = rows.order_by("from_id", "to_id").values_list("from_id", "to_id").distinct()
    found: dict[int, list[int]] = defaultdict(list)
    for one, other in rows:
        found[one].append(other)
    return dict(found)


def rows_of(from_type: ObjectType, to_type: ObjectType, label: str | None) -> QuerySet[Association]:
    rows = Association.objects.filter(from_type=from_type.slug, to_type=to_type.slug)
    return rows if label is None else rows.filter(label=label)


def leading_to(object_type: ObjectType, slug: str, ids: Iterable[int]) -> dict[int, int]:
    """The records that are linked, by this association of theirs, with any of these others: id to the other's id.

    Deleted others count, because their going is what matters to those who had them.
    """
    return dict(links_of(object_type, slug, other=ids))


def links_of(
    object_type: ObjectType, slug: str, *, own: Iterable[int] | None = None, other: Iterable[int] | None = None
) -> list[tuple[int, int]]:
    """The links of an association as (own id, other id), given one end of them. Deleted records count."""
    association = associations_of(object_type)[slug]
    if association.relation:
        table, here, there, _links_only = holder(object_type, association.relation)
        given, ids, missing = (there, other, here) if own is None else (here, own, there)
        rows = table._default_manager.filter(**{f"{given}__in": list(ids or ()), f"{missing}__isnull": False})
        return list(rows.values_list(here, there))
    # Every link is kept in both directions, and the index begins with the record one comes from.
    if own is not None:
        links = rows_of(object_type, association.to, None).filter(from_id__in=list(own))
        return list(links.values_list("from_id", "to_id"))
    mirrored = rows_of(association.to, object_type, None).filter(from_id__in=list(other or ()))
    return list(mirrored.values_list("to_id", "from_id"))


def exists(kind: Kind, slug: str, q: Q, label: str | None = None) -> Exists:
    """Whether one live record associated with the record passes everything in `q` (a condition on its model).

    KeyError when the object type has no such association.
    """
    object_type = type_of(kind)
    association = associations_of(object_type)[slug]
    # The inner query does not depend on the outer record, so PostgreSQL can join instead of looping.
    passing = association.to.records().filter(q).values("pk")
    return Exists(links(object_type, association, label).filter(**{f"{end_of(association)}__in": passing}))


def links(object_type: ObjectType, association: AssociationType, label: str | None = None) -> QuerySet:
    """The links of the outer record, as a correlated subquery."""
    if association.relation is None:
        return rows_of(object_type, association.to, label).filter(from_id=OuterRef("pk"))
    return object_type.model._base_manager.filter(pk=OuterRef("pk"))


def end_of(association: AssociationType) -> str:
    return association.relation.path if association.relation else "to_id"
