"""Failures of steps become issues: gathered from the log, marked as fixed, ignored or put off (HIS-12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from records.sql_arrays import array
from workflows.definitions import checking
from workflows.history.action_log import REASON
from workflows.history.retention import STEPS
from workflows.models import AuditEntry, Issue, StepExecution
from workflows.models.issue import CAME_BACK
from workflows.rights.opening import changeable

State = Issue.State
#: What commits late has an older time: so far back is looked again.
OVERLAP = dt.timedelta(minutes=10)
#: How long an issue may be put off.
DAYS = {"day": 1, "week": 7, "month": 30}
FIX, IGNORE, REMIND, REOPEN = "fix", "ignore", "remind", "reopen"
STATES = {FIX: State.FIXED, IGNORE: State.IGNORED, REMIND: State.LATER, REOPEN: State.OPEN}
AUDITED = {FIX: "issue_fixed", IGNORE: "issue_ignored", REMIND: "issue_put_off", REOPEN: "issue_reopened"}
#: Occurrences are counted so far.
COUNTED = 1_000
# Of every published version the failed lines since then, which have an index of their own.
GATHER = f"""
    INSERT INTO workflows_issue (workflow_id, step, reason, first_at, last_at, example)
    SELECT v.workflow_id, x.step, x.reason, min(x.at), max(x.at), (array_agg(x.id ORDER BY x.at DESC, x.id DESC))[1]
    FROM workflows_revision v CROSS JOIN LATERAL (
        SELECT x.id, x.step, x.at, {REASON} AS reason
        FROM workflows_stepexecution x WHERE x.revision_id = v.id AND x.outcome = 'failed' AND x.at >= %(since)s
    ) x
    WHERE v.published_at IS NOT NULL
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    ON CONFLICT (workflow_id, step, reason) DO UPDATE SET
        first_at = LEAST(workflows_issue.first_at, EXCLUDED.first_at), last_at = EXCLUDED.last_at,
        example = EXCLUDED.example
    WHERE EXCLUDED.last_at > workflows_issue.last_at
"""

# Each by the index of what failed in its workflow's versions.
OCCURRENCES = f"""
    SELECT i.id, (SELECT count(*) FROM (
        SELECT FROM workflows_revision v CROSS JOIN LATERAL (
            SELECT FROM workflows_stepexecution x
            WHERE x.revision_id = v.id AND x.outcome = 'failed' AND x.step = i.step AND {REASON} = i.reason
                AND x.at >= COALESCE(%(since)s, i.first_at) AND x.at <= i.last_at
            LIMIT %(counted)s
        ) x
        WHERE v.workflow_id = i.workflow_id AND v.published_at IS NOT NULL
        LIMIT %(counted)s
    ) happened)
    FROM workflows_issue i WHERE i.id = ANY(%(ids)s::bigint[])
"""
# By the time of the last one, which is the line's: lines have no index that leads to one by its number alone.
EXAMPLES = """
    SELECT x.*, i.id AS issue FROM workflows_issue i
    JOIN workflows_revision v ON v.workflow_id = i.workflow_id AND v.published_at IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT * FROM workflows_stepexecution x WHERE x.revision_id = v.id AND x.at = i.last_at AND x.id = i.example
    ) x
    WHERE i.id = ANY(%(ids)s::bigint[])
"""


def gather(now: dt.datetime) -> int:
    """Look for failures since the last that are known; how many issues are new or have happened again.

    Several processes may do so at once.
    """
    newest = Issue.objects.aggregate(newest=Max("last_at"))["newest"]
    kept = now - dt.timedelta(days=STEPS.days)
    with connection.cursor() as cursor:
        cursor.execute(GATHER, {"since": max(min(newest, now) - OVERLAP, kept) if newest else kept})
        return int(cursor.rowcount)


def open_issues(now: dt.datetime | Now, issues: QuerySet[Issue] | None = None) -> QuerySet[Issue]:
    """Those of some issues (of all) that somebody should look at, the last that happened first.

    `now` may be the database's, so that it is not asked for by a statement of its own.
    """
    found = Issue.objects.all() if issues is None else issues
    due = Q(state=State.LATER, until__lte=now)
    return found.filter(Q(state=State.OPEN) | due | CAME_BACK, workflow__deleted_at=None)


def put_aside(now: dt.datetime, issues: QuerySet[Issue]) -> QuerySet[Issue]:
    """Those somebody has decided about, and that have not come back."""
    return issues.filter(workflow__deleted_at=None).exclude(pk__in=open_issues(now).values("pk"))


def decide(issues: QuerySet[Issue], verb: str, *, by: Any, now: dt.datetime, span: str = "") -> int:
    """Mark issues as fixed, ignore them until they happen again, put them off, or open them again; how many.

    `verb` is one of STATES; `span`, of DAYS, says for how long they are put off. Those of workflows the person may
    only read are left alone. Raises PermissionDenied, and DocumentError for a verb or a span that does not exist.
    """
    if not by.has_perm(checking.PUBLISH):
        raise PermissionDenied(_("You may not decide about issues. Ask somebody with the right to publish."))
    if verb not in STATES:
        message = _("“%(value)s” is none of: %(known)s.") % {"value": verb, "known": ", ".join(STATES)}
        raise DocumentError([Problem("verb", message, verb)])
    if verb == REMIND and span not in DAYS:
        message = _("“%(value)s” is none of: %(known)s.") % {"value": span, "known": ", ".join(DAYS)}
        raise DocumentError([Problem("span", message, span)])
    until = now + dt.timedelta(days=DAYS[span]) if verb == REMIND else None
    with transaction.atomic():
        chosen = list(changeable(issues, by, "workflow").select_for_update(of=("self",)).order_by("pk"))
        for issue in chosen:
            issue.state, issue.until, issue.decided_at, issue.decided_by = STATES[verb], until, now, by
            # What is known by now is what was decided about, although its line may have a later time than ours.
            issue.decided_at = max(now, issue.last_at)
            detail = {"step": issue.step, "reason": issue.reason}
            AuditEntry.objects.create(
                workflow_id=issue.workflow_id, user=by, action=AUDITED[verb], detail=detail, at=now
            )
        Issue.objects.bulk_update(chosen, ["state", "until", "decided_at", "decided_by"])
    return len(chosen)


def occurrences(issues: Collection[Issue], since: dt.datetime | None = None) -> dict[int, int]:
    """How often some issues have happened, as far as the log still tells, by id; counting stops at COUNTED of each."""
    facts = {"ids": array(one.pk for one in issues), "since": since, "counted": COUNTED}
    with connection.cursor() as cursor:
        cursor.execute(OCCURRENCES, facts)
        return dict(cursor.fetchall())


def examples(issues: Collection[Issue]) -> dict[int, StepExecution]:
    """The last line of the log that tells of each of some issues, by the issue's id, unless it is forgotten."""
    lines: Any = StepExecution.objects.raw(EXAMPLES, {"ids": array(one.pk for one in issues)})
    return {line.issue: line for line in lines}
