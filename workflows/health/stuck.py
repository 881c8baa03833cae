"""Nothing can be stuck: an invariant, and the check that says where it does not hold.

Every rule is one statement that finds what no other part of the engine would take up again, capped and limited in time
so that asking is cheap however much there is. The clock asks once a minute.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from workflows.health import statements

logger = logging.getLogger(__name__)

#: How long something may be due, and how long a lease may be over, before it counts as stuck.
PATIENCE = dt.timedelta(minutes=10)
GRACE = dt.timedelta(minutes=5)
#: Rows of one workflow that a rule counts at most, and ids it names.
CAP, NAMED = 1_000, 5
STATEMENT_TIMEOUT = "5s"


@dataclass(frozen=True)
class Rule:
    """One way of being stuck. `sql` gives workflow (or NULL), how many, and the ids of the first few.

    What cannot be asked in SQL has `ask` instead, which gives the same.
    """

    code: str
    sql: str
    #: Takes `count`.
    sentence: Any
    #: What a person can do about it.
    remedy: Any
    #: Whether those who watch a workflow are told whatever they want to hear about.
    always: bool = False
    ask: Callable[[dt.datetime], Iterable[tuple[int | None, int, Sequence[int]]]] | None = None


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
            statements.LOST,
            ngettext_lazy("%(count)d record waits for nothing.", "%(count)d records wait for nothing.", "count"),
            ASK_FOR_HELP,
        ),
        Rule(
            "due_and_not_taken",
            statements.LATE,
            ngettext_lazy(
                "%(count)d record has been due for more than ten minutes and nobody takes it.",
                "%(count)d records have been due for more than ten minutes and nobody takes them.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "lease_over",
            statements.LEASE,
            ngettext_lazy(
                "%(count)d record belongs to a worker that was not heard of again.",
                "%(count)d records belong to workers that were not heard of again.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "step_not_in_revision",
            statements.STEP_GONE,
            ngettext_lazy(
                "%(count)d record stands on a step its version of the workflow does not have.",
                "%(count)d records stand on steps their version of the workflow does not have.",
                "count",
            ),
            ASK_FOR_HELP,
        ),
        Rule(
            "ended_yet_due",
            statements.ENDED,
            ngettext_lazy(
                "%(count)d enrollment has ended and is still due.",
                "%(count)d enrollments have ended and are still due.",
                "count",
            ),
            _("Nothing is done for them. Please report this: it is a mistake of Headrace."),
        ),
        Rule(
            "delivery_interrupted",
            statements.SENDING,
            ngettext_lazy(
                "%(count)d delivery was begun and never finished.",
                "%(count)d deliveries were begun and never finished.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "delivery_not_sent",
            statements.UNSENT,
            ngettext_lazy(
                "%(count)d delivery has been due for more than ten minutes and nobody sends it.",
                "%(count)d deliveries have been due for more than ten minutes and nobody sends them.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "code_not_run",
            statements.CODE,
            ngettext_lazy(
                "%(count)d record has waited for custom code for more than ten minutes and nobody runs it.",
                "%(count)d records have waited for custom code for more than ten minutes and nobody runs it.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "changes_not_followed",
            statements.CHANGES,
            ngettext_lazy(
                "%(count)d change has waited for more than five minutes.",
                "%(count)d changes have waited for more than five minutes.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "events_not_followed",
            statements.EVENTS,
            ngettext_lazy(
                "%(count)d event has waited for more than five minutes.",
                "%(count)d events have waited for more than five minutes.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "requests_not_matched",
            statements.REQUESTS,
            ngettext_lazy(
                "%(count)d request to a webhook has waited for more than five minutes.",
                "%(count)d requests to webhooks have waited for more than five minutes.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "segment_not_checked",
            statements.SEGMENTS,
            ngettext_lazy(
                "%(count)d trigger or list that depends on time is not brought up to date.",
                "%(count)d triggers or lists that depend on time are not brought up to date.",
                "count",
            ),
            RUN_THE_CLOCK,
        ),
        Rule(
            "set_aside",
            statements.HINDERED,
            ngettext_lazy(
                "An error keeps %(count)d record or change from being followed. It waits alone.",
                "An error keeps %(count)d records or changes from being followed. They wait alone.",
                "count",
            ),
            _("It is tried again every few minutes. Engine health names the part and the error; so does the log."),
            always=True,
        ),
        Rule(
            "schedule_fails",
            statements.SCHEDULES,
            ngettext_lazy(
                "An error keeps %(count)d scheduled run from enrolling.",
                "An error keeps %(count)d scheduled runs from enrolling.",
                "count",
            ),
            _("It is tried again, less and less often. What it is about is in the log of the workers."),
            always=True,
        ),
        Rule("still_on", statements.STILL_ON, _("The workflow should have been turned off by now."), RUN_THE_CLOCK),
        Rule(
            "still_finishing",
            statements.STILL_DRAINING,
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
        if rule.ask is not None:
            rows = rule.ask(facts["now"])
        else:
            cursor.execute(rule.sql, facts)
            rows = cursor.fetchall()
        return [Found(rule, workflow, count, tuple(ids)) for workflow, count, ids in rows]


def warn(rule: Rule, error: Exception) -> None:
    logger.warning("Whether anything is stuck (%s) could not be asked: %s", rule.code, error)
