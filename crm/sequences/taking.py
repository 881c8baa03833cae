"""One step of a sequence, taken for many contacts at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from collections.abc import Sequence as Several
from typing import Any

from crm.models import Email, SequenceEnrollment, SequenceRun, SequenceStep, Task
from crm.sequences import agents, writing
from crm.sequences.writing import TITLE_LIMIT
from records.associations import associate_new
from records.object_types import object_types
from workflows.engine.writing import insert
from workflows.models import Delivery

EMAIL = SequenceStep.Kind.EMAIL
Some = Several[SequenceEnrollment]


def take_step(some: Some, now: dt.datetime) -> Some:
    """Take the step that all of these stand on; constant statements. Those it was taken for: the others wait or ended.

    Raises TokenError for a text that cannot be filled in.
    """
    step = some[0].step
    assert step is not None
    if step.kind == SequenceStep.Kind.TASK:
        make_tasks(step, some, now)
    elif step.kind == SequenceStep.Kind.WRITTEN:
        letters = agents.letters(step, some, now)
        some = [one for one in some if one.pk in letters]
        subjects = {one.contact_id: letters[one.pk].subject for one in some}
        write_emails(step, some, subjects, {one.contact_id: letters[one.pk].text for one in some}, now)
    else:
        subjects, texts = writing.filled_in(step.subject, some, "line"), writing.filled_in(step.body, some)
        write_emails(step, some, subjects, texts, now)
    return some


def make_tasks(step: SequenceStep, some: Some, now: dt.datetime) -> None:
    """A task for each sender."""
    titles, bodies = writing.filled_in(step.subject, some, "line"), writing.filled_in(step.body, some)
    shared = {"kind": step.task_kind, "priority": step.priority, "due_at": now, **stamps(now)}
    own: dict[str, list[Any]] = {
        "title": [titles[one.contact_id][:TITLE_LIMIT] or str(step) for one in some],
        "body": [bodies[one.contact_id] for one in some],
        "owner_id": [one.sender_id for one in some],
    }
    tasks = insert(Task, len(some), shared, own)
    link("task", some, tasks)
    SequenceRun.objects.bulk_create(
        SequenceRun(enrollment=one, step=step, kind=step.kind, title=title, at=now, record_id=task)
        for one, task, title in zip(some, tasks, own["title"], strict=True)
    )


def write_emails(
    step: SequenceStep, some: Some, subjects: Mapping[int, str], texts: Mapping[int, str], now: dt.datetime
) -> None:
    """An email for each contact, by whose ids its parts are: in the outbox, and on the contact's page."""
    if not some:
        return
    threads = threads_of(some) if some[0].sequence.thread else {}
    titles = [
        f"Re: {first.title}"[:TITLE_LIMIT]
        if (first := threads.get(one.pk))
        else subjects[one.contact_id][:TITLE_LIMIT]
        for one in some
    ]
    shared = {"direction": Email.Direction.OUTGOING, "status": Email.Status.SCHEDULED, **stamps(now)}
    own: dict[str, list[Any]] = {
        "subject": titles,
        "body": [texts[one.contact_id] for one in some],
        "sender": [one.from_address for one in some],
        "recipients": [one.contact.email for one in some],
        "owner_id": [one.sender_id for one in some],
    }
    emails = insert(Email, len(some), shared, own)
    link("email", some, emails)
    deliveries = Delivery.objects.bulk_create(
        writing.mail(one, step, title, texts[one.contact_id], thread_of(threads, one), now)
        for one, title in zip(some, titles, strict=True)
    )
    SequenceRun.objects.bulk_create(
        SequenceRun(
            enrollment=one, step=step, kind=EMAIL, title=title, at=now, record_id=email, delivery_id=mail.pk,
            message=writing.message_of(mail), settled=False,
        )
        for one, title, email, mail in zip(some, titles, emails, deliveries, strict=True)
    )  # fmt: skip


def threads_of(some: Some) -> dict[int, SequenceRun]:
    """The first email of each enrollment that has had one."""
    mails = SequenceRun.objects.filter(enrollment__in=some, kind=EMAIL)
    return {one.enrollment_id: one for one in mails.order_by("enrollment_id", "pk").distinct("enrollment_id")}


def thread_of(threads: dict[int, SequenceRun], one: SequenceEnrollment) -> dict[str, str]:
    first = threads.get(one.pk)
    return {"message": first.message, "title": first.title} if first else {}


def stamps(now: dt.datetime) -> dict[str, object]:
    return {"created_at": now, "updated_at": now, "custom": {}}


def link(slug: str, some: Some, made: list[int]) -> None:
    pairs = zip((one.contact_id for one in some), made, strict=True)
    associate_new(object_types["contact"], object_types[slug], pairs)
