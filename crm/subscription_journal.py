"""Subscriptions in the journal: a contact whose status changes is a changed contact.

The change names the property `subscription:TYPE`, so that criteria, waits and the timeline follow it like any other
property, whoever wrote the row.
"""

from __future__ import annotations

import pgtrigger

from crm.models import Subscription
from records.journal_triggers import NEXT_ID, OLD_AND_NEW, ONLY_NEW, ONLY_OLD, CaptureTrigger, written

PREFIX = "subscription:"
NAMES = "ARRAY(SELECT jsonb_object_keys(before || after))"
NOTHING = "'not_specified'"


def property_slug(type_slug: str) -> str:
    """The name under which the journal and the criteria know the status of one subscription type."""
    return f"{PREFIX}{type_slug}"


def changes(rows: str, one: str, before: str, after: str, where: str = "true") -> str:
    """SQL for the journal's rows: the contact of `one`, and its status as it was and as it is."""
    slug = f"'{PREFIX}' || {one}.type"
    return f"""
        SELECT {NEXT_ID} AS id, 'contact' AS object_type, {one}.contact_id AS record_id, 'updated' AS kind,
            jsonb_build_object({slug}, {before}) AS before, jsonb_build_object({slug}, {after}) AS after
        FROM {rows} WHERE {before} <> {after} AND {where}"""


def register_triggers() -> None:
    """Called once, when the apps are ready; `migrate` installs the triggers."""
    both = "new_rows n JOIN old_rows o ON o.id = n.id"
    same = "(o.contact_id, o.type) = (n.contact_id, n.type)"
    updated = [
        changes(both, "n", "o.status", "n.status", same),
        # A row that went to another contact: the one has lost what the other got.
        changes(both, "o", "o.status", NOTHING, f"NOT {same}"),
        changes(both, "n", NOTHING, "n.status", f"NOT {same}"),
    ]
    made, removed = changes("new_rows n", "n", NOTHING, "n.status"), changes("old_rows o", "o", "o.status", NOTHING)
    pgtrigger.register(
        CaptureTrigger(
            name="journal_insert", operation=pgtrigger.Insert, referencing=ONLY_NEW, func=written(made, NAMES)
        ),
        CaptureTrigger(
            name="journal_update", operation=pgtrigger.Update, referencing=OLD_AND_NEW,
            func=written(" UNION ALL ".join(updated), NAMES),
        ),
        CaptureTrigger(
            name="journal_delete", operation=pgtrigger.Delete, referencing=ONLY_OLD, func=written(removed, NAMES)
        ),
    )(Subscription)  # fmt: skip
