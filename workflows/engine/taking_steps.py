"""The engine: takes due enrollments a batch at a time through their steps, each batch in one transaction.

    claim (its own transaction) → lock what is still ours → steps → log and moves → commit

Whatever dies on the way leaves either everything or nothing; what was claimed is claimed again when the lease ends.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time

from django.db import DatabaseError, InterfaceError, connection, transaction
from psycopg.errors import QueryCanceled

from records.journal import same_source
from records.object_types import ObjectType, object_types
from records.outages import passing
from records.problems import DocumentError
from records.sql_arrays import array
from workflows import watchdog
from workflows.definitions import parsing
from workflows.definitions.definition import Definition
from workflows.engine import claiming
from workflows.engine.batch import Standing
from workflows.engine.claiming import Claim
from workflows.engine.journey import Journey, Poisoned
from workflows.engine.moving import Fenced, Ledger
from workflows.engine.taking_up import take_up
from workflows.engine.tallying import Report
from workflows.enrollment.leaving import noticing
from workflows.failpoints import reach
from workflows.health import timing
from workflows.holding import Held
from workflows.models import Enrollment, Outcome, Revision, Workflow

logger = logging.getLogger(__name__)

RETRIES = 3
#: Seconds until enrollments whose transaction could not be run are tried again.
PAUSE = 5
#: Seconds to wait for what becomes of a workflow that is just being paused, turned off or published.
HELD = 0.1
# Records are locked in the order of their ids, so that two workers never wait for each other in a circle.
LOCK = "SELECT {pk} FROM {table} WHERE {pk} = ANY(%s::bigint[]){live} ORDER BY {pk} FOR NO KEY UPDATE"
COUNT = "WITH locked AS MATERIALIZED ({lock}) SELECT count(*) FROM locked"
#: The part of a batch's time that one statement may take.
STATEMENT_PART = 0.75
PARSED_LIMIT = 500
parsed: dict[tuple[object, ...], Definition] = {}


def run_due(now: dt.datetime, limit: int = 500, *, freshest: bool = False, since: dt.datetime | None = None) -> int:
    """Claim one batch of enrollments due at `now` (see claiming.claim) and take it as far as it gets without waiting.

    Returns how many steps were done in all (at least the number claimed), 0 when nothing was due. Failures of the
    database are retried; if that does not help, the batch is given back for a few seconds and the error raised. A
    batch that raises by itself is given up: it is claimed again in smaller parts, until what raises has failed alone.
    """
    asked = time.monotonic()
    claim = claiming.claim(now, limit, freshest=freshest, since=since)
    if claim is None:
        return 0
    timing.took(timing.CLAIM, time.monotonic() - asked)
    reach("after_claim")
    began = time.monotonic()
    for attempt in range(1, RETRIES + 1):
        try:
            return max(execute(claim, now), claim.count)
        except Held:
            claiming.release(claim, dt.timedelta(0))
            time.sleep(HELD)
            return claim.count
        except Fenced:
            logger.info("A batch was taken away while it ran; nothing of it was kept.")
            return claim.count
        except Exception as error:
            hung = took_too_long(error, began)
            if not claim.crashed and (hung or not passing(error)):
                # The attempt counts: what hangs or raises each time ends after the third.
                told = "A statement of a batch did not end and was cancelled." if hung else "A batch could not be run."
                logger.exception(told, extra=dict(watchdog.doing))
                claiming.give_up(claim)
                return claim.count
            # Where not even giving up succeeds, the error is told again and again, with a pause each time.
            if attempt == RETRIES or connection.in_atomic_block or not passing(error):
                give_back(claim)
                raise
            if not connection.is_usable():
                connection.close()
            time.sleep(random.uniform(0.01, 0.1) * attempt)
    return claim.count


def statement_seconds() -> float:
    """How long one statement of a batch may take; 0 for as long as the session allows."""
    return watchdog.batch_seconds() * STATEMENT_PART


def took_too_long(error: Exception, began: float) -> bool:
    """Whether a statement was cancelled because it took all the time a batch has, not by a stricter limit."""
    limit = statement_seconds()
    return bool(limit) and isinstance(error.__cause__, QueryCanceled) and time.monotonic() - began >= limit * 0.9


def give_back(claim: Claim) -> None:
    """Best effort: without it the lease ends by itself."""
    if connection.in_atomic_block:
        return
    try:
        claiming.release(claim, dt.timedelta(seconds=PAUSE))
    except (DatabaseError, InterfaceError):
        connection.close()
        logger.warning("A claim could not be released; it ends with its lease.")


def recover(now: dt.datetime) -> int:
    """Free the enrollments of workers that died; how many there were."""
    found = claiming.recover(now)
    reach("after_recover")
    return found


def execute(claim: Claim, now: dt.datetime) -> int:
    """Run the claimed enrollments that are still ours, in one transaction; how many steps were done.

    The first time without a savepoint around every step. When one raises, nothing of it is kept, and the batch is
    run again with them, so that only a poisonous record fails. Raises Held when the workflow is paused, or being
    switched or published; then nothing was done.
    """
    try:
        return attempt(claim, now, careful=False)
    except Poisoned:
        return attempt(claim, now, careful=True)


def attempt(claim: Claim, now: dt.datetime, *, careful: bool) -> int:
    done = 0
    with transaction.atomic(), same_source(), noticing() as taken_out:
        ledger = Ledger(now, taken_out=taken_out)
        taken = take_up(claim, statement_seconds())
        report = Report(claim, taken.groups)
        reach("after_lock")
        for (revision_id, *_cause), group in taken.groups.items():
            revision = taken.revisions[revision_id]
            if revision.workflow.status == Workflow.Status.PAUSED:
                raise Held
            report.workflow = revision.workflow_id
            definition = readable(revision, group, ledger)
            if definition is None:
                continue
            journey = Journey(revision, definition, ledger, taken.vocabulary, careful=careful)
            if claim.crashed:
                give_up(journey, group)
            elif alive := existing(object_types[revision.workflow.object_type], group, ledger):
                done += journey.walk(alive)
        if ledger.places or ledger.lines:
            ledger.write()
        reach("before_commit")
    reach("after_commit")
    report.committed(ledger.counts)
    return done


def readable(revision: Revision, enrollments: list[Standing], ledger: Ledger) -> Definition | None:
    """The definition; None, and everybody stops, where an action or object type of it is not installed any more.

    They can be tried again where they stand as soon as it is.
    """
    try:
        return definition_of(revision)
    except DocumentError as error:
        why = " ".join(str(problem.message) for problem in error.problems)[:500]
        logger.error("Revision %s of workflow %s cannot be read: %s", revision.pk, revision.workflow_id, why)
    for enrollment in enrollments:
        ledger.log(enrollment, revision.pk, "", Outcome.FAILED, {"reason": "unreadable", "error": why})
        ledger.end(enrollment, Enrollment.Status.FAILED, "unreadable")
    return None


def existing(object_type: ObjectType, enrollments: list[Standing], ledger: Ledger) -> list[Standing]:
    """Lock the records; enrollments whose record is gone end here (UNE-09)."""
    quote = connection.ops.quote_name
    live = " AND deleted_at IS NULL" if object_type.soft_deletes else ""
    sql = LOCK.format(pk=quote(object_type.key), table=quote(object_type.table), live=live)
    ids = [array(enrollment.record_id for enrollment in enrollments)]
    with connection.cursor() as cursor:
        # A record is in a workflow once, so that their number says whether all are there.
        cursor.execute(COUNT.format(lock=sql), ids)
        if cursor.fetchone()[0] == len(enrollments):
            return enrollments
        cursor.execute(sql, ids)
        there = {pk for (pk,) in cursor.fetchall()}
    for enrollment in enrollments:
        if enrollment.record_id not in there:
            ledger.end(enrollment, Enrollment.Status.UNENROLLED, "record_deleted")
    return [enrollment for enrollment in enrollments if enrollment.record_id in there]


def give_up(journey: Journey, enrollments: list[Standing]) -> None:
    """What three workers died of is not tried again: the enrollment has failed."""
    for enrollment in enrollments:
        step = journey.definition.by_id.get(enrollment.step)
        action = step.action if step else ""
        journey.ledger.log(enrollment, journey.revision.pk, action, Outcome.FAILED, {"reason": "crashed"})
        journey.ledger.end(enrollment, Enrollment.Status.FAILED, "crashed")


def definition_of(revision: Revision) -> Definition:
    """The parsed definition; published ones never change, so they are parsed once per process."""
    key = (revision.pk, revision.created_at, revision.rev)
    found = parsed.get(key)
    if found is None:
        if len(parsed) >= PARSED_LIMIT:
            parsed.clear()
        found = parsed[key] = parsing.parse(revision.definition)
    return found
