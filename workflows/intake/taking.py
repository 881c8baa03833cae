"""What a round of dispatching begins with: whether there is anything, and in one round trip the right to dispatch, the
oldest changes and events, and which of the rest there is any reason to ask for.

A round that finds one change asks a dozen things of which hardly any is there, and a round trip costs more than the
asking.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, models

from records.models import PendingChange, PendingEvent

#: From so many waiting changes on they are looked through in bulk first (workflows.intake.discarding).
CROWD = 200
#: Key of the lock that lets one transaction at a time dispatch or publish.
LOCK_KEY = "7301, 1"
# Until the transaction ends nothing is compiled just in time either: for criteria that takes longer than running them.
LOCK = f"SELECT set_config('jit', 'off', true), pg_advisory_xact_lock({LOCK_KEY})"
# By the index, so that what was taken lately, and is not swept away yet, is passed over.
GLANCE = f"""
    SELECT (SELECT count(*) FROM (SELECT id FROM records_pendingchange ORDER BY id LIMIT {CROWD + 1}) waiting),
        (SELECT id FROM records_pendingevent ORDER BY id LIMIT 1) IS NOT NULL
        OR EXISTS (SELECT FROM workflows_eventwait WHERE check_at <= statement_timestamp())
        OR EXISTS (SELECT FROM records_segment WHERE active AND time_sensitive AND {{due}})
        OR EXISTS (SELECT FROM workflows_hindrance WHERE due_at <= %(now)s)
"""
# An array, so that the rows are looked up once: for IN the planner may ask again for each row of the table.
TAKE = """
    DELETE FROM {table} WHERE id = ANY(ARRAY(
        SELECT id FROM {table} ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )) RETURNING {columns}
"""
# After the changes were taken: a wait that is not seen here is committed later, and looked at once by itself then.
REST = """
    SELECT EXISTS (SELECT FROM workflows_eventwait), EXISTS (SELECT FROM workflows_eventsubscription),
        EXISTS (SELECT FROM records_segment WHERE active AND time_sensitive AND {due}),
        (SELECT min(due_at) <= %(now)s FROM workflows_hindrance)
"""
DUE = "(check_at IS NULL OR check_at <= %(now)s)"
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Taken:
    """Pending changes and events, oldest first, gone from their queues; and whether anybody waits for an event, any
    workflow is enrolled into by one, and time may have changed any segment.

    `hindered`: whether anything that was set aside is to be tried again; None when nothing is set aside.
    """

    changes: list[PendingChange]
    events: list[PendingEvent]
    waits: bool
    subscriptions: bool
    segments: bool
    hindered: bool | None


def glance(now: dt.datetime) -> tuple[bool, bool]:
    """Whether anything is to be dispatched, and whether that is many changes."""
    with connection.cursor() as cursor:
        cursor.execute(GLANCE.format(due=DUE), {"now": now})
        changes, others = cursor.fetchone()
    return bool(changes or others), changes > CROWD


def lock_dispatching() -> None:
    """Wait for the right to dispatch or publish; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)


def take(now: dt.datetime, limit: int) -> Taken:
    """Wait for the right to dispatch, and take at most so many changes and events out of their queues."""
    statements = (LOCK, taking(PendingChange), taking(PendingEvent), REST.format(due=DUE))
    with connection.cursor() as cursor:
        cursor.execute(";".join(statements), {"now": now, "limit": limit})
        cursor.nextset()
        changes = taken(PendingChange, cursor.fetchall())
        cursor.nextset()
        events = taken(PendingEvent, cursor.fetchall())
        cursor.nextset()
        return Taken(changes, events, *cursor.fetchone())


def take_events(limit: int) -> list[PendingEvent]:
    """Take further events, such as follow from the changes that were taken."""
    with connection.cursor() as cursor:
        cursor.execute(taking(PendingEvent), {"limit": limit})
        return taken(PendingEvent, cursor.fetchall())


def taking(model: type[models.Model]) -> str:
    columns = ", ".join(str(field.column) for field in model._meta.concrete_fields)
    return TAKE.format(table=model._meta.db_table, columns=columns)


def taken(model: type[Row], rows: list[tuple[Any, ...]]) -> list[Row]:
    """Rows as the database gave them, as objects in their order."""
    fields = model._meta.concrete_fields
    readers = [field.get_db_converters(connection) for field in fields]
    found = []
    for row in rows:
        values = []
        for field, converters, value in zip(fields, readers, row, strict=True):
            for convert in converters:
                value = convert(value, field, connection)
            values.append(value)
        found.append(model.from_db(connection.alias, [field.attname for field in fields], values))
    return sorted(found, key=lambda one: one.pk)
