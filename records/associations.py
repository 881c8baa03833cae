"""Links between records: labelled rows of `Association`, and the foreign keys and many-to-manys a model declares.

Both answer the same questions, so criteria and actions need not know which they look at.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, Exists, IntegerField, Model, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from records.models import Association, Change, ChangeKind
from records.object_types import ObjectType, Relation, object_types
from records.properties import Property
from records.sql_arrays import array

Pairs = Iterable[tuple[int, int]]
#: An object type, or its slug.
Kind = ObjectType | str

# Both directions in one statement; a link that is already there stays as it is.
LINK = """
    INSERT INTO records_association (from_type, from_id, to_type, to_id, label)
    SELECT %(a)s, one, %(b)s, other, %(label)s FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p(one, other)
    UNION
    SELECT %(b)s, other, %(a)s, one, %(label)s FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p(one, other)
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING
"""
# Nobody else can have linked what was made a moment ago: nothing to sort, nothing to come in conflict with.
LINK_NEW = """
    INSERT INTO records_association (from_type, from_id, to_type, to_id, label)
    SELECT %(a)s, one, %(b)s, other, '' FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p(one, other)
    UNION ALL
    SELECT %(b)s, other, %(a)s, one, '' FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p(one, other)
"""
UNLINK = """
    DELETE FROM records_association WHERE (from_type, from_id, to_type, to_id) IN (
        SELECT %(a)s, one, %(b)s, other FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p(one, other)
        UNION
        SELECT %(b)s, other, %(a)s, one FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p(one, other)
    ) AND (%(label)s::text IS NULL OR label = %(label)s)
"""


@dataclass(frozen=True)
class AssociationType:
    """One way to get from records of a type to others. `relation` is None where the links are `Association` rows."""

    slug: str
    to: ObjectType
    relation: Relation | None = None


def type_of(kind: Kind) -> ObjectType:
    """KeyError when there is no object type of this slug."""
    return object_types[kind] if isinstance(kind, str) else kind


def associations_of(kind: Kind) -> dict[str, AssociationType]:
    """The associations of an object type by slug: the other type's slug, or the native relation's."""
    object_type = type_of(kind)
    found = {
        slug: AssociationType(slug, object_types[slug]) for slug in object_type.associates_with if slug in object_types
    }
    for relation in object_type.relations:
        if relation.to in object_types:
            found[relation.slug] = AssociationType(relation.slug, object_types[relation.to], relation)
    return found


def between(from_type: ObjectType, to_type: ObjectType) -> AssociationType:
    """The association that links two types; LookupError when none does."""
    for association in associations_of(from_type).values():
        if association.to is to_type:
            return association
    raise LookupError(f"Records of type {from_type.slug} cannot be associated with records of type {to_type.slug}.")


def associate(from_type: Kind, to_type: Kind, pairs: Pairs, label: str = "") -> int:
    """Link each pair of ids and return how many links are new; links that exist are left alone.

    Raises LookupError when the types cannot be associated, ValueError when a record is linked with itself or a
    label is given to a native relation.
    """
    from_type, to_type = type_of(from_type), type_of(to_type)
    association = between(from_type, to_type)
    unique = sorted(set(pairs))
    if from_type is to_type and any(one == other for one, other in unique):
        raise ValueError(_("A record cannot be associated with itself. Choose another record."))
    if not unique:
        return 0
    if association.relation:
        if label:
            raise ValueError(_("Links of this kind have no labels. Leave the label out."))
        return relate(from_type, association.relation, unique)
    return run(LINK, from_type, to_type, unique, label)


def associate_new(from_type: Kind, to_type: Kind, pairs: Pairs) -> int:
    """Like `associate`, for records of the second type that were made in this transaction and have no links yet."""
    from_type, to_type = type_of(from_type), type_of(to_type)
    if between(from_type, to_type).relation:
        return associate(from_type, to_type, pairs)
    unique = list(pairs)
    return run(LINK_NEW, from_type, to_type, unique, "") if unique else 0


def dissociate(from_type: Kind, to_type: Kind, pairs: Pairs, label: str | None = None) -> int:
    """Remove the links of each pair, with one label or (None) with any, and return how many there were."""
    from_type, to_type = type_of(from_type), type_of(to_type)
    association = between(from_type, to_type)
    unique = sorted(set(pairs))
    if not unique:
        return 0
    if association.relation:
        return unrelate(from_type, association.relation, unique)
    return run(UNLINK, from_type, to_type, unique, label)


def run(sql: str, a: ObjectType, b: ObjectType, pairs: list[tuple[int, int]], label: str | None) -> int:
    ones, others = (array(ids) for ids in zip(*pairs, strict=True))
    facts = {"a": a.slug, "b": b.slug, "label": label, "ones": ones, "others": others}
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        return cursor.rowcount // 2


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


def calculated_properties(object_type: ObjectType) -> list[Property]:
    """`number_of_…` for every association: blank if there never was a link, 0 if all were removed (TRG-26)."""
    return [
        Property(
            slug=counter_slug(association),
            label=_("Number of %(records)s") % {"records": association.to.label_plural},
            type="number",
            read_only=True,
            calculated=number_of(object_type, association),
        )
        for association in associations_of(object_type).values()
    ]


def counter_slug(association: AssociationType) -> str:
    return f"number_of_{association.slug if association.relation else association.to.plural}"


def counted(object_type: ObjectType, slug: str) -> AssociationType | None:
    """The association a `number_of_…` property counts; None when the property is another one."""
    found = associations_of(object_type).values()
    return next((association for association in found if counter_slug(association) == slug), None)


@functools.lru_cache(maxsize=500)
def number_of(object_type: ObjectType, association: AssociationType) -> Coalesce:
    """The expression that counts; built once, as building it costs more than asking for it."""
    end = end_of(association)
    live = association.to.records().values("pk")
    rows = links(object_type, association).filter(**{f"{end}__in": live}).order_by()
    group = "from_id" if association.relation is None else "pk"
    number = Subquery(rows.values(group).annotate(number=Count(end, distinct=True)).values("number"))
    ever = Change.objects.filter(
        object_type=object_type.slug,
        record_id=OuterRef("pk"),
        kind=ChangeKind.ASSOCIATED,
        after__to_type=association.to.slug,
    )
    return Coalesce(number, Case(When(Exists(ever), then=Value(0))), output_field=IntegerField())
