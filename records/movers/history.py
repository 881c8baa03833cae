"""The journal of the loser becomes part of the winner's: what its values have been, when, and by whom.

The rows are copied, not moved: the journal says what happened to which record, and the loser's own stays true. A copy
says in its source which record it is about (`merged_from`); what asks for the winner's own values leaves copies out
(records.journal.values_at), and what is waited for is not found in them, because it happened before.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from records.journal import MERGED_FROM
from records.merging.movers import SOURCE, Merge, Mover, movers
from records.models import Change, PendingChange
from records.object_types import ObjectType

# What the merge itself does to the loser is not its history. Of a record into which others were merged before, the
# copies go on with what they are about.
COPY = """
    INSERT INTO records_change (id, object_type, record_id, kind, before, after, actor_id, source, depth, at)
    SELECT nextval('records_change_id_seq'), object_type, %(winner)s, kind, before, after, actor_id,
        jsonb_build_object(%(about)s::text, %(loser)s::bigint) || COALESCE(source, '{}'), depth, at
    FROM (
        SELECT * FROM records_change WHERE object_type = %(type)s AND record_id = %(loser)s
            AND NOT COALESCE(source @> %(this)s::jsonb, false) ORDER BY id
    ) AS told
"""


@movers.register
class History(Mover):
    slug = "history"
    # Changes that wait to be dispatched are looked at with the record as it is then, and it is gone.
    tables = (Change._meta.db_table, PendingChange._meta.db_table)

    def tell(self, merge: Merge) -> list[str]:
        return [_("The history of both is shown with the record that stays.")]

    def move(self, merge: Merge) -> None:
        this = {"kind": SOURCE, "winner": merge.winner, "loser": merge.loser}
        facts: dict[str, Any] = {
            **this,
            "type": merge.object_type.slug,
            "about": MERGED_FROM,
            "this": json.dumps(this),
        }
        with connection.cursor() as cursor:
            cursor.execute(COPY, facts)

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        # The copies that a winner has are its own history by now.
        Change.objects.filter(object_type=object_type.slug, record_id__in=ids).delete()
