"""Running what waits in `CodeRun`: claimed, run outside of any transaction, its result written, its enrollment woken.

Somebody who dies on the way leaves a run that is due again when its lease ends: what a script asks others for with
fetch may happen twice then, and event.callbackId tells them so. Workflows take turns, so that one with slow scripts
does not keep others waiting.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DataError, connection, transaction

from records.problems import DocumentError
from workflows import doorbell
from workflows.code import results, secrets
from workflows.code.sandbox import LOOK, Child, Finished, Limits
from workflows.definitions.definition import Step
from workflows.definitions.parsing import parse
from workflows.models import CodeRun, Revision

logger = logging.getLogger(__name__)

#: How long a run belongs to who claimed it: longer than a script may take, and than its process takes to start.
LEASE = dt.timedelta(seconds=120)
CRASHES = 3
#: Seconds after which a round begins no further script, so that `now` stays true.
ROUND_SECONDS = 20.0
#: SQL of the workflows of which runs are due; needs `now`.
DUE = """
    WITH RECURSIVE due AS (
        (SELECT workflow_id FROM workflows_coderun WHERE due_at IS NOT NULL ORDER BY workflow_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT r.workflow_id FROM workflows_coderun r
            WHERE r.due_at IS NOT NULL AND r.workflow_id > due.workflow_id ORDER BY r.workflow_id LIMIT 1
        ) FROM due WHERE due.workflow_id IS NOT NULL
    )
    SELECT workflow_id FROM due WHERE workflow_id IS NOT NULL AND EXISTS (
        SELECT FROM workflows_coderun r WHERE r.workflow_id = due.workflow_id AND r.due_at <= %(now)s
    ) ORDER BY workflow_id <= %(served)s, workflow_id
"""
CLAIM = """
    UPDATE workflows_coderun SET claim = %(token)s, due_at = %(now)s + %(lease)s, attempts = attempts + 1
    WHERE enrollment_id = (
        SELECT enrollment_id FROM workflows_coderun
        WHERE workflow_id = %(workflow)s AND due_at <= %(now)s ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING enrollment_id
"""
RELEASE = """
    UPDATE workflows_coderun SET claim = NULL, due_at = clock_timestamp(), attempts = GREATEST(attempts - 1, 0)
    WHERE enrollment_id = %(id)s AND claim = %(token)s
"""
# In the order in which the engine locks: the enrollment first. Who has gone on or left waits for nothing any more.
STANDING = """
    SELECT id FROM workflows_enrollment
    WHERE id = %(id)s AND status = 'active' AND step = %(step)s AND visit = %(visit)s AND waiting_in = step
    FOR NO KEY UPDATE
"""
WAKE = "UPDATE workflows_enrollment SET due_at = %(now)s WHERE id = %(id)s AND due_at IS NULL"
WAITING = "SELECT min(due_at) FROM workflows_coderun WHERE due_at <= %(now)s"

#: The workflow this process has served last.
served = {"workflow": 0}


def limits() -> Limits:
    """What one script may take."""
    return Limits(float(getattr(settings, "CUSTOM_CODE_SECONDS", 20)))


def allowed() -> bool:
    """Whether scripts are run in this installation at all."""
    return bool(getattr(settings, "CUSTOM_CODE", True))


@dataclass
class Running:
    """A claimed run and its child process."""

    run: CodeRun
    token: uuid.UUID
    child: Child


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the first script has been waiting to be run; None when none is."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"now": now})
        found: dt.datetime | None = cursor.fetchone()[0]
        return found


def run_waiting(now: dt.datetime, *, at_once: int = 2, go_on: Callable[[], bool] = lambda: True) -> int:
    """Run what is due at `now`, several at once, for a while; how many came to a result.

    When `go_on` says no, those under way are broken off and left to others.
    """
    running: list[Running] = []
    done, last = 0, time.monotonic() + ROUND_SECONDS
    try:
        while True:
            while len(running) < at_once and time.monotonic() < last and go_on():
                token = uuid.uuid4()
                run = claim(token, now)
                if run is None:
                    break
                begun = begin(run, token, now)
                running += [begun] if begun else []
                done += begun is None
            if not running or not go_on():
                return done
            time.sleep(LOOK)
            for one in list(running):
                found = one.child.look()
                if found is not None:
                    running.remove(one)
                    end(one, found, now)
                    done += 1
    finally:
        for one in running:
            one.child.close()
            release(one)


def claim(token: uuid.UUID, now: dt.datetime) -> CodeRun | None:
    """Claim one due run of the workflow whose turn it is; None when none is to be had."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DUE, {"now": now, "served": served["workflow"]})
        for (workflow,) in cursor.fetchall():
            facts: dict[str, Any] = {"token": token, "now": now, "lease": LEASE, "workflow": workflow}
            cursor.execute(CLAIM, facts)
            if found := cursor.fetchone():
                served["workflow"] = workflow
                return CodeRun.objects.get(pk=found[0])
    return None


def begin(run: CodeRun, token: uuid.UUID, now: dt.datetime) -> Running | None:
    """Start a claimed run's script; None when there is nothing to run, and the result says why."""
    if run.attempts > CRASHES:
        finish(run, token, results.failed("crashed"), now)
        return None
    if not allowed():
        finish(run, token, results.failed("off"), now)
        return None
    step = step_of(run)
    if step is None:
        finish(run, token, results.failed("broke_off"), now)
        return None
    try:
        return Running(run, token, child_of(step.params, run.event))
    except secrets.NotToBeHad as error:
        finish(run, token, results.failed("secrets", str(error)), now)
        return None


def child_of(params: dict[str, Any], event: dict[str, Any]) -> Child:
    """A process with the script of a step, begun. Raises secrets.NotToBeHad."""
    values = secrets.opened(secrets.rows_of(params))
    wanted = [str(one.get("name")) for one in params.get("outputs") or []]
    return Child(str(params.get("code", "")), event, wanted, limits(), secrets=values)


def step_of(run: CodeRun) -> Step | None:
    """The step a run belongs to, as its revision has it; None when that cannot be read any more."""
    revision = Revision.objects.filter(pk=run.revision_id).first()
    try:
        return parse(revision.definition).by_id.get(run.step) if revision else None
    except DocumentError:
        return None


def end(one: Running, found: Finished, now: dt.datetime) -> None:
    """Finish a run that came to its end; one whose result cannot be kept has broken off, and no other with it."""
    try:
        finish(one.run, one.token, results.kept(found), now)
    except (DataError, ValueError, RecursionError):
        logger.exception("The result of custom code of enrollment %s cannot be kept", one.run.pk)
        finish(one.run, one.token, results.failed("broke_off"), now)


def finish(run: CodeRun, token: uuid.UUID, result: dict[str, Any], now: dt.datetime) -> None:
    """Write what came of a run and have its enrollment go on; a run nobody waits for any more goes away."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STANDING, {"id": run.pk, "step": run.step, "visit": run.visit})
        ours = CodeRun.objects.filter(pk=run.pk, claim=token)
        if cursor.fetchone() is None:
            ours.delete()
            return
        if ours.update(result=result, due_at=None, claim=None):
            cursor.execute(WAKE, {"id": run.pk, "now": now})
            transaction.on_commit(partial(doorbell.ring, "high"), robust=True)
    facts = {"enrollment": run.pk, "step": run.step, "fault": (result.get("fault") or {}).get("code", "")}
    logger.info("Custom code of enrollment %s ended: %s", run.pk, facts["fault"] or "done", extra=facts)


def release(one: Running) -> None:
    """Leave a run that was broken off to others, at once."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"id": one.run.pk, "token": one.token})
