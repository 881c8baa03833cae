"""The log of all workflows together, in the order its lines were written: a page at a time, by number.

No index has the lines of all versions by time, as every step would write it. Their numbers have one of ranges of
pages: through it a bounded number of the newest lines is looked through, whatever is asked and however many versions
there are. A page that looked through all of them says how far it has come, and the next goes on there.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from workflows.history.action_log import Asked, Key, Page, joined, where
from workflows.models import StepExecution

#: Lines a page looks back through: first a few, which is enough as a rule, then more.
LOOKS = (1_000, 20_000, 100_000)
#: A line of a transaction that took long has an older time than its neighbours: by so much at most.
APART = dt.timedelta(minutes=10)
#: How many numbers in a row a search for a time tries: those of what was taken back are missing.
GAP = 2_000
PAGE = """
    SELECT x.* FROM workflows_stepexecution x
    WHERE x.id >= %(floor)s AND x.id < %(top)s AND x.revision_id = ANY(%(revisions)s::bigint[]) {narrowed}
    ORDER BY x.id DESC LIMIT %(limit)s
"""
NEWEST = "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence('workflows_stepexecution', 'id')), 0)"
OLDER = "SELECT EXISTS (SELECT FROM workflows_stepexecution x WHERE x.id < %(floor)s)"
NEXT = "SELECT x.at FROM workflows_stepexecution x WHERE x.id >= %(id)s AND x.id < %(end)s ORDER BY x.id LIMIT 1"


def page(asked: Asked, size: int, before: Key | None = None, *, now: dt.datetime) -> Page:
    """The newest lines before a key (of all) of the versions asked for, `size` at most; only its number counts.

    `now` is named as far as it looked back where what follows has no lines that could say it.
    """
    top = before.id if before else first_after(asked.until) if asked.until else newest() + 1
    found: list[StepExecution] = []
    reached: dt.datetime | None = None
    for look in LOOKS:
        floor = max(top - look, 0)
        found = lines(asked, floor, top, size + 1)
        if len(found) > size:
            last = found[size - 1]
            return Page(found[:size], Key(last.at, last.pk))
        reached = time_at(floor)
        ended = asked.since is not None and reached is not None and reached < asked.since - APART
        if ended or floor == 0 or not one(OLDER, floor=floor):
            return Page(found)
    moment = reached or now
    return Page(found, Key(moment, floor), moment)


def lines(asked: Asked, floor: int, top: int, limit: int) -> list[StepExecution]:
    """The newest lines with a number from `floor` on and below `top`."""
    conditions, facts = where(asked, None)
    facts |= {"floor": floor, "top": top, "limit": limit}
    return list(StepExecution.objects.raw(PAGE.format(narrowed=joined(conditions)), facts))


def newest() -> int:
    """The number of the last line that was written, or that somebody is about to write."""
    return int(one(NEWEST))


def first_after(moment: dt.datetime) -> int:
    """A number below which all lines up to a moment are, few later ones among them."""
    low, high = 0, newest() + 1
    while high - low > GAP:
        middle = (low + high) // 2
        at = time_at(middle)
        if at is not None and at > moment + APART:
            high = middle
        else:
            low = middle
    return high


def time_at(number: int) -> dt.datetime | None:
    """When the first line from a number on was written; None where the numbers that follow are missing."""
    found: dt.datetime | None = one(NEXT, id=number, end=number + GAP)
    return found


def one(sql: str, **facts: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        row = cursor.fetchone()
    return row[0] if row else None
