"""The members of a list: who they are, adding to a static one and removing from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from records.lists.telling import tell
from records.models import Membership, RecordList
from records.object_types import object_types
from records.problems import DocumentError, Problem
from records.segments import Transitions
from records.sql_arrays import array

ADD = """
    INSERT INTO records_membership (segment_id, record_id, since)
    SELECT %(segment)s, record.{key}, %(now)s FROM {table} AS record
    WHERE record.{key} = ANY(%(ids)s::bigint[]) {live}
    ORDER BY record.{key}
    ON CONFLICT DO NOTHING RETURNING record_id
"""
REMOVE = """
    DELETE FROM records_membership WHERE segment_id = %(segment)s AND record_id = ANY(%(ids)s::bigint[])
    RETURNING record_id
"""
HOLD = "SELECT * FROM records_recordlist WHERE id = %s FOR SHARE"


@dataclass(frozen=True)
class Moved:
    """Who was really added or removed; `missing` are ids of no record."""

    ids: list[int]
    missing: list[int] = field(default_factory=list)


def members_of(found: RecordList) -> QuerySet[Membership]:
    """The memberships of records that exist."""
    living = object_types[found.object_type].records().values("pk")
    return Membership.objects.filter(segment=found.segment_id, record_id__in=living)


def add(found: RecordList, ids: Iterable[int], *, now: dt.datetime) -> Moved:
    """Add records to a static list; who is in it stays since when they are. Raises DocumentError for an active one.

    Who does so is the surrounding `change_source`.
    """
    asked = set(ids)
    kind = object_types[found.object_type]
    quote = connection.ops.quote_name
    live = "AND record.deleted_at IS NULL" if kind.soft_deletes else ""
    with transaction.atomic():
        found = held(found)
        joined = run(ADD.format(table=quote(kind.table), key=quote(kind.key), live=live), found, asked, now)
        tell(found, Transitions(joined, []), now)
        others = asked - set(joined)
        known = set(kind.records().filter(pk__in=others).values_list("pk", flat=True)) if others else set()
    return Moved(joined, sorted(others - known))


def remove(found: RecordList, ids: Iterable[int], *, now: dt.datetime) -> Moved:
    """Remove records from a static list. Raises DocumentError for an active one."""
    with transaction.atomic():
        found = held(found)
        left = run(REMOVE, found, ids, now)
        tell(found, Transitions([], left), now)
    return Moved(left)


def held(found: RecordList) -> RecordList:
    """The list as it is now, kept from being converted, deleted or newly watched until the transaction ends.

    Any number of writers hold it at once. Raises DocumentError for an active list, and for one that is gone.
    """
    current = next(iter(RecordList.objects.raw(HOLD, [found.pk])), None)
    if current is None:
        message = _("The list “%(name)s” does not exist any more. Choose another one.")
        raise DocumentError([Problem("", message % {"name": found.name}, code="gone")])
    if current.is_active:
        message = _("“%(name)s” is an active list: its criteria say who is in it. Choose a static list.")
        raise DocumentError([Problem("", message % {"name": current.name}, code="active_list")])
    return current


def run(sql: str, found: RecordList, ids: Iterable[int], now: dt.datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"segment": found.segment_id, "ids": array(sorted(ids)), "now": now})
        return sorted(pk for (pk,) in cursor.fetchall())
