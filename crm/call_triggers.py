"""Tracked terms are detected where transcripts are written: by the database, whoever writes them (FLT-11, FLT-12)."""

from __future__ import annotations

import pgtrigger

from crm.models import Call
from records.journal_triggers import RowTrigger

#: The terms of a transcript, as SQL; NULL when there is none.
FOUND = "(SELECT jsonb_agg(slug ORDER BY slug) FROM crm_trackedterm WHERE {transcript} ~* pattern)"
DETECT = f"NEW.tracked_terms := {FOUND.format(transcript='NEW.transcript')}; RETURN NEW;"


def register_call_triggers() -> None:
    """Called once, when the apps are ready; `migrate` installs the triggers. Calls without transcript cost nothing."""
    pgtrigger.register(
        RowTrigger(
            name="detect_insert", operation=pgtrigger.Insert, func=DETECT,
            condition=pgtrigger.Condition("NEW.transcript <> '' OR NEW.tracked_terms IS NOT NULL"),
        ),
        RowTrigger(
            name="detect_update", operation=pgtrigger.Update, func=DETECT,
            condition=pgtrigger.Condition(
                "NEW.transcript IS DISTINCT FROM OLD.transcript "
                "OR NEW.tracked_terms IS DISTINCT FROM OLD.tracked_terms"
            ),
        ),
    )(Call)  # fmt: skip
