"""Soft delete and restore (CRM-19)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from records.journal import change_source
from records.merging.remembering import gone_into, merged_into
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.saving.matching import holders, lock_uniques


def delete_records(object_type: ObjectType, ids: Iterable[int], *, actor: Any = None, source: str = "admin") -> int:
    """Delete records, restorably where the object type allows it; how many there were."""
    with change_source(source, actor=actor):
        records = object_type.records().filter(pk__in=list(ids))
        if object_type.soft_deletes:
            return records.update(deleted_at=Now())
        count = records.count()
        records.delete()
        return count


def restore_records(object_type: ObjectType, ids: Iterable[int], *, actor: Any = None, source: str = "admin") -> int:
    """Bring deleted records back; how many.

    Raises DocumentError, and restores none, when a unique value of one has been taken meanwhile, or when one was
    merged into another: there is no way back from that.
    """
    if not object_type.soft_deletes:
        return 0
    with change_source(source, actor=actor):
        lock_uniques(object_type)
        gone = object_type.model._default_manager.filter(pk__in=list(ids), deleted_at__isnull=False)
        merged = merged_into(object_type, gone.values_list("pk", flat=True))
        problems = [
            Problem("id", gone_into(object_type, pk, winner), pk, code="merged") for pk, winner in merged.items()
        ]
        uniques = [prop for prop in object_type.properties().values() if prop.unique and not prop.read_only]
        records = list(gone) if uniques else []
        for prop in uniques:
            values = [value for record in records if (value := prop.read(record)) is not None]
            for key in holders(object_type, prop, values):
                message = _("Another %(type)s now has the %(property)s “%(value)s”. Change it there first.")
                facts = {"type": object_type.label, "property": prop.label, "value": key}
                problems.append(Problem(prop.slug, message % facts, key, code="taken"))
        if problems:
            raise DocumentError(problems)
        return gone.update(deleted_at=None)
