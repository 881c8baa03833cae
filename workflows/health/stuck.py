"""Nothing can be stuck: an invariant, and the check that says where it does not hold.

Every rule is one statement that finds what no other part of the engine would take up again, capped and limited in time
so that asking is cheap however much there is. The clock asks once a minute.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

logger = logging.getLogger(__name__)

#: How long something may be due, and how long a lease may be over, before it counts as stuck.
PATIENCE = dt.timedelta(minutes=10)
GRACE = dt.timedelta(minutes=5)
#: Rows of one workflow that a rule counts at most, and ids it names.
CAP, NAMED = 1_000, 5
STATEMENT_TIMEOUT = "5s"

# Finds the enrollments of each workflow in question through the index of its due ones.
BY_WORKFLOW = """
    SELECT w.id, found.count, found.ids FROM workflows_workflow w CROSS JOIN LATERAL (
        SELECT count(*) AS count, (array_agg(front.id))[:%(named)s] AS ids FROM (
            SELECT e.id FROM workflows_enrollment e
            WHERE e.status = 'active' AND e.workflow_id = w.id AND {enrollments} LIMIT %(cap)s
        ) front
    ) found
    WHERE {workflows} AND found.count > 0
"""
LOST = BY_WORKFLOW.format(
    workflows="true",
    enrollments="""e.due_at IS NULL
        AND NOT EXISTS (
            SELECT FROM workflows_eventwait t
            WHERE t.enrollment_id = e.id AND t.step = e.step AND t.happened_at IS NULL
        )
        AND NOT EXISTS (
            SELECT FROM workflows_delivery d WHERE d.enrollment_id = e.id AND d.state IN ('pending', 'sending')
        )""",
)
LATE = BY_WORKFLOW.format(
    workflows="""w.status <> 'paused' AND NOT EXISTS (
        SELECT FROM workflows_tally t WHERE t.workflow_id = w.id AND t.minute > %(now)s - %(grace)s
    )""",
    enrollments="e.due_at < %(now)s - %(patience)s AND (e.claimed_until IS NULL OR e.claimed_until < %(now)s)",
)
LEASE = BY_WORKFLOW.format(
    workflows="w.status <> 'paused'",
    enrollments="e.due_at <= %(now)s AND e.claim IS NOT NULL AND e.claimed_until < %(now)s - %(grace)s",
)
STEP_GONE = """
    WITH RECURSIVE places AS (
        (
            SELECT revision_id, step FROM workflows_enrollment WHERE status = 'active'
            ORDER BY revision_id, step LIMIT 1
        )
        UNION ALL
        SELECT next.revision_id, next.step FROM places CROSS JOIN LATERAL (
            SELECT e.revision_id, e.step FROM workflows_enrollment e
            WHERE e.status = 'active' AND (e.revision_id, e.step) > (places.revision_id, places.step)
            ORDER BY e.revision_id, e.step LIMIT 1
        ) next
    ), gone AS (
        SELECT r.workflow_id, p.revision_id, p.step
        FROM (SELECT * FROM places WHERE step <> '' LIMIT %(cap)s) p JOIN workflows_revision r ON r.id = p.revision_id
        WHERE NOT jsonb_path_exists(r.definition, '$.**.id ? (@ == $step)', jsonb_build_object('step', p.step))
    )
    SELECT gone.workflow_id, count(*), (array_agg(e.id))[:%(named)s] FROM gone CROSS JOIN LATERAL (
        SELECT e.id FROM workflows_enrollment e
        WHERE e.status = 'active' AND e.revision_id = gone.revision_id AND e.step = gone.step LIMIT %(cap)s
    ) e GROUP BY gone.workflow_id
"""
ENDED = """
    SELECT workflow_id, count(*), (array_agg(id))[:%(named)s] FROM (
        SELECT id, workflow_id FROM workflows_enrollment WHERE NOT status = 'active' AND due_at IS NOT NULL
        LIMIT %(cap)s
    ) found GROUP BY workflow_id
"""
DELIVERIES = """
    SELECT e.workflow_id, count(*), (array_agg(found.id))[:%(named)s] FROM (
        SELECT d.id, d.enrollment_id FROM workflows_delivery d WHERE {deliveries} LIMIT %(cap)s
    ) found LEFT JOIN workflows_enrollment e ON e.id = found.enrollment_id GROUP BY e.workflow_id
"""
SENDING = DELIVERIES.format(deliveries="d.state = 'sending' AND d.claimed_until < %(now)s - %(grace)s")
UNSENT = DELIVERIES.format(
    deliveries="""d.state = 'pending' AND d.due_at < %(now)s - %(patience)s AND NOT EXISTS (
        SELECT FROM workflows_allowance a WHERE a.scope = 'delivery:' || d.kind AND a.full_until > %(now)s
    )"""
)
CHANGES = """
    SELECT NULL::bigint, count(*), (array_agg(id))[:%(named)s] FROM (
        SELECT id, at FROM records_pendingchange ORDER BY id LIMIT %(cap)s
    ) first WHERE at < %(now)s - %(grace)s HAVING count(*) > 0
"""
SEGMENTS = """
    SELECT NULL::bigint, count(*), (array_agg(id))[:%(named)s] FROM records_segment
    WHERE active AND time_sensitive AND (check_at IS NULL OR check_at <= %(now)s - %(grace)s)
    HAVING count(*) > 0
"""
STILL_ON = """
    SELECT id, 1, ARRAY[id] FROM workflows_workflow
    WHERE deleted_at IS NULL AND status IN ('on', 'paused') AND turn_off_at < %(now)s - %(grace)s
"""
STILL_DRAINING = """
    SELECT w.id, 1, ARRAY[w.id] FROM workflows_workflow w
    WHERE w.status = 'draining' AND w.updated_at < %(now)s - %(patience)s
        AND NOT EXISTS (SELECT FROM workflows_enrollment e WHERE e.workflow_id = w.id AND e.status = 'active')
"""


@dataclass(frozen=True)
class Rule:
    """One way of being stuck. `sql` gives workflow (or NULL), how many, and the ids of the first few."""

    code: str
    sql: str
    #: Takes `count`.
    sentence: Any
    #: What a person can do about it.
    remedy: Any


@dataclass(frozen=True)
class Found:
    """What a rule has found in one workflow; `workflow` is None where it concerns none or all."""

    rule: Rule
    workflow: int | None
    count: int
    ids: tuple[int, ...]

    @property
    def sentence(self) -> str:
        return told(self.rule.code, self.count)


ASK_FOR_HELP = _(
    "Nothing else will take them up: unenroll these records, and enroll them again where they should go on."
)
RUN_THE_CLOCK = _("Check that a clock and at least one worker run, and what their logs say.")
RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule(
            "waits_for_nothing",
            LOST,
            ngettext_lazy("%(count)d record waits for nothing.", "%(count)d records wait for nothing.", "count"),
            ASK_FOR_HELP,
        ),
        Rule(
            "due_and_not_taken",
            LATE,
            ngettext_lazy(
                "%(count)d record has been due for more than ten minutes and nobody takes it.",
                "%(count)d records have been due for more than ten minutes and nobody takes them.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "lease_over",
            LEASE,
            ngettext_lazy(
                "%(count)d record belongs to a worker that was not heard of again.",
                "%(count)d records belong to workers that were not heard of again.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "step_not_in_revision",
            STEP_GONE,
            ngettext_lazy(
                "%(count)d record stands on a step its version of the workflow does not have.",
                "%(count)d records stand on steps their version of the workflow does not have.",
                "count",
            ),
            ASK_FOR_HELP,
        ),
        Rule(
            "ended_yet_due",
            ENDED,
            ngettext_lazy(
                "%(count)d enrollment has ended and is still due.",
                "%(count)d enrollments have ended and are still due.",
                "count",
            ),
            _("Nothing is done for them. Please report this: it is a mistake of Headrace."),
        ),
        Rule(
            "delivery_interrupted",
            SENDING,
            ngettext_lazy(
                "%(count)d delivery was begun and never finished.",
                "%(count)d deliveries were begun and never finished.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "delivery_not_sent",
            UNSENT,
            ngettext_lazy(
                "%(count)d delivery has been due for more than ten minutes and nobody sends it.",
                "%(count)d deliveries have been due for more than ten minutes and nobody sends them.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "changes_not_followed",
            CHANGES,
            ngettext_lazy(
                "%(count)d change has waited for more than five minutes.",
                "%(count)d changes have waited for more than five minutes.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "segment_not_checked",
            SEGMENTS,
            ngettext_lazy(
                "%(count)d trigger or list that depends on time is not brought up to date.",
                "%(count)d triggers or lists that depend on time are not brought up to date.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule("still_on", STILL_ON, _("The workflow should have been turned off by now."), RUN_THE_CLOCK),
        Rule(
            "still_finishing",
            STILL_DRAINING,
            _("The workflow has nobody inside any more and is not off."),
            RUN_THE_CLOCK,
        ),
    )
}


def told(code: str, count: int) -> str:
    """What a rule says of so many, in the reader's language; rules of earlier versions say their code."""
    rule = RULES.get(code)
    return str(rule.sentence % {"count": count}) if rule else code


def find(
    now: dt.datetime,
    rules: Iterable[Rule] | None = None,
    *,
    failed: Callable[[Rule, Exception], None] | None = None,
) -> list[Found]:
    """Everything that is stuck at `now`, the database's time, by all rules or some.

    A rule that cannot be asked in time is reported to `failed` (by default the log) and the others go on.
    """
    found: list[Found] = []
    facts: dict[str, Any] = {
        "now": now, "patience": PATIENCE, "grace": GRACE, "cap": CAP, "named": NAMED
    }  # fmt: skip
    for rule in RULES.values() if rules is None else rules:
        try:
            found += asked(rule, facts)
        except OperationalError as error:
            if not connection.is_usable():
                raise
            (failed or warn)(rule, error)
    return found


def asked(rule: Rule, facts: dict[str, Any]) -> list[Found]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT])
        cursor.execute(rule.sql, facts)
        return [Found(rule, workflow, count, tuple(ids)) for workflow, count, ids in cursor.fetchall()]


def warn(rule: Rule, error: Exception) -> None:
    logger.warning("Whether anything is stuck (%s) could not be asked: %s", rule.code, error)
