"""The log of a workflow's steps, newest first: a page at a time, by key, however long it is (HIS-08, HIS-09).

Each version's lines are read by index from the newest on. Filters that no index answers look back through a bounded
number of lines; a page that looked through all of them says how far it has come, and the next goes on there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy

from workflows.models import Outcome, StepExecution
from workflows.models.issue import REASON_LENGTH

#: Lines of each version a page with filters looks back through: first a few, which is enough as a rule, then more.
LOOKS = (500, 10_000, 100_000)
#: What a line tells, by the kinds people ask for (HIS-09).
PROGRESS, SUCCESS, ALERT, ERROR = "progress", "success", "alert", "error"
KINDS = {
    PROGRESS: (gettext_lazy("Progress"), (Outcome.WAITING, Outcome.RETRYING)),
    SUCCESS: (gettext_lazy("Success"), (Outcome.SUCCESS,)),
    ALERT: (gettext_lazy("Alerts"), (Outcome.SKIPPED,)),
    ERROR: (gettext_lazy("Errors"), (Outcome.FAILED,)),
}
#: The reason of a line `x`, as SQL.
REASON = f"left(COALESCE(x.detail ->> 'reason', ''), {REASON_LENGTH})"
PAGE = """
    SELECT x.* FROM unnest(%(revisions)s::bigint[]) AS r (id) CROSS JOIN LATERAL (
        SELECT * FROM workflows_stepexecution x WHERE x.revision_id = r.id {narrowed}
        ORDER BY x.at DESC, x.id DESC LIMIT %(limit)s
    ) x
    ORDER BY x.at DESC, x.id DESC LIMIT %(limit)s
"""
# Few enrollments are asked for: their lines are found by enrollment.
OF_ENROLLMENTS = """
    SELECT x.* FROM workflows_stepexecution x WHERE x.enrollment_id = ANY(%(enrollments)s::bigint[]) {narrowed}
    ORDER BY x.at DESC, x.id DESC LIMIT %(limit)s
"""
# The line behind those that are looked through; of several versions the newest one, up to which all have been read.
HORIZON = """
    SELECT max(x.at) FROM unnest(%(revisions)s::bigint[]) AS r (id) CROSS JOIN LATERAL (
        SELECT x.at FROM workflows_stepexecution x WHERE x.revision_id = r.id {narrowed}
        ORDER BY x.at DESC OFFSET %(look)s LIMIT 1
    ) x
"""


@dataclass(frozen=True)
class Key:
    """The place in the log behind which a page begins: a line's time and number."""

    at: dt.datetime
    id: int


@dataclass(frozen=True)
class Asked:
    """Which lines of a workflow's versions; everything that is None or empty lets all through.

    `outcomes` are values of Outcome, `branch` the number of a branch taken, `enrollments` ids, `reason` the code of
    why a step was skipped or failed ("" for none), as far as issues tell reasons apart.
    """

    revisions: Sequence[int]
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    actions: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    step: str = ""
    branch: int | None = None
    reason: str | None = None
    enrollments: Sequence[int] | None = None

    @property
    def indexed(self) -> bool:
        """Whether an index leads to exactly these lines."""
        narrowed = self.actions or self.step or self.branch is not None or self.reason is not None
        return not narrowed and (not self.outcomes or list(self.outcomes) == [Outcome.FAILED])


@dataclass(frozen=True)
class Page:
    """Some lines. `older` is where the next page begins, None on the last.

    `looked_back_to` is set where the page is not full although there is more: so far its filters were asked.
    """

    lines: list[StepExecution]
    older: Key | None = None
    looked_back_to: dt.datetime | None = None


def page(asked: Asked, size: int, before: Key | None = None) -> Page:
    """The newest lines before a key (of all), `size` at most."""
    if asked.enrollments is not None or asked.indexed:
        return cut(lines(asked, size + 1, before), size)
    found = Page([])
    for look in LOOKS:
        horizon = horizon_of(asked, look, before)
        found = cut(lines(asked, size + 1, before, horizon), size)
        if horizon is None or found.older is not None:
            return found
        found = replace(found, older=Key(horizon, 0), looked_back_to=horizon)
    return found


def cut(found: list[StepExecution], size: int) -> Page:
    last = found[size - 1] if len(found) > size else None
    return Page(found[:size], Key(last.at, last.pk) if last else None)


def lines(asked: Asked, limit: int, before: Key | None, horizon: dt.datetime | None = None) -> list[StepExecution]:
    """The lines from `horizon` on, which counts itself."""
    conditions, facts = where(asked, before)
    if horizon is not None:
        conditions.append("x.at >= %(horizon)s")
    statement = PAGE if asked.enrollments is None else OF_ENROLLMENTS
    facts |= {"horizon": horizon, "limit": limit, "enrollments": list(asked.enrollments or ())}
    return list(StepExecution.objects.raw(statement.format(narrowed=joined(conditions)), facts))


def horizon_of(asked: Asked, look: int, before: Key | None) -> dt.datetime | None:
    """The time of the oldest line to be looked at; None where there are no more than `look` of any version."""
    conditions, facts = where(Asked(asked.revisions, asked.since, asked.until), before)
    with connection.cursor() as cursor:
        cursor.execute(HORIZON.format(narrowed=joined(conditions)), facts | {"look": look})
        found: dt.datetime | None = cursor.fetchone()[0]
    return found


def where(asked: Asked, before: Key | None) -> tuple[list[str], dict[str, Any]]:
    """What lines must meet, as SQL about `x`, and the values in it."""
    conditions = {
        "x.at >= %(since)s": asked.since is not None,
        "x.at <= %(until)s": asked.until is not None,
        "x.outcome = %(outcome)s": len(asked.outcomes) == 1,
        "x.outcome = ANY(%(outcomes)s)": len(asked.outcomes) > 1,
        "x.action = ANY(%(actions)s)": bool(asked.actions),
        "x.step = %(step)s": bool(asked.step),
        "x.detail ->> 'branch' = %(branch)s": asked.branch is not None,
        f"{REASON} = %(reason)s": asked.reason is not None,
        "x.revision_id = ANY(%(revisions)s::bigint[])": asked.enrollments is not None,
        "x.at <= %(at)s AND (x.at, x.id) < (%(at)s, %(id)s)": before is not None,
    }
    facts: dict[str, Any] = {
        "revisions": list(asked.revisions), "since": asked.since, "until": asked.until,
        "outcome": str(asked.outcomes[0]) if asked.outcomes else "", "outcomes": [str(one) for one in asked.outcomes],
        "actions": list(asked.actions), "step": asked.step, "branch": str(asked.branch), "reason": asked.reason,
    }  # fmt: skip
    if before is not None:
        facts |= {"at": before.at, "id": before.id}
    return [condition for condition, wanted in conditions.items() if wanted], facts


def joined(conditions: list[str]) -> str:
    return "".join(f" AND {condition}" for condition in conditions)
