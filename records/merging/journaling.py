"""A merge in the journal: a change of the record that stays, which names the one that went into it."""

from __future__ import annotations

import pgtrigger
from django.db import models

from records.journal_triggers import NEXT_ID, ONLY_NEW, CaptureTrigger, written

MADE = f"""
    SELECT {NEXT_ID} AS id, n.object_type, n.winner_id AS record_id, 'merged' AS kind, '{{}}'::jsonb AS before,
        jsonb_build_object('merged', n.record_id) AS after
    FROM new_rows n"""


def track_merges(model: type[models.Model]) -> None:
    """Register the trigger of the table of merged records; `migrate` installs it."""
    trigger = CaptureTrigger(
        name="journal_insert", operation=pgtrigger.Insert, referencing=ONLY_NEW, func=written(MADE)
    )
    pgtrigger.register(trigger)(model)
