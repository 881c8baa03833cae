"""What is forgotten after a time: the log of steps, and the events and changes that filters ask for (HIS-01, HIS-03).

The tables are partitioned by month: whole months go at once, and what lies in the partition for everything else goes
in portions. So do mails and requests that were sent, with all they say, and scripts' results nobody waits for.
Enrollments are kept, because that a record was inside decides whether it may enter again (TRG-07); an installation
that says how long forgets those that ended before (HIS-02).
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import errors

from workflows.enrollment.announcing import announce

logger = logging.getLogger(__name__)
#: Rows deleted in one transaction.
PORTION = 5_000
#: Whoever drops a month waits no longer than this for those who read the table, lest others wait behind it.
PATIENCE = "1s"
#: Filters may ask for what happened in the last two years: less cannot be kept of it (HIS-03).
SHORTEST_DAYS = 730
MONTHS = """
    SELECT child.relname FROM pg_inherits i
    JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE parent.oid = to_regclass(%s) ORDER BY child.relname
"""
# What a record that still stands on the step would read, or send a second time without it, stays. So does what waits
# for a person to decide.
OLD_DELIVERIES = """
    DELETE FROM workflows_delivery WHERE id = ANY(ARRAY(
        SELECT d.id FROM workflows_delivery d
        WHERE d.state IN ('done', 'skipped') AND d.done_at < %(before)s AND NOT EXISTS (
            SELECT FROM workflows_enrollment e
            WHERE e.id = d.enrollment_id AND e.status = 'active'
                AND starts_with(d.key, e.id || ':' || e.step || ':' || e.visit)
        )
        LIMIT %(portion)s FOR UPDATE SKIP LOCKED
    ))
"""
# Of who left, or went past the step because the workflow was off: others are gone once their step goes on.
LEFT_RUNS = """
    DELETE FROM workflows_coderun WHERE enrollment_id = ANY(ARRAY(
        SELECT r.enrollment_id FROM workflows_coderun r
        WHERE r.due_at IS NULL AND r.since < %(before)s AND NOT EXISTS (
            SELECT FROM workflows_enrollment e
            WHERE e.id = r.enrollment_id AND e.status = 'active' AND e.step = r.step AND e.visit = r.visit
        )
        LIMIT %(portion)s FOR UPDATE SKIP LOCKED
    ))
"""
# The oldest, by their ids, which come in order of time: so many are looked at, as those inside and those that wait for
# a person to decide stay. What is still to be sent for one, or run, keeps it, too.
OLD_ENROLLMENTS = """
    SELECT e.id FROM (SELECT id FROM workflows_enrollment ORDER BY id LIMIT %(look)s) oldest
    JOIN workflows_enrollment e ON e.id = oldest.id
    WHERE e.ended_at < %(before)s AND e.status <> 'active' AND NOT (e.status = 'failed' AND e.step <> '')
        AND NOT EXISTS (SELECT FROM workflows_coderun r WHERE r.enrollment_id = e.id)
        AND NOT EXISTS (
            SELECT FROM workflows_delivery d WHERE d.enrollment_id = e.id AND d.state NOT IN ('done', 'skipped')
        )
    ORDER BY e.id LIMIT %(portion)s FOR UPDATE OF e SKIP LOCKED
"""
#: How many of the oldest enrollments are looked at.
OLDEST = 50_000
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Log:
    """A table that only grows: the column of its time, and the setting that says how many days of it are kept."""

    table: str
    column: str
    setting: str
    shortest: int = 1

    @property
    def days(self) -> int:
        return max(int(getattr(settings, self.setting)), self.shortest)


#: What failed is forgotten with the last line of the log that tells of it.
ISSUES = Log("workflows_issue", "last_at", "KEEP_STEP_LOG_DAYS")
#: The log of steps (HIS-01).
STEPS = Log("workflows_stepexecution", "at", "KEEP_STEP_LOG_DAYS")
LOGS = (
    STEPS,
    Log("records_event", "occurred_at", "KEEP_EVENTS_DAYS", SHORTEST_DAYS),
    Log("records_change", "at", "KEEP_CHANGES_DAYS", SHORTEST_DAYS),
)
#: That a sender's id was seen is of no use once its event is gone.
KEYS = Log("records_eventkey", "at", "KEEP_EVENTS_DAYS", SHORTEST_DAYS)


def prune(now: dt.datetime) -> int:
    """Forget one portion of what is older than it is kept: a month, or some thousand rows; how much, 0 at the end.

    Several processes may call it. What nobody has dispatched yet stays as long as it waits.
    """
    for log in LOGS:
        before = now - dt.timedelta(days=log.days)
        done = drop_month(log, before) or delete_rows(f"{log.table}_default", log.column, before)
        if done:
            return done
    sent = now - dt.timedelta(days=max(settings.KEEP_DELIVERIES_DAYS, 1))
    return (
        delete_rows(KEYS.table, KEYS.column, now - dt.timedelta(days=KEYS.days))
        or delete_rows(ISSUES.table, ISSUES.column, now - dt.timedelta(days=ISSUES.days))
        or delete_portion(OLD_DELIVERIES, sent)
        or delete_portion(LEFT_RUNS, now - HOUR)
        or forget_enrollments(now)
    )


def enrollment_days() -> int:
    """How many days an enrollment is kept after its end; 0 for ever."""
    days = int(settings.KEEP_ENROLLMENTS_DAYS)
    return max(days, SHORTEST_DAYS) if days > 0 else 0


def forget_enrollments(now: dt.datetime) -> int:
    """Forget a portion of those that ended too long ago; criteria that ask for them are looked at again."""
    if not (days := enrollment_days()):
        return 0
    facts: dict[str, Any] = {"before": now - dt.timedelta(days=days), "portion": PORTION, "look": OLDEST}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OLD_ENROLLMENTS, facts)
        ids = [pk for (pk,) in cursor.fetchall()]
        announce(ids)
        cursor.execute("DELETE FROM workflows_enrollment WHERE id = ANY(%s)", [ids])
    return len(ids)


def drop_month(log: Log, before: dt.datetime) -> int:
    """Drop the oldest month that ended before an instant; 0 when there is none, or when it is being read."""
    for name in months(log.table):
        found = re.fullmatch(re.escape(log.table) + r"_(\d{4})_(\d\d)", name)
        if found and month_after(int(found[1]), int(found[2])) <= before:
            return dropped(name)
    return 0


def months(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, [table])
        return [name for (name,) in cursor.fetchall()]


def month_after(year: int, month: int) -> dt.datetime:
    """The first instant after a month."""
    return dt.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=dt.UTC)


def dropped(name: str) -> int:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(name)}")
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
            raise
        logger.info("%s is being read and is dropped later.", name)
        return 0
    logger.info("%s was dropped: it is not kept so long.", name)
    return 1


def delete_rows(table: str, column: str, before: dt.datetime) -> int:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {quote(table)} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {quote(table)} "
            f"WHERE {quote(column)} < %s LIMIT %s FOR UPDATE SKIP LOCKED))",
            [before, PORTION],
        )
        return int(cursor.rowcount)


def delete_portion(sql: str, before: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"before": before, "portion": PORTION})
        return int(cursor.rowcount)
