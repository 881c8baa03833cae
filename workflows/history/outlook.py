"""What will be forgotten next, and when: the months that are held, with about how much is in each."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from workflows.history import retention
from workflows.history.retention import Log

LABELS: dict[str, str | Promise] = {
    "workflows_stepexecution": gettext_lazy("The log of steps"),
    "records_event": gettext_lazy("Events"),
    "records_change": gettext_lazy("Changes of records"),
}
# What PostgreSQL has counted last, which costs nothing; -1 where it never has.
SIZES = """
    SELECT child.relname, child.reltuples::bigint, pg_total_relation_size(child.oid) FROM pg_inherits i
    JOIN pg_class child ON child.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(%s) ORDER BY child.relname
"""


@dataclass(frozen=True)
class Month:
    """One month that is held: about how many rows, how many bytes, and when it goes as a whole.

    `rows` is None where PostgreSQL has not counted yet.
    """

    first: dt.date
    rows: int | None
    size: int
    goes_at: dt.datetime


@dataclass(frozen=True)
class Kept:
    """A table that only grows: how long it is kept, and its months, the oldest first."""

    label: str | Promise
    setting: str
    days: int
    months: list[Month] = field(default_factory=list)

    def due(self, now: dt.datetime) -> list[Month]:
        """The months that go at once: within the hour where a clock runs."""
        return [month for month in self.months if month.goes_at <= now]


def outlook(now: dt.datetime) -> list[Kept]:
    """Everything that is forgotten by months, with the months up to now."""
    return [Kept(LABELS[log.table], log.setting, log.days, months_of(log, now)) for log in retention.LOGS]


def months_of(log: Log, now: dt.datetime) -> list[Month]:
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [log.table])
        rows = cursor.fetchall()
    found = []
    for name, count, size in rows:
        month = re.fullmatch(re.escape(log.table) + r"_(\d{4})_(\d\d)", name)
        if month is None or (first := dt.date(int(month[1]), int(month[2]), 1)) > now.date():
            continue
        goes_at = retention.month_after(first.year, first.month) + dt.timedelta(days=log.days)
        found.append(Month(first, count if count >= 0 else None, size, goes_at))
    return found


def others() -> list[tuple[str | Promise, str, int]]:
    """What is forgotten row by row: its name, its setting, its days (0 for ever)."""
    return [
        (gettext_lazy("Mails and requests that were sent"), "KEEP_DELIVERIES_DAYS", settings.KEEP_DELIVERIES_DAYS),
        (gettext_lazy("Enrollments, after their end"), "KEEP_ENROLLMENTS_DAYS", retention.enrollment_days()),
    ]
