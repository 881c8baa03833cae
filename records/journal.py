"""The journal: who says what caused the changes, and what values were at an instant.

The rows are written by the triggers of records.capture, in the transaction of whatever changed the record.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, QuerySet

from records.models import Change, ChangeKind
from records.object_types import ObjectType

SETTING = "headrace.source"
#: In the source of a change: the record it is about, which was merged into the one that has it now.
MERGED_FROM = "merged_from"


@contextmanager
def change_source(kind: str, *, actor: Any = None, depth: int = 0, **facts: Any) -> Iterator[None]:
    """Say what causes the changes made inside, in one transaction; however they are made, the triggers read it.

    `kind` is "admin", "api", "import", "form", "survey", "sequence", "workflow", "merge", "marketing", "reminder",
    "command" or "demo"; `actor` a user or their id; `depth` counts the workflows in the causal chain; `facts` are
    kept with each change. An inner source replaces the outer one until it ends.
    """
    with transaction.atomic():
        outer = swap_setting(source_text(kind, actor, depth, facts))
        yield
        # After an error there is nothing to put back: the rollback has done it.
        swap_setting(outer)


def set_source(kind: str, *, actor: Any = None, depth: int = 0, **facts: Any) -> None:
    """Like `change_source`, until the transaction ends or another source is set."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, source_text(kind, actor, depth, facts)])


@contextmanager
def same_source() -> Iterator[None]:
    """Put the source back that was set before, where what follows is in the same transaction."""
    nested = len(connection.atomic_blocks) > 1
    outer = swap_setting("") if nested else ""
    yield
    if nested:
        swap_setting(outer)


def source_text(kind: str, actor: Any, depth: int, facts: dict[str, Any]) -> str:
    source = {"kind": kind, **facts}
    if actor is not None:
        source["actor"] = actor.pk if isinstance(actor, Model) else actor
    if depth:
        source["depth"] = depth
    return json.dumps(source)


def swap_setting(value: str) -> str:
    """Set the transaction's source and return the one before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true), set_config(%s, %s, true)", [SETTING, SETTING, value])
        return cursor.fetchone()[0] or ""


def changes_of(object_type: ObjectType, record_id: int) -> QuerySet[Change]:
    """The changes of one record, newest first."""
    return Change.objects.filter(object_type=object_type.slug, record_id=record_id).order_by("-id")


def values_at(object_type: ObjectType, record_id: int, at: dt.datetime) -> dict[str, Any]:
    """Every property of a record as it was at an instant, None where it was blank; {} when it did not exist.

    Starts from the values of today and takes back what the journal says happened since. What the journal tells of
    records that were merged into this one is not this one's.
    """
    properties = {slug: prop for slug, prop in object_type.properties().items() if prop.calculated is None}
    record = object_type.model._default_manager.filter(pk=record_id).first()
    values = {slug: prop.read(record) if record else None for slug, prop in properties.items()}
    exists = record is not None and getattr(record, "deleted_at", None) is None
    later = changes_of(object_type, record_id).filter(at__gt=at).exclude(source__has_key=MERGED_FROM)
    for change in later.exclude(kind__in=[ChangeKind.ASSOCIATED, ChangeKind.DISSOCIATED]):
        exists = {ChangeKind.CREATED: False, ChangeKind.DELETED: True}.get(ChangeKind(change.kind), exists)
        for slug in change.before.keys() & properties.keys():
            values[slug] = properties[slug].stored(change.before[slug])
    return values | {"id": record_id} if exists else {}
