"""Changes that concern nobody leave the queue without being looked at one by one.

What runs in bulk leaves several changes per record behind. Were each of them taken, read and compared, a fresh change
that somebody waits for would stand behind them.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from records.models import ChangeKind
from records.object_types import object_types
from records.segments import ANY_CHANGE, LINKS, LIST_KINDS
from workflows.events.journal import source_of
from workflows.intake.deriving import derivations

#: So many are looked through at once: whoever waits for the right to dispatch waits for them.
LIMIT = 5_000
# The rules are those of records.segments.concerns. A wait for an event that this statement does not see yet is
# compared with the journal, which has the change, as soon as it is committed (workflows.intake.occurrences).
DISCARD = """
    WITH watched AS MATERIALIZED (
        SELECT DISTINCT d.object_type, d.property FROM records_segmentdependency d
        JOIN records_segment s ON s.id = d.segment_id AND s.active
    ),
    awaited AS MATERIALIZED (
        SELECT slug FROM unnest(%(types)s::text[]) AS slug
        WHERE slug = ANY(%(derived)s::text[])
            OR EXISTS (SELECT FROM workflows_eventwait w WHERE w.source = %(prefix)s || slug)
            OR EXISTS (SELECT FROM workflows_eventsubscription s WHERE s.source = %(prefix)s || slug)
    ),
    oldest AS MATERIALIZED (
        SELECT id, object_type, kind, properties FROM records_pendingchange ORDER BY id LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    DELETE FROM records_pendingchange p WHERE p.id = ANY(ARRAY(
        SELECT o.id FROM oldest o
        WHERE o.kind <> ALL(%(kept)s) AND o.object_type NOT IN (SELECT slug FROM awaited) AND NOT EXISTS (
            SELECT FROM watched w WHERE w.object_type = o.object_type AND CASE
                WHEN o.kind = %(created)s THEN w.property <> %(links)s
                WHEN o.kind IN (%(associated)s, %(dissociated)s) THEN w.property = %(links)s
                ELSE w.property = %(any)s OR w.property = ANY(o.properties)
            END
        )
    ))
"""


def discard() -> int:
    """Take the oldest changes that no segment, wait or trigger depends on out of the queue; how many there were.

    For who holds the right to dispatch, so that nothing begins to depend on them meanwhile. Deletions always count:
    the record leaves its workflows. So do merges, which may concern anything, and joins and leaves of lists, which are
    queued only for who has asked.
    """
    facts: dict[str, Any] = {
        "types": list(object_types), "derived": [slug for slug, rules in derivations.items() if rules],
        "prefix": source_of(""), "limit": LIMIT, "any": ANY_CHANGE, "links": LINKS,
        "kept": [ChangeKind.DELETED.value, ChangeKind.MERGED.value, *LIST_KINDS], "created": ChangeKind.CREATED.value,
        "associated": ChangeKind.ASSOCIATED.value, "dissociated": ChangeKind.DISSOCIATED.value,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(DISCARD, facts)
        return int(cursor.rowcount)
