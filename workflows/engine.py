"""The engine: takes due enrollments a batch at a time through their steps, each batch in one transaction.

    claim (its own transaction) → lock what is still ours → steps → log and moves → commit

Whatever dies on the way leaves either everything or nothing; what was claimed is claimed again when the lease ends.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time

from django.db import connection, transaction

from records.object_types import ObjectType, object_types
from workflows import claiming, definition
from workflows.batch import Standing
from workflows.claiming import Claim
from workflows.definition import Definition
from workflows.failpoints import reach
from workflows.journey import TRANSIENT, Journey, chain_of, depth_of
from workflows.models import Enrollment, Outcome, Revision
from workflows.moving import Fenced, Ledger

logger = logging.getLogger(__name__)

RETRIES = 3
#: Seconds until enrollments whose transaction could not be run are tried again.
PAUSE = 5
# Records are locked in the order of their ids, so that two workers never wait for each other in a circle.
LOCK = "SELECT {pk} FROM {table} WHERE {pk} = ANY(%s){live} ORDER BY {pk} FOR NO KEY UPDATE"
SETTINGS = "SELECT set_config('lock_timeout', '5s', true), set_config('jit', 'off', true)"
STANDING = (
    "pk", "record_id", "step", "visit", "waiting_in", "cause", "outputs", "enrolled_at", "tries", "arrived_at",
)  # fmt: skip
PARSED_LIMIT = 500
parsed: dict[tuple[object, ...], Definition] = {}


def run_due(now: dt.datetime, limit: int = 500, *, freshest: bool = False) -> int:
    """Claim one batch of enrollments due at `now` and take it as far as it gets without waiting.

    Returns how many steps were done in all (at least the number claimed), 0 when nothing was due. Failures of the
    database are retried; if that does not help, the batch is given back for a few seconds and the error raised.
    """
    claim = claiming.claim(now, limit, freshest=freshest)
    if claim is None:
        return 0
    reach("after_claim")
    for attempt in range(1, RETRIES + 1):
        try:
            return max(execute(claim, now), claim.count)
        except Fenced:
            logger.info("A batch was taken away while it ran; nothing of it was kept.")
            return claim.count
        except TRANSIENT:
            if attempt == RETRIES or connection.in_atomic_block:
                give_back(claim)
                raise
            if not connection.is_usable():
                connection.close()
            time.sleep(random.uniform(0.01, 0.1) * attempt)
    return claim.count


def give_back(claim: Claim) -> None:
    """Best effort: without it the lease ends by itself."""
    if connection.in_atomic_block:
        return
    try:
        claiming.release(claim, dt.timedelta(seconds=PAUSE))
    except TRANSIENT:
        connection.close()
        logger.warning("A claim could not be released; it ends with its lease.")


def recover(now: dt.datetime) -> int:
    """Free the enrollments of workers that died; how many there were."""
    found = claiming.recover(now)
    reach("after_recover")
    return found


def execute(claim: Claim, now: dt.datetime) -> int:
    """Run the claimed enrollments that are still ours, in one transaction; how many steps were done."""
    done = 0
    with transaction.atomic():
        ledger = Ledger(now)
        ours = grouped(claim)
        reach("after_lock")
        for (revision_id, *_cause), group in ours.items():
            revision = Revision.objects.select_related("workflow").get(pk=revision_id)
            journey = Journey(revision.workflow, revision, definition_of(revision), ledger)
            if claim.crashed:
                give_up(journey, group)
            elif alive := existing(object_types[revision.workflow.object_type], group, ledger):
                done += journey.walk(alive)
        if ledger.places:
            ledger.write()
        reach("before_commit")
    reach("after_commit")
    return done


def grouped(claim: Claim) -> dict[tuple[int, ...], list[Standing]]:
    """The claimed enrollments nobody has taken away meanwhile, locked; by revision and by the chain behind them."""
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
    # By id: nothing indexes the claim, so that claiming stays cheap.
    ours = Enrollment.objects.select_for_update().filter(
        pk__in=claim.ids, claim=claim.token, status=Enrollment.Status.ACTIVE
    )
    groups: dict[tuple[int, ...], list[Standing]] = {}
    for revision_id, *row in ours.order_by("pk").values_list("revision_id", *STANDING):
        enrollment = Standing(*row)
        key = (revision_id, depth_of(enrollment.cause), *chain_of(enrollment.cause))
        groups.setdefault(key, []).append(enrollment)
    return groups


def existing(object_type: ObjectType, enrollments: list[Standing], ledger: Ledger) -> list[Standing]:
    """Lock the records; enrollments whose record is gone end here (UNE-09)."""
    quote = connection.ops.quote_name
    live = " AND deleted_at IS NULL" if object_type.soft_deletes else ""
    sql = LOCK.format(pk=quote(object_type.key), table=quote(object_type.table), live=live)
    with connection.cursor() as cursor:
        cursor.execute(sql, [[enrollment.record_id for enrollment in enrollments]])
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
        found = parsed[key] = definition.parse(revision.definition)
    return found
