"""How often each action may ask in a month, and what that has taken (AIA-06, LIM-15)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from workflows.models import AIUse

# The row of the month, made if there is none, and locked until the transaction ends: so none is counted twice.
COUNTED = """
    INSERT INTO workflows_aiuse (action, month) VALUES (%(action)s, %(month)s)
    ON CONFLICT (action, month) DO UPDATE SET executions = workflows_aiuse.executions RETURNING executions
"""
COUNT = (
    "UPDATE workflows_aiuse SET executions = executions + %(count)s WHERE action = %(action)s AND month = %(month)s"
)
SPENT = """
    INSERT INTO workflows_aiuse (action, month, input_tokens, output_tokens)
    VALUES (%(action)s, %(month)s, %(read)s, %(written)s)
    ON CONFLICT (action, month) DO UPDATE SET
        input_tokens = workflows_aiuse.input_tokens + EXCLUDED.input_tokens,
        output_tokens = workflows_aiuse.output_tokens + EXCLUDED.output_tokens
"""


def limit() -> int:
    """Executions of one action in a month at most."""
    return int(getattr(settings, "AI_MONTHLY_LIMIT", 3_000))


def month_of(now: dt.datetime) -> dt.date:
    """The first day of the month, in UTC."""
    return now.astimezone(dt.UTC).date().replace(day=1)


def take(action: str, wanted: int, now: dt.datetime) -> int:
    """Count up to `wanted` executions of an action, for good when the transaction commits; how many are permitted."""
    facts: dict[str, Any] = {"action": action, "month": month_of(now)}
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, facts)
        permitted = max(min(wanted, limit() - cursor.fetchone()[0]), 0)
        cursor.execute(COUNT, facts | {"count": permitted})
    return permitted


def take_each(actions: Sequence[str], now: dt.datetime) -> list[bool]:
    """`take` one execution of each of these actions, those of one action in their order; which are permitted."""
    left = {action: take(action, count, now) for action, count in sorted(Counter(actions).items())}
    found = []
    for action in actions:
        found.append(left[action] > 0)
        left[action] -= 1
    return found


def spent(action: str, read: int, written: int, now: dt.datetime) -> None:
    """Note the tokens one request took: those the model read, and those it wrote."""
    facts: dict[str, Any] = {"action": action, "month": month_of(now), "read": read, "written": written}
    with connection.cursor() as cursor:
        cursor.execute(SPENT, facts)


def uses(now: dt.datetime) -> dict[str, AIUse]:
    """What each action has used in the month of `now`, by its slug; those that have not asked are left out."""
    return {use.action: use for use in AIUse.objects.filter(month=month_of(now))}
