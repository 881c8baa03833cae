"""Tells, after a commit, that the journal has something new."""

from __future__ import annotations

from typing import Any

from django.db import connections, models, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import Signal

#: Sent once per transaction after the commit of a write made through Django to a registered model or association.
#: Writes that send no signal (update(), bulk_create(), raw SQL) are announced by pg_notify('headrace_changes').
changes_journaled = Signal()


def announce_on_commit(using: str = "default", **kwargs: Any) -> None:
    """One announcement per transaction: saving a thousand records rings once."""
    waiting = (entry[1] for entry in connections[using].run_on_commit)
    if announce not in waiting:
        transaction.on_commit(announce, using=using, robust=True)


def announce() -> None:
    changes_journaled.send_robust(sender=None)


def announce_changes_of(model: type[models.Model]) -> None:
    """Listen to one model only: a receiver for all would cost every model its fast deletes."""
    for signal in (post_save, post_delete):
        signal.connect(announce_on_commit, sender=model, dispatch_uid="records.announce_on_commit")


def announce_links_of(through: type[models.Model]) -> None:
    """Listen to the links of a many-to-many relation."""
    m2m_changed.connect(announce_on_commit, sender=through, dispatch_uid="records.announce_on_commit")
