"""Enrolling contacts in a sequence, many at once: each is in one at most (COM-01)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connection, transaction

from crm.emails.recipients import bounced
from crm.models import Contact, Sequence, SequenceEnrollment, SequenceStep, Subscription
from crm.sequences.timing import due_of
from records.happening import Occurrence, happen
from workflows import doorbell

#: Who is in a sequence already is left out, also when two enroll at once.
ENROLL = """
    INSERT INTO crm_sequenceenrollment (sequence_id, contact_id, status, reason, sender_id, from_address,
        enrolled_by_id, workflow_id, step_id, due_at, enrolled_at)
    SELECT %(sequence)s, contact, 'active', '', sender, address, %(by)s, %(workflow)s, %(step)s, %(due)s, %(now)s
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (contact bigint, sender bigint, address text) ORDER BY contact
    ON CONFLICT (contact_id) WHERE status = 'active' DO NOTHING RETURNING contact_id, id
"""


@dataclass(frozen=True)
class Sending:
    """Who sends a sequence, and from where: `from_address` "" is the sender's own."""

    sender: Any
    from_address: str = ""

    @property
    def address(self) -> str:
        return self.from_address or str(self.sender.email)


@dataclass
class Enrolled:
    """What became of contacts: the new enrollments' ids, and why there is none (crm.sequences.words.REFUSALS)."""

    made: dict[int, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def enroll(
    sequence: Sequence,
    senders: Mapping[int, Sending | None],
    *,
    now: dt.datetime,
    by: Any = None,
    workflow_id: int | None = None,
) -> Enrolled:
    """Enroll contacts, by id each with who sends; constant queries. The first step is taken when it is due."""
    steps = list(sequence.steps.all()[:1])
    if not sequence.active or not steps:
        return Enrolled({}, dict.fromkeys(senders, "sequence_empty" if sequence.active else "sequence_off"))
    done = Enrolled()
    able = able_of(sequence, senders, done.refused)
    with transaction.atomic():
        done.made = insert(sequence, steps[0], able, now, getattr(by, "pk", by), workflow_id)
        done.refused |= dict.fromkeys(able.keys() - done.made.keys(), "in_sequence")
        tell("sequence_enrolled", sequence.name, by, done.made, now)
        if done.made:
            transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return done


def able_of(sequence: Sequence, senders: Mapping[int, Sending | None], refused: dict[int, str]) -> dict[int, Sending]:
    """The contacts nothing keeps from being enrolled but being in a sequence; why the others are goes to `refused`."""
    emails = dict(Contact.objects.filter(pk__in=senders, deleted_at=None).values_list("pk", "email"))
    gone = unsubscribed(sequence, senders)
    broken = bounced(email for email in emails.values() if email)
    found = {}
    for pk, sending in senders.items():
        if pk not in emails:
            refused[pk] = "record_deleted"
        elif not emails[pk]:
            refused[pk] = "sequence_no_address"
        elif pk in gone:
            refused[pk] = "sequence_unsubscribed"
        elif str(emails[pk]).lower() in broken:
            refused[pk] = "sequence_bounced"
        elif sending is None:
            refused[pk] = "sequence_no_sender"
        elif not sending.sender.is_active:
            refused[pk] = "sequence_sender_inactive"
        elif not sending.address:
            refused[pk] = "sequence_sender_address"
        else:
            found[pk] = sending
    return found


def unsubscribed(sequence: Sequence, ids: Iterable[int]) -> set[int]:
    """Those of the contacts who do not want the sequence's emails."""
    said = Subscription.objects.filter(type__pk=sequence.subscription_id, status=Subscription.Status.UNSUBSCRIBED)
    return set(said.filter(contact__in=list(ids)).values_list("contact_id", flat=True))


def insert(
    sequence: Sequence, first: SequenceStep, able: Mapping[int, Sending], now: dt.datetime, by: int | None,
    workflow_id: int | None,
) -> dict[int, int]:  # fmt: skip
    """The new enrollments' ids by contact."""
    if not able:
        return {}
    rows = [{"contact": pk, "sender": one.sender.pk, "address": one.address} for pk, one in able.items()]
    facts: dict[str, Any] = {
        "rows": json.dumps(rows), "sequence": sequence.pk, "by": by, "workflow": workflow_id, "step": first.pk,
        "due": due_of(first, sequence, now), "now": now,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ENROLL, facts)
        return dict(cursor.fetchall())


def tell(event: str, name: str, user: Any, made: Mapping[int, int], now: dt.datetime, **facts: Any) -> None:
    """Record an event of a sequence for contacts, once for each enrollment (EVT-23 to EVT-26)."""
    if not made:
        return
    shared = {"sequence": name, "user": getattr(user, "pk", user), **facts}
    occurrences = [Occurrence(contact, shared, key=f"sequence:{pk}:{event}") for contact, pk in made.items()]
    happen(event, "contact", occurrences, now=now)


def current(contact_ids: Iterable[int]) -> dict[int, SequenceEnrollment]:
    """The enrollment each of the contacts is in, with its sequence."""
    active = SequenceEnrollment.objects.filter(contact__in=list(contact_ids), status=SequenceEnrollment.Status.ACTIVE)
    return {one.contact_id: one for one in active.select_related("sequence")}
