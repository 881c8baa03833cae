"""Making and removing links, many at once."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from records.associations.known import Kind, Pairs, between, type_of
from records.associations.native import relate, unrelate
from records.object_types import ObjectType
from records.sql_arrays import array

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
