"""The trash is emptied: deleted records go for good some time after, with what belongs to them (CRM-19, LIM-09)."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from typing import Any

import pgtrigger
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, RestrictedError

from records.merging.movers import movers
from records.object_types import ObjectType, object_types

logger = logging.getLogger(__name__)
#: Days for which deleted records can be restored where the installation does not say otherwise.
USUAL_DAYS = 90
#: Records erased in one transaction.
PORTION = 200
#: What something else holds on to, by object type: left alone by this process, once the log has told of it.
held: dict[str, set[int]] = {}


def days() -> int:
    """For how many days deleted records can be restored (KEEP_DELETED_DAYS), at least one."""
    return max(int(getattr(settings, "KEEP_DELETED_DAYS", USUAL_DAYS)), 1)


def erased_at(record: Any) -> dt.datetime | None:
    """From when on a deleted record may be erased; None for one that is not deleted."""
    deleted: dt.datetime | None = getattr(record, "deleted_at", None)
    return deleted + dt.timedelta(days=days()) if deleted else None


def erase(now: dt.datetime) -> int:
    """Erase one portion of what was deleted too long ago to be restored; how many records, 0 at the end.

    Several processes may call it. A record that is being restored is left to whoever does that.
    """
    before = now - dt.timedelta(days=days())
    for object_type in list(object_types.values()):
        if object_type.soft_deletes:
            count = erase_some(object_type, before)
            if count:
                return count
    return 0


def erase_some(object_type: ObjectType, before: dt.datetime) -> int:
    old = object_type.model._default_manager.filter(deleted_at__lt=before)
    old = old.exclude(pk__in=held.get(object_type.slug, ())).order_by("deleted_at", "pk")
    with transaction.atomic():
        # Without the order of the ids two who erase at once could wait for each other; skipped is who is locked.
        locked = old.select_for_update(skip_locked=True, of=("self",))
        ids = sorted(locked.values_list("pk", flat=True)[:PORTION])
        return erased(object_type, ids) if ids else 0


def erased(object_type: ObjectType, ids: list[int]) -> int:
    """Erase records all at once; one by one where another row does not let one of them go."""
    try:
        remove(object_type, ids)
        return len(ids)
    except (ProtectedError, RestrictedError, IntegrityError) as error:
        if len(ids) > 1:
            return sum(erased(object_type, [pk]) for pk in ids)
        held.setdefault(object_type.slug, set()).update(ids)
        logger.error("The deleted %s %s cannot be erased: %s", object_type.slug, ids[0], error)
        return 0


def remove(object_type: ObjectType, ids: Iterable[int]) -> None:
    """Remove records with what belongs to them.

    Nothing is journaled: for everybody they have been gone since they were deleted, and the journal would keep what
    is to be forgotten.
    """
    wanted = list(ids)
    with pgtrigger.ignore(), transaction.atomic():
        for mover in movers.values():
            mover.erase(object_type, wanted)
        object_type.model._default_manager.filter(pk__in=wanted).delete()
