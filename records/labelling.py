"""Labels of associations that exist already: given to many pairs of records at once, replaced, and cleared.

A pair that is linked has one row of `Association` without a label, or one for each of its labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from records.associations import Kind, Pairs, associate, type_of
from records.models import Association
from records.object_types import ObjectType
from records.sql_arrays import array

#: The label that makes an associated record the primary one.
PRIMARY = "primary"
# Both directions of each pair; a pair of two records of one type may be asked for from either end.
ENDS = """
    WITH ends AS MATERIALIZED (
        SELECT %(a)s::text AS from_type, one AS from_id, %(b)s::text AS to_type, other AS to_id
        FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p (one, other)
        UNION
        SELECT %(b)s, other, %(a)s, one FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) AS p (one, other)
    ),
"""
SAME = "(r.from_type, r.from_id, r.to_type, r.to_id) = ({e}.from_type, {e}.from_id, {e}.to_type, {e}.to_id)"
ADD = f"""
    {ENDS}
    wanting AS MATERIALIZED (
        SELECT e.*, EXISTS (SELECT FROM records_association r WHERE {SAME.format(e="e")} AND r.label = '') AS plain
        FROM ends e
        WHERE EXISTS (SELECT FROM records_association r WHERE {SAME.format(e="e")})
            AND NOT EXISTS (SELECT FROM records_association r WHERE {SAME.format(e="e")} AND r.label = %(new)s)
    ),
    renamed AS (
        UPDATE records_association r SET label = %(new)s FROM wanting w WHERE {SAME.format(e="w")} AND r.label = ''
        RETURNING r.from_type, r.from_id, r.to_type, r.to_id
    ),
    added AS (
        INSERT INTO records_association (from_type, from_id, to_type, to_id, label)
        SELECT from_type, from_id, to_type, to_id, %(new)s FROM wanting WHERE NOT plain ORDER BY 1, 2, 3, 4
        ON CONFLICT DO NOTHING RETURNING from_type, from_id, to_type, to_id
    )
    SELECT from_id, to_id FROM (SELECT * FROM renamed UNION SELECT * FROM added) AS changed
    WHERE from_type = %(a)s AND to_type = %(b)s
"""
# Of the labels that go one row takes the new one, unless the pair has it already; cleared labels leave a row without
# one behind where nothing else links the two.
REPLACE = f"""
    {ENDS}
    matched AS MATERIALIZED (
        SELECT r.id, row_number() OVER (
                PARTITION BY r.from_type, r.from_id, r.to_type, r.to_id ORDER BY r.label
            ) AS place,
            EXISTS (
                SELECT FROM records_association h
                WHERE (h.from_type, h.from_id, h.to_type, h.to_id) = (r.from_type, r.from_id, r.to_type, r.to_id)
                    AND (h.label = %(new)s OR %(new)s = '' AND h.label <> %(old)s)
            ) AS held
        FROM records_association r JOIN ends e ON {SAME.format(e="e")}
        WHERE (%(old)s::text IS NULL OR r.label = %(old)s) AND r.label <> %(new)s
    ),
    gone AS (
        DELETE FROM records_association r USING matched m WHERE r.id = m.id AND (m.held OR m.place > 1)
        RETURNING r.from_type, r.from_id, r.to_type, r.to_id
    ),
    renamed AS (
        UPDATE records_association r SET label = %(new)s FROM matched m
        WHERE r.id = m.id AND NOT m.held AND m.place = 1
        RETURNING r.from_type, r.from_id, r.to_type, r.to_id
    )
    SELECT from_id, to_id FROM (SELECT * FROM gone UNION SELECT * FROM renamed) AS changed
    WHERE from_type = %(a)s AND to_type = %(b)s
"""


def add_label(from_type: Kind, to_type: Kind, pairs: Pairs, label: str) -> set[tuple[int, int]]:
    """Give linked pairs one label more; the pairs that did not have it. Pairs that are not linked stay so."""
    return run(ADD, type_of(from_type), type_of(to_type), pairs, label, None)


def replace_label(from_type: Kind, to_type: Kind, pairs: Pairs, old: str | None, new: str) -> set[tuple[int, int]]:
    """Put a label in the place of another one (None: of all a pair has, and of none); the pairs that changed.

    With `new` "" the old one is cleared, and the pair stays linked.
    """
    return run(REPLACE, type_of(from_type), type_of(to_type), pairs, new, old)


def run(sql: str, a: ObjectType, b: ObjectType, pairs: Pairs, new: str, old: str | None) -> set[tuple[int, int]]:
    unique = sorted(set(pairs))
    if not unique:
        return set()
    ones, others = (array(ids) for ids in zip(*unique, strict=True))
    facts = {"a": a.slug, "b": b.slug, "ones": ones, "others": others, "new": new, "old": old}
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        return {(one, other) for one, other in cursor.fetchall()}


def link(from_type: Kind, to_type: Kind, pairs: Pairs, label: str = "") -> int:
    """Associate pairs and return how many links are new; a new primary record takes the place of the one before.

    Of several that would be primary, where there is one at most, the last one is; the others are linked without a
    label. Raises what `associate` raises.
    """
    wanted = list(dict.fromkeys(pairs))
    if label != PRIMARY:
        return associate(from_type, to_type, wanted, label)
    chosen = one_primary_each(from_type, to_type, wanted)
    plain = associate(from_type, to_type, [pair for pair in wanted if pair not in chosen])
    return plain + associate(from_type, to_type, chosen, label)


def one_primary_each(from_type: Kind, to_type: Kind, pairs: Pairs) -> set[tuple[int, int]]:
    """Make room for these pairs to be labelled “primary”, where one side has one primary record at most.

    The records that were primary become plain ones. Of a record with several pairs only the last one is returned,
    for which there is room now.
    """
    a, b = type_of(from_type), type_of(to_type)
    chosen = list(dict.fromkeys(pairs))
    if b.slug in a.one_primary:
        chosen = list({one: (one, other) for one, other in chosen}.values())
        clear(a, b, chosen)
    if a.slug in b.one_primary:
        chosen = list({other: (one, other) for one, other in chosen}.values())
        clear(b, a, [(other, one) for one, other in chosen])
    return set(chosen)


def clear(holder: ObjectType, held: ObjectType, pairs: Iterable[tuple[int, int]]) -> None:
    """Take the label “primary” from what records of a type had as primary ones, but for these pairs."""
    wanted: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        wanted[one].add(other)
    rows = Association.objects.filter(from_type=holder.slug, to_type=held.slug, label=PRIMARY, from_id__in=wanted)
    earlier = [(one, other) for one, other in rows.values_list("from_id", "to_id") if other not in wanted[one]]
    replace_label(holder, held, earlier, PRIMARY, "")
