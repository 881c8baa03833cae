"""The design everybody starts with: one RQ job per record and step, with Django's ORM. For scale.

Small numbers, scaled linearly: its cost per record does not depend on how many there are. It writes the same rows of
records and log, but has no claims, no fencing and no retries of its own.
"""

from __future__ import annotations

import datetime as dt
import resource
import subprocess
import sys
from typing import Any, TextIO

from benchmarks import reference_job
from benchmarks.metering import postgres_seconds
from workflows.models import Workflow

CONTACTS = {"forking": 20, "simple": 60}
QUEUE = "benchmark"
WORKERS = {"forking": "rq.Worker", "simple": "rq.SimpleWorker"}
WORKER = "import sys, django; django.setup(); from benchmarks.per_record import work; work(sys.argv[1])"


def step(enrollment_id: int) -> None:
    """One step of one record, and the job for its next one."""
    from django.db import transaction
    from django.utils import timezone

    from crm.models import Contact, Task
    from records.associations import associate
    from records.journal import change_source
    from workflows.models import Enrollment, StepExecution

    now = timezone.now()
    with transaction.atomic():
        enrollment = (
            Enrollment.objects.select_for_update(of=("self",)).select_related("workflow").get(pk=enrollment_id)
        )
        done, workflow = enrollment.step, enrollment.workflow_id
        contact = Contact.objects.get(pk=enrollment.record_id)
        follows = {"high": "more", "low": "more", "more": "task", "task": "end", "end": ""}
        detail: dict[str, Any] = {}
        with change_source("workflow", workflow=workflow, depth=1, chain=[workflow], step=done):
            if done == "ask":
                high = (contact.lead_score or 0) > 50
                follows["ask"] = "high" if high else "low"
                detail = {"branch": 0 if high else 1, "name": "High" if high else "Low"}
            elif done in ("high", "low"):
                detail = {"property": "city", "before": contact.city, "after": "Malmö" if done == "high" else "Lund"}
                contact.city = detail["after"]
                contact.save(update_fields=["city", "updated_at"])
            elif done == "more":
                contact.lead_score = (contact.lead_score or 0) + 1
                contact.save(update_fields=["lead_score", "updated_at"])
                detail = {"property": "lead_score", "by": 1, "after": contact.lead_score}
            elif done == "task":
                due = now + dt.timedelta(days=2)
                task = Task.objects.create(title="Call", due_at=due, created_at=now, updated_at=now, custom={})
                associate("contact", "task", [(contact.pk, task.pk)])
                enrollment.outputs = {"task": {"task": task.pk}}
                detail = {"task": task.pk, "title": "Call", "owner": None, "due": due.isoformat()}
        StepExecution.objects.create(
            enrollment=enrollment, revision_id=enrollment.revision_id, visit=enrollment.visit, step=done,
            action="step", outcome="success", detail=detail, at=now,
        )  # fmt: skip
        enrollment.visit += 1
        enrollment.step = follows[done]
        if not enrollment.step:
            enrollment.status, enrollment.due_at = Enrollment.Status.COMPLETED, None
            enrollment.ended_at, enrollment.ended_reason = now, "completed"
        enrollment.save()
    if enrollment.step:
        queue().enqueue(step, enrollment_id, result_ttl=0)


def queue() -> Any:
    import redis
    from django.conf import settings
    from rq import Queue
    from rq.serializers import JSONSerializer

    return Queue(QUEUE, connection=redis.Redis.from_url(settings.REDIS_URL), serializer=JSONSerializer)


def run(workflow: Workflow, admin: Any, out: TextIO) -> dict[str, float]:
    """CPU seconds per 1,000 contacts of either worker class."""
    from records.clock import database_now
    from workflows.enrollment.enrolling import enroll
    from workflows.models import Enrollment, StepExecution

    found = {}
    out.write("\nOne RQ job per record and step, Django's ORM, one worker (few contacts, scaled linearly)\n")
    for kind, contacts in CONTACTS.items():
        reference_job.clean_slate(contacts)
        enroll(workflow, range(1, contacts + 1), cause={"kind": "manual"}, now=database_now(), manual=True)
        queue().empty()
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, kind],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert worker.stdin is not None and worker.stdout is not None
        worker.stdout.readline()
        for pk in Enrollment.objects.values_list("pk", flat=True):
            queue().enqueue(step, pk, result_ttl=0)
        before = postgres_seconds()
        answer, _errors = worker.communicate("go\n", timeout=300)
        cpu = float(answer) + postgres_seconds() - before
        done = Enrollment.objects.filter(status="completed").count(), StepExecution.objects.count()
        if done != (contacts, contacts * reference_job.STEPS):
            raise AssertionError(f"Of {contacts} contacts {done[0]} are done, with {done[1]} log lines.")
        name = f"job per step, {kind} worker"
        found[name] = cpu / contacts * 1_000
        out.write(f"{name}: {found[name]:.0f} CPU s per 1,000 contacts ({contacts} run)\n")
    return found


def work(kind: str) -> None:
    """A worker that does what is queued once it is told to, and says how much CPU that took."""
    from django.db import connection
    from django.utils.module_loading import import_string

    if kind == "simple":
        connection.ensure_connection()
    waiting = queue()
    worker = import_string(WORKERS[kind])([waiting], connection=waiting.connection, serializer=waiting.serializer)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began = seconds()
    worker.work(burst=True, logging_level="ERROR")
    sys.stdout.write(f"{seconds() - began:.3f}\n")


def seconds() -> float:
    """CPU of this process and of those it has forked and seen end."""
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
