"""The journey that is taken apart: contacts enter by what they are, are set, changed, delayed, written to, and end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection

from crm.models import Contact, Task, User
from records.clock import database_now
from records.models import PendingChange
from tests.reliability.mail import received
from tests.stories.promises import broken_promises
from tests.workflows.building import step
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Delivery, Enrollment, StepExecution, Workflow

BUYERS = {"any": [{"all": [{"property": "job_title", "operator": "is_equal_to_any_of", "value": ["buyer"]}]}]}
STEPS = [
    step("set", "edit_record", property="city", value="Malmö"),
    step("add", "change_number", property="lead_score", by=1),
    step("wait", "delay", days=3),
    step("mail", "send_internal_email", to=["seller"], subject="{{ contact.email }}", body="Has waited."),
    step("task", "create_task", title="Call {{ contact.email }}"),
    step("end", "end"),
]
LOG = {(found["id"], "success") for found in STEPS} | {("wait", "waiting")}


def begin(steps: list[dict[str, Any]] = STEPS) -> Workflow:
    """The workflow, published: whoever becomes a buyer enters."""
    boss = User.objects.create_superuser("boss")
    User.objects.create_user("seller", email="seller@example.com")
    document = {
        "format": 1, "name": "Buyers", "object": "contact", "steps": steps,
        "trigger": {"kind": "filter", "criteria": BUYERS},
    }  # fmt: skip
    workflow = drafting.create("Buyers", "contact", boss, definition=document)
    publishing.publish(workflow, by=boss, now=database_now(), enroll_existing=False)
    return workflow


def feed(count: int) -> None:
    """So many contacts become buyers in one statement."""
    known = Contact.objects.count()
    Contact.objects.bulk_create(
        Contact(email=f"c{known + number}@example.com", job_title="buyer") for number in range(count)
    )


def hurry() -> None:
    """Let three days pass for whoever waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workflows_enrollment SET due_at = clock_timestamp()"
            " WHERE status = 'active' AND step = waiting_in AND due_at > clock_timestamp() + interval '1 day'"
        )


def inside() -> int:
    return Enrollment.objects.filter(status="active").count()


def left() -> int:
    """What is not done yet: changes, enrollments, and deliveries nobody has ended; all at one instant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM records_pendingchange)"
            " + (SELECT count(*) FROM workflows_enrollment WHERE status = 'active')"
            " + (SELECT count(*) FROM workflows_delivery WHERE state IN ('pending', 'sending'))"
        )
        return int(cursor.fetchone()[0])


def finish(seconds: float = 60.0, check: Callable[[], None] = hurry) -> float:
    """Wait until nothing is left; how long that took. Stuck is when nothing was done for so many seconds."""
    start = moved = time.monotonic()
    fewest = left()
    while count := left():
        if count < fewest:
            fewest, moved = count, time.monotonic()
        states = Counter(Delivery.objects.values_list("state", flat=True))
        standing = Counter(Enrollment.objects.values_list("status", "step", "attempts"))
        assert time.monotonic() < moved + seconds, f"STUCK: {count} left: {standing}, {states}"
        check()
        time.sleep(0.05)
    return time.monotonic() - start


def send_again() -> int:
    """A person has every uncertain mail sent again without looking; how many there were."""
    again = {"state": "pending", "due_at": database_now(), "attempts": 0, "claim": None, "claimed_until": None}
    return Delivery.objects.filter(state="uncertain").update(**again)


def try_again() -> int:
    """A person has whoever was given up after three dead workers tried again; how many there were."""
    given_up = Enrollment.objects.filter(status="failed", ended_reason="crashed")
    return given_up.update(
        status="active", due_at=database_now(), ended_at=None, ended_reason="", attempts=0, visit=_next_visit()
    )


def _next_visit() -> Any:
    from django.db.models import F

    return F("visit") + 1


def verdict(mails: Path, *, given_up: int = 0) -> list[str]:
    """What is wrong: whatever was lost, done twice, or is stuck. Everybody must have come to the end."""
    found: list[str] = []
    buyers = dict(Contact.objects.filter(job_title="buyer").values_list("pk", "email"))
    journeys = Counter(Enrollment.objects.values_list("record_id", flat=True))
    found += told("{n} buyers never entered", [pk for pk in buyers if not journeys[pk]])
    found += told("{n} buyers entered twice", [pk for pk, count in journeys.items() if count > 1])
    found += told("{n} enrollments are not completed", Enrollment.objects.exclude(status="completed"))
    changed = Contact.objects.filter(pk__in=buyers)
    found += told("{n} contacts were not set", changed.exclude(city="Malmö"))
    found += told("{n} contacts were not changed", changed.exclude(lead_score__gt=0))
    found += told("{n} contacts were changed twice", changed.filter(lead_score__gt=1))
    tasks = Counter(Task.objects.values_list("title", flat=True))
    expected = {f"Call {email}" for email in buyers.values()}
    found += told("{n} tasks are missing", expected - set(tasks))
    found += told("{n} tasks exist twice", [title for title, count in tasks.items() if count > 1])
    found += told("{n} tasks nobody asked for", set(tasks) - expected)
    found += logged(len(buyers), given_up)
    found += mailed(received(mails), set(buyers.values()))
    found += told("{n} changes were never looked at", PendingChange.objects.all())
    found += [f"{promise} Not: {ids}" for promise, ids in broken_promises().items()]
    return found


def told(sentence: str, offenders: Any) -> list[str]:
    count = offenders.count() if hasattr(offenders, "model") else len(offenders)
    return [sentence.format(n=count)] if count else []


def logged(count: int, given_up: int) -> list[str]:
    """Each expected line exactly once for each enrollment, and no others but those of who was given up."""
    lines = Counter(StepExecution.objects.values_list("enrollment", "step", "outcome"))
    failures = sum(number for (_pk, _step, outcome), number in lines.items() if outcome == "failed")
    usual = {key: number for key, number in lines.items() if key[2] != "failed"}
    doubled = [key for key, number in usual.items() if number > 1]
    found = told("{n} lines were logged twice", [key for key in doubled if key[1:] != ("wait", "waiting")])
    # Whoever was given up at the end of a delay waits anew when tried again.
    if sum(usual[key] - 1 for key in doubled) > given_up:
        found.append(f"{len(doubled)} enrollments have waited twice, but only {given_up} were given up.")
    kinds = Counter((step, outcome) for _pk, step, outcome in usual)
    if kinds != dict.fromkeys(LOG, count):
        found.append(f"The log has {dict(kinds)} instead of each {count} times.")
    if failures != given_up:
        found.append(f"{failures} failures were logged instead of {given_up}.")
    return found


def mailed(mails: Counter[tuple[str, str]], expected: set[str]) -> list[str]:
    """Every contact was written about, under one key however often."""
    found = told("{n} mails are missing", expected - {subject for subject, _id in mails})
    keys = Counter(subject for subject, _id in mails)
    found += told("{n} mails went out under two keys", [subject for subject, count in keys.items() if count > 1])
    found += told("{n} deliveries are not done", Delivery.objects.exclude(state="done"))
    return found


def repeats(mails: Path) -> int:
    """How many mails arrived more often than once."""
    return sum(count - 1 for count in received(mails).values())
