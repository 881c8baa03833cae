"""Associations move to the winner, with their labels; two that are alike become one."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.associations import links_of, relate, unrelate
from records.labelling import PRIMARY
from records.merging.movers import Merge, Mover, movers
from records.models import Association
from records.object_types import ObjectType, object_types

# What the two had with each other ends: a record is not associated with itself. Where the winner has a primary record
# of a type of which there is one at most, the loser's becomes a plain one.
MOVE = """
    WITH held AS MATERIALIZED (
        SELECT to_type, to_id, created_at, CASE
            WHEN label = %(primary)s AND to_type = ANY(%(one_primary)s) AND EXISTS (
                SELECT FROM records_association w
                WHERE w.from_type = %(type)s AND w.from_id = %(winner)s AND w.to_type = o.to_type
                    AND w.label = %(primary)s AND w.to_id <> o.to_id
            ) THEN '' ELSE label END AS label
        FROM records_association o
        WHERE from_type = %(type)s AND from_id = %(loser)s AND (to_type, to_id) <> (%(type)s, %(winner)s)
    )
    INSERT INTO records_association (from_type, from_id, to_type, to_id, label, created_at)
    SELECT %(type)s, %(winner)s, to_type, to_id, label, created_at FROM held
    UNION ALL
    SELECT to_type, to_id, %(type)s, %(winner)s, label, created_at FROM held
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING
"""
# Every link is kept in both directions, and the index begins with the record one comes from.
REMOVE = """
    DELETE FROM records_association WHERE id = ANY(ARRAY(
        SELECT id FROM records_association WHERE from_type = %(type)s AND from_id = %(loser)s
        UNION ALL
        SELECT m.id FROM records_association o JOIN records_association m
            ON (m.from_type, m.from_id, m.to_type, m.to_id, m.label)
                = (o.to_type, o.to_id, o.from_type, o.from_id, o.label)
        WHERE o.from_type = %(type)s AND o.from_id = %(loser)s
    ))
"""


# In both directions, each found by the index.
ERASE = """
    WITH gone AS (
        DELETE FROM records_association WHERE from_type = %s AND from_id = ANY(%s)
        RETURNING from_type, from_id, to_type, to_id, label
    )
    DELETE FROM records_association o USING gone
    WHERE (o.from_type, o.from_id, o.to_type, o.to_id, o.label)
        = (gone.to_type, gone.to_id, gone.from_type, gone.from_id, gone.label)
"""


@movers.register
class Associations(Mover):
    slug = "associations"
    tables = (Association._meta.db_table,)

    def tell(self, merge: Merge) -> list[str]:
        count = Association.objects.filter(from_type=merge.object_type.slug, from_id=merge.loser).count()
        if not count:
            return []
        message = ngettext("%(count)d association moves over.", "%(count)d associations move over.", count)
        return [message % {"count": count}, *demoted(merge)]

    def move(self, merge: Merge) -> None:
        object_type = merge.object_type
        facts: dict[str, Any] = {
            "type": object_type.slug, "winner": merge.winner, "loser": merge.loser, "primary": PRIMARY,
            "one_primary": list(object_type.one_primary),
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(MOVE, facts)
            cursor.execute(REMOVE, facts)
        for relation in object_type.relations:
            pairs = links_of(object_type, relation.slug, own=[merge.loser])
            if pairs:
                unrelate(object_type, relation, pairs)
                relate(object_type, relation, [(merge.winner, other) for _own, other in pairs])

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(ERASE, [object_type.slug, ids])


def demoted(merge: Merge) -> list[str]:
    """What becomes of the loser's primary records of types of which there is one at most."""
    primary = Association.objects.filter(
        from_type=merge.object_type.slug, to_type__in=merge.object_type.one_primary, label=PRIMARY
    )
    kept = dict(primary.filter(from_id=merge.winner).values_list("to_type", "to_id"))
    lost = primary.filter(from_id=merge.loser).values_list("to_type", "to_id")
    message = _("The %(type)s that is its primary one stays associated, but is not the primary one any more.")
    return [
        message % {"type": object_types[to_type].label}
        for to_type, to_id in lost
        if to_type in kept and kept[to_type] != to_id
    ]
