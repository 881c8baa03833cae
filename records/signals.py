"""Tells, after a commit, that the journal has something new."""

from __future__ import annotations

from typing import Any

from django.db import connections, models, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import Signal

#: Sent once per transaction after the commit of a write made through Django to a registered model or association.
#: Writes that send no signal (update(), bulk_create(), raw SQL) are announced by pg_notify('headrace_changes').
changes_journaled = Signal()


def announce_on_commit(sender: type[models.Model], using: str = "default", **kwargs: Any) -> None:
    """One announcement per transaction: saving a thousand records rings once."""
    from records.models import Association
    from records.object_types import object_types

    models_of_records = {object_type.model for object_type in object_types.values()}
    involved = {sender, kwargs.get("model")} if "pk_set" in kwargs else {sender}
    if not involved & (models_of_records | {Association}):
        return
    waiting = (function for _savepoints, function, _robust in connections[using].run_on_commit)
    if announce not in waiting:
        transaction.on_commit(announce, using=using, robust=True)


def announce() -> None:
    changes_journaled.send_robust(sender=None)


def connect() -> None:
    for signal in (post_save, post_delete, m2m_changed):
        signal.connect(announce_on_commit, dispatch_uid="records.announce_on_commit")
