"""Asking for scripts to be run for the records of a batch, and taking what came of them; constant queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from records.properties import Property
from workflows import doorbell
from workflows.code import results
from workflows.code.running import limits
from workflows.data_sources.values import values_named
from workflows.engine.batch import Batch, Standing
from workflows.models import CodeRun

#: Characters of one value in the history.
SHOWN = 200


def ask(batch: Batch, inputs: list[dict[str, str]]) -> None:
    """Have a script run for every enrollment of the batch; each waits for what comes of it."""
    begin(batch, batch.enrollments, inputs)
    batch.wait(None, None)


def begin(batch: Batch, enrollments: list[Standing], inputs: list[dict[str, str]]) -> None:
    ids = [one.id for one in enrollments]
    CodeRun.objects.filter(pk__in=ids).delete()
    values = values_of(batch, enrollments, inputs)
    CodeRun.objects.bulk_create(
        CodeRun(
            enrollment_id=one.id, workflow_id=batch.workflow.pk, revision_id=batch.revision.pk, step=one.step,
            visit=one.visit, event=event_of(batch, one, values[one.record_id]), due_at=batch.now, since=batch.now,
        )
        for one in enrollments
    )  # fmt: skip
    transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)


def event_of(batch: Batch, enrollment: Standing, values: dict[str, Any]) -> dict[str, Any]:
    """What exports.main is called with, as such scripts expect it."""
    return {
        "callbackId": batch.key(enrollment),
        "context": {"source": "WORKFLOWS", "workflowId": batch.workflow.pk},
        "object": {"objectType": batch.object_type.slug.upper(), "objectId": enrollment.record_id},
        "inputFields": values,
    }


def values_of(batch: Batch, enrollments: list[Standing], inputs: list[dict[str, str]]) -> dict[int, dict[str, Any]]:
    """The inputs by record id; a value that is blank, or not to be had, is null."""
    read = {source: values_named(batch, enrollments, source) for source in {row["from"] for row in inputs}}
    users = {
        value for found in read.values() for prop, value in found.values() if prop.type == "user" and value is not None
    }
    usernames = {user.pk: user.get_username() for user in named_users(users)}
    return {
        one.record_id: {
            row["name"]: results.for_script(value, prop, usernames)
            for row in inputs
            for prop, value in [read[row["from"]].get(one.record_id, (NOTHING, None))]
        }
        for one in enrollments
    }


NOTHING = Property("", "")


def named_users(ids: Iterable[int]) -> Iterable[Any]:
    wanted = set(ids)
    return get_user_model()._default_manager.filter(pk__in=wanted) if wanted else ()


def take(batch: Batch, inputs: list[dict[str, str]], wanted: dict[str, Property]) -> None:
    """Answer for enrollments by what came of their scripts; who has none yet, or an earlier visit's, begins anew."""
    runs = {run.pk: run for run in CodeRun.objects.filter(pk__in=[one.id for one in batch.enrollments])}
    anew, later, over = [], [], []
    for one in batch.enrollments:
        run = runs.get(one.id)
        if run is None or (run.step, run.visit) != (one.step, one.visit):
            anew.append(one)
            continue
        if run.result is None:
            batch.wait(one, None)
            continue
        due = results.again_at(run.result, run.tries, run.since, batch.now)
        if due is not None:
            later.append(put_off(batch, one, run, due))
            continue
        over.append(run.pk)
        answer(batch, one, run.result, wanted)
    if anew:
        begin(batch, anew, inputs)
        batch.wait(anew, None)
    CodeRun.objects.filter(pk__in=over).delete()
    CodeRun.objects.bulk_update(later, ["due_at", "tries", "attempts", "result"])


def put_off(batch: Batch, enrollment: Standing, run: CodeRun, due: dt.datetime) -> CodeRun:
    """Have a script that threw what may pass run again later (DOP-08)."""
    assert run.result is not None
    batch.wait(enrollment, None, again=run.result["fault"]["message"][: results.SHOWN], until=due.isoformat())
    note_console(batch, enrollment, run.result)
    run.due_at, run.tries, run.attempts, run.result = due, run.tries + 1, 0, None
    return run


def answer(batch: Batch, enrollment: Standing, result: dict[str, Any], wanted: dict[str, Property]) -> None:
    """The step's answer for one enrollment, and its outputs."""
    note_console(batch, enrollment, result)
    fault = result.get("fault")
    if fault:
        code, facts = results.facts_of(fault, limits())
        batch.fail(enrollment, code, **facts)
        return
    try:
        found = results.typed(result.get("outputs") or {}, wanted)
    except ValueError as error:
        batch.fail(enrollment, "code_output", error=str(error)[: results.SHOWN])
        return
    batch.output(enrollment, **found)
    told = {name: value[:SHOWN] if isinstance(value, str) else value for name, value in found.items()}
    batch.done(enrollment, outputs=told, **{key: result.get(key, 0) for key in ("milliseconds", "kilobytes")})


def note_console(batch: Batch, enrollment: Standing, result: dict[str, Any]) -> None:
    """Keep what the script wrote, and the requests it made, with the line of the history."""
    if result.get("requests"):
        batch.note(enrollment, requests=result["requests"])
    if result.get("console"):
        batch.note(enrollment, console=result["console"], more=result.get("more", 0))
