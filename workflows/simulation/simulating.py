"""Simulating: a draft is walked with a real record by the engine itself, in a transaction that is rolled back.

So the test does what the workflow would do, step for step, and nothing of it stays: no change, no task, no message,
no line of a history. Time is not waited for: where a step waits, the clock of the test is set forward.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Max, Q
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from psycopg import errors

from records import vocabulary
from records.object_types import ObjectType, object_types
from records.outages import cut_short
from records.problems import DocumentError, Problem
from records.saving import Row, save_batch
from records.seeing import hidden_property, may_see
from workflows.ai import asking
from workflows.definitions import touching
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.engine.batch import Standing
from workflows.engine.journey import Journey
from workflows.engine.moving import Ledger
from workflows.enrollment.leaving import noticing
from workflows.history.telling import HistoryLine, path_of
from workflows.models import CodeRun, Delivery, Enrollment, Notification, Revision, Workflow
from workflows.outbox.ordering import KIND

#: How often the clock is set forward at most: a flow that waits more often is shown up to there.
WAITS = 60
#: Milliseconds one statement may take, and may wait for what another transaction holds.
STATEMENT, LOCK = 5_000, 1_000


@dataclass(frozen=True)
class Told:
    """One thing the test has shown: at which step, when by the clock of the test, with which outcome."""

    step: str
    number: int | None
    label: str
    icon: str
    outcome: str
    outcome_label: str
    sentence: str
    at: dt.datetime


@dataclass(frozen=True)
class Message:
    """A message that would have been sent, as it would have been sent."""

    kind: str
    to: str
    subject: str
    text: str


@dataclass
class Simulation:
    """What would become of a record: `ended` is how it ends, or why the test stops before the end."""

    lines: list[Told] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    ended: str = ""
    #: What the script would be called with at which the test ends; None where it ends elsewhere.
    event: dict[str, Any] | None = None

    @property
    def path(self) -> list[str]:
        """The ids of the steps it came by, in order, each once."""
        return list(dict.fromkeys(line.step for line in self.lines if line.step))


class Undone(Exception):
    """Carries the result out of the transaction that is rolled back."""

    def __init__(self, result: Simulation) -> None:
        self.result = result
        super().__init__("A simulation leaves nothing behind.")


def simulate(
    revision: Revision, record_id: int, *, user: Any, now: dt.datetime, instead: Mapping[str, str] | None = None
) -> Simulation:
    """Walk a record through a definition, from the first step, as if it had just been enrolled.

    `instead` are values of the record's properties to be tried instead of its own. Raises DocumentError for a record
    that is not there, a value that does not fit, and for what the person may not see.
    """
    definition = parse(revision.definition)
    object_type = object_types[definition.object]
    refuse_hidden(definition, object_type, user)
    try:
        with transaction.atomic():
            raise Undone(walked(revision, definition, object_type, record_id, now, dict(instead or {})))
    except Undone as undone:
        return undone.result
    except OperationalError as error:
        if not (cut_short(error) or isinstance(error.__cause__, (errors.LockNotAvailable, errors.DeadlockDetected))):
            raise
        message = _("The test took too long, or somebody is changing the record just now. Try again.")
        raise DocumentError([Problem("record", message, record_id)]) from error


def refuse_hidden(definition: Definition, object_type: ObjectType, user: Any) -> None:
    """A test tells values of what the steps read, and whether what they write was there: it is for who may see it."""
    touched = touching.reads(definition) | touching.writes(definition)
    slugs = {object_type.slug, *(name.split(".", 1)[0] for name in touched)}
    for slug in sorted(slugs & object_types.keys()):
        if not may_see(user, object_types[slug]):
            message = _("The steps read or change %(records)s, which you may not see. Ask somebody who may.")
            raise DocumentError([Problem("record", message % {"records": object_types[slug].label_plural}, slug)])
    if what := hidden_property(user, touched):
        message = _("The steps read or change %(what)s, to which you have no access. Ask somebody who may see it.")
        raise DocumentError([Problem("record", message % {"what": what})])


def walked(
    revision: Revision,
    definition: Definition,
    object_type: ObjectType,
    record_id: int,
    now: dt.datetime,
    instead: dict[str, str],
) -> Simulation:
    """Everything the test does in its transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT}; SET LOCAL lock_timeout = {LOCK}")
    if not object_type.records().filter(pk=record_id).exists():
        message = _("There is no %(type)s %(id)s. Choose another record.")
        raise DocumentError([Problem("record", message % {"type": object_type.label, "id": record_id}, record_id)])
    if instead:
        save_batch(object_type, [Row(properties=dict(instead), id=record_id)])
    enrollment = enrolled(revision, definition, record_id, now)
    bell = Notification.objects.aggregate(last=Max("pk"))["last"] or 0
    ended = walk(enrollment, definition)
    enrollment.refresh_from_db()
    lines = [told(line) for line in path_of(enrollment) if line.kind != "enrolled"]
    messages = [*sent(enrollment), *notified(object_type, record_id, bell)]
    asked = CodeRun.objects.filter(pk=enrollment.pk, result__isnull=True).first()
    return Simulation(lines, messages, ended, asked.event if asked else None)


def enrolled(revision: Revision, definition: Definition, record_id: int, now: dt.datetime) -> Enrollment:
    """An enrollment in a twin of the workflow: what happens in the real one neither counts nor is touched."""
    own = revision.workflow
    workflow = Workflow.objects.create(name=own.name, object_type=own.object_type, status=Workflow.Status.ON)
    twin = Revision.objects.create(workflow=workflow, number=1, definition=revision.definition)
    Workflow.objects.filter(pk=workflow.pk).update(live=twin)
    workflow.live = twin
    return Enrollment.objects.create(
        workflow=workflow, revision=twin, record_id=record_id, step=definition.first, due_at=now, enrolled_at=now,
        arrived_at=now, cause={"kind": "manual"},
    )  # fmt: skip


def walk(enrollment: Enrollment, definition: Definition) -> str:
    """Take every step, setting the clock forward where one waits; how it ended, in a sentence ("" at an end)."""
    standing = Standing(
        enrollment.pk, enrollment.record_id, enrollment.step, 0, "", 0, '{"kind": "manual"}', "{}",
        enrollment.enrolled_at.isoformat(), enrollment.enrolled_at.isoformat(),
    )  # fmt: skip
    now = enrollment.enrolled_at
    for _wait in range(WAITS):
        with noticing() as taken_out:
            ledger = Ledger(now, taken_out=taken_out)
            Journey(enrollment.revision, definition, ledger, vocabulary.version()).walk([standing])
            place = ledger.places.get(standing.id)
            ledger.write()
            if place is None or standing.id in ledger.taken_out or place[0] != Enrollment.Status.ACTIVE:
                return ""
            due = place[3]
        if due is None and unsent(standing.id, f"{standing.id}:{standing.step}:{standing.visit}"):
            due = now
        if due is None:
            return _("Here it waits for something to happen, without an end: the test ends.")
        now = max(now, due)
    return _("It has waited %(count)d times: the test ends here.") % {"count": WAITS}


def unsent(enrollment: int, key: str) -> int:
    """Skip the requests a step waits for: nothing is sent, so the record goes on without an answer; how many."""
    found = Delivery.objects.filter(enrollment_id=enrollment, kind=KIND).exclude(state=Delivery.State.SKIPPED)
    return found.filter(Q(key=key) | Q(key__startswith=f"{key}:")).update(state=Delivery.State.SKIPPED)


def told(line: HistoryLine) -> Told:
    """A line of the history without its links: what they lead to is not there any more."""
    return Told(
        line.step, line.number, line.label, line.icon, line.outcome, line.outcome_label, strip_tags(line.sentence),
        line.at,
    )  # fmt: skip


def sent(enrollment: Enrollment) -> Iterator[Message]:
    """What would be sent."""
    for delivery in Delivery.objects.filter(enrollment_id=enrollment.pk).order_by("pk"):
        request = delivery.request
        if "ask" in request:
            yield Message("ai", request["ask"]["provider"], request["ask"]["model"], asking.shown(request))
        elif delivery.kind == KIND and "to" in request:
            yield Message(str(_("text message")), request["to"], "", request["text"])
        elif delivery.kind == KIND:
            yield Message(delivery.kind, request["url"], request["method"], request["body"])
        else:
            yield Message(delivery.kind, **{name: str(request.get(name, "")) for name in ("to", "subject", "text")})


def notified(object_type: ObjectType, record_id: int, before: int) -> Iterator[Message]:
    """What would appear under people's bells: notifications about the record after the one numbered `before`."""
    about = {"object_type": object_type.slug, "record_id": record_id}
    for one in Notification.objects.filter(pk__gt=before, **about).select_related("user").order_by("pk"):
        yield Message("notification", str(one.user), one.title, one.body)
