"""Links that are foreign keys and many-to-manys of a model: where they are kept, made and removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Case, Model, Q, QuerySet, Value, When

from records.object_types import ObjectType, Relation


def holder(from_type: ObjectType, relation: Relation) -> tuple[type[Model], str, str, bool]:
    """The table of a native relation, its columns for here and there, and whether it is a table of links only."""
    field: Any = from_type.model._meta.get_field(relation.path)
    if field.many_to_many:
        forward = field.remote_field if field.auto_created else field
        ends = (forward.m2m_field_name(), forward.m2m_reverse_field_name())
        here, there = ends[::-1] if field.auto_created else ends
        return forward.remote_field.through, here, there, True
    if field.auto_created:
        return field.related_model, field.field.name, "pk", False
    return from_type.model, "pk", field.name, False


def relate(from_type: ObjectType, relation: Relation, pairs: list[tuple[int, int]]) -> int:
    table, here, there, links_only = holder(from_type, relation)
    with transaction.atomic():
        if links_only:
            held = set(linked(table, here, there, [one for one, _other in pairs]))
            new = [pair for pair in pairs if pair not in held]
            made = [table(**{f"{here}_id": one, f"{there}_id": other}) for one, other in new]
            table._default_manager.bulk_create(made, ignore_conflicts=True)
            return len(new)
        if there == "pk":
            here, there, pairs = there, here, [(other, one) for one, other in pairs]
        # A foreign key holds one record: the last pair wins, as it would when they were set one after the other.
        target = dict(pairs)
        rows = table._default_manager.filter(pk__in=target).exclude(
            Q(*(Q(pk=one, **{there: other}) for one, other in target.items()), _connector=Q.OR)
        )
        whens = [When(pk=one, then=Value(other)) for one, other in target.items()]
        column: Any = table._meta.get_field(there)
        return rows.update(**{there: Case(*whens, output_field=column.target_field)})


def unrelate(from_type: ObjectType, relation: Relation, pairs: list[tuple[int, int]]) -> int:
    table, here, there, links_only = holder(from_type, relation)
    rows = table._default_manager.filter(Q(*(Q(**{here: one, there: other}) for one, other in pairs), _connector=Q.OR))
    if links_only:
        return rows.delete()[0]
    return rows.update(**{here if there == "pk" else there: None})


def linked(table: type[Model], here: str, there: str, ids: Iterable[int]) -> QuerySet:
    rows = table._default_manager.filter(**{f"{here}__in": list(ids), f"{there}__isnull": False})
    return rows.values_list(here, there).order_by(here, there)
