"""Records through each action, one action at a time: how many a second, and what one costs.

Every action runs in a workflow of that one step, over contacts that have an owner, a phone number and an associated
company of their own. Enrolling is not counted; claiming, the step, its log line and the end are. Where the step asks
another system, so is asking it: a process on this machine, which answers at once. Mails are put into the outbox.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, TextIO

from django.conf import settings

from benchmarks import action_world
from benchmarks.action_lines import ASKED, LINES, PROCESSES, STEP, Line
from benchmarks.engine import BATCH
from benchmarks.metering import Spent, spent
from benchmarks.other_side import other_side
from records.clock import database_now
from workflows import drafting
from workflows.code.running import run_waiting
from workflows.engine import taking_steps
from workflows.enrollment.enrolling import enroll
from workflows.lifecycle import publishing
from workflows.models import CodeRun, Delivery, StepExecution, Workflow
from workflows.outbox import requesting

#: So many of everything that is limited so that others are not flooded.
UNLIMITED = 1_000_000
#: Steps that name a workflow name it by its object type until it is there.
ENROLLING = ("go_to_workflow", "for_each_associated")


def run(records: int, out: TextIO, only: Collection[str] = ()) -> bool:
    """Send so many records through each action (`only` some) and print how quick that was; there is no goal."""
    admin = action_world.people()
    out.write(f"\nEach action, {records:,} records, batches of {BATCH}.\n")
    out.write(
        f"Where each record is a conversation with another system {ASKED:,} at most, where it is a process "
        f"{PROCESSES:,}.\nLimits that keep other systems from being flooded are lifted here.\n"
    )
    out.write(f"{'':34} {'records':>8} {'records/s':>10} {'CPU ms each':>12} {'of it python':>13}\n")
    with other_side() as place:
        permit(place)
        action_world.named(admin, f"http://{place}")
        for name, line in LINES.items():
            if only and line.action not in only:
                continue
            count = min(records, line.most or records)
            workflow = published(name, line, admin)
            action_world.empty()
            action_world.fill(count, line.before, admin, f"http://{place}")
            action_world.settle()
            cost = measured(workflow, line, admin, count)
            rate, each = count / cost.wall, cost.cpu / count * 1_000
            out.write(f"{name:34} {count:8,} {rate:10,.0f} {each:12.3f} {cost.python / cost.cpu:13.0%}\n")
            out.flush()
    return True


def permit(place: str) -> None:
    """Let requests go to the other side, as many as there are: the limits keep real ones from being flooded."""
    settings.WEBHOOK_ALLOWED_HOSTS = [place]
    settings.WORKFLOW_DELIVERY_LIMITS = {"webhook": f"{UNLIMITED}/second"}
    settings.AI_MONTHLY_LIMIT = UNLIMITED


def published(name: str, line: Line, admin: Any) -> Workflow:
    steps = line.steps
    if line.action in ENROLLING:
        params = {**line.params, "workflow": str(action_world.target(line.params["workflow"], admin).pk)}
        steps = [{**steps[0], "params": params}]
    document = {
        "format": 1, "name": name, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps, **line.document,
    }  # fmt: skip
    workflow = drafting.create(name, "contact", admin, definition=document)
    publishing.publish(workflow, by=admin, now=database_now(), enroll_existing=False)
    workflow.refresh_from_db()
    return workflow


def measured(workflow: Workflow, line: Line, admin: Any, records: int) -> Spent:
    """What it cost; raises AssertionError when a record did not come through with success."""
    ids = range(1, records + 1)
    enroll(workflow, ids, cause={"kind": "manual", "actor": admin.pk}, now=database_now(), manual=True)
    begun = spent()
    walk(dt.timedelta(0))
    if line.later:
        walk(line.later)
    cost = spent() - begun
    done = StepExecution.objects.filter(step=STEP, outcome="success").count()
    if done != records:
        raise AssertionError(f"{workflow.name}: of {records} records {done} came through.")
    return cost


def walk(later: dt.timedelta) -> None:
    """Do everything that is due after so long, what others are asked included."""

    def clock() -> dt.datetime:
        return database_now() + later

    while True:
        done = 0
        while took := taking_steps.run_due(clock(), BATCH):
            done += took
        if Delivery.objects.filter(kind="webhook", state=Delivery.State.PENDING).exists():
            done += requesting.send_due(clock)
        if CodeRun.objects.filter(due_at__isnull=False).exists():
            done += run_waiting(clock())
        if not done:
            return
