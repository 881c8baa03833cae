"""What is due in sequences is done: in batches, each step of a contact once, whoever dies on the way.

The steps, what the contact is to get, and where it goes on are one transaction; the mails themselves leave through the
outbox. Several workers may do this at once: each passes over what another holds.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence as Several

from django.db import transaction
from django.db.models import Min

from crm.models import SequenceEnrollment, SequenceRun, SequenceStep, Subscription
from crm.sequences import settling
from crm.sequences.leaving import end
from crm.sequences.taking import take_step
from crm.sequences.timing import due_of, not_before
from records.journal import change_source
from records.outages import outage
from workflows.chores import Chore, chores
from workflows.models import Delivery
from workflows.texts.tokens import TokenError

logger = logging.getLogger(__name__)
#: Enrollments that are carried on in one transaction.
AT_A_TIME = 500
#: When somebody is looked at again whose last mail has not left yet.
LATER = dt.timedelta(minutes=15)
Status = SequenceEnrollment.Status
Some = Several[SequenceEnrollment]


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when a step has been due, or it has been known what became of a mail."""
    due = SequenceEnrollment.objects.filter(status=Status.ACTIVE, due_at__lte=now).aggregate(since=Min("due_at"))
    return min((since for since in (due["since"], settling.waiting_since()) if since is not None), default=None)


def work(now: dt.datetime) -> int:
    """Note what became of mails, then take what is due; how much was done."""
    return settling.settle(now) + move(now)


def move(now: dt.datetime, limit: int = AT_A_TIME) -> int:
    """Take the steps that are due, `limit` at most; how many enrollments were looked at."""
    with transaction.atomic(), change_source("sequence"):
        rows = due_ones(now, limit)
        by_step: dict[int, list[SequenceEnrollment]] = defaultdict(list)
        passed = []
        for one in able(rows, now):
            if one.step_id is None:
                passed.append(one)
            else:
                by_step[one.step_id].append(one)
        for some in by_step.values():
            passed += attempt(some, now)
        go_on(passed, now)
    return len(rows)


def due_ones(now: dt.datetime, limit: int) -> list[SequenceEnrollment]:
    """Enrollments that are due and nobody else holds, locked, with all that is needed to carry them on."""
    due = SequenceEnrollment.objects.filter(status=Status.ACTIVE, due_at__lte=now).order_by("due_at", "pk")
    held = due.select_for_update(skip_locked=True, of=("self",))
    return list(held.select_related("sequence__subscription", "step", "sender", "contact")[:limit])


def able(rows: Some, now: dt.datetime) -> list[SequenceEnrollment]:
    """Those whose step can be taken now. The others end, or come again later."""
    ids, contacts = [one.pk for one in rows], [one.contact_id for one in rows]
    said = Subscription.objects.filter(contact__in=contacts, status=Subscription.Status.UNSUBSCRIBED)
    unwanted = set(said.values_list("contact_id", "type_id")) if rows else set()
    busy = still_waiting(ids)
    ends: dict[tuple[str, str], list[int]] = defaultdict(list)
    later: dict[dt.datetime, list[int]] = defaultdict(list)
    found = []
    for one in rows:
        step, until = one.step, None
        if (one.contact_id, one.sequence.subscription.slug) in unwanted:
            ends[Status.UNSUBSCRIBED, ""].append(one.pk)
        elif reason := hindrance(one):
            ends[Status.STOPPED, reason].append(one.pk)
        elif one.pk in busy:
            later[now + LATER].append(one.pk)
        elif step is not None and (until := not_before(step, one.sequence, now)):
            later[until].append(one.pk)
        else:
            found.append(one)
    for (status, reason), some in ends.items():
        end(some, status, reason=reason, now=now)
    for until, some in later.items():
        SequenceEnrollment.objects.filter(pk__in=some).update(due_at=until)
    return found


def hindrance(one: SequenceEnrollment) -> str:
    """Why nothing more can be done for an enrollment, as a code of crm.sequences.words.REASONS; "" for nothing."""
    if one.contact.deleted_at is not None:
        return "contact_deleted"
    if not one.contact.email:
        return "no_address"
    return "" if one.sender is not None and one.sender.is_active else "sender_gone"


def still_waiting(ids: list[int]) -> set[int]:
    """The enrollments whose last mail has not left yet: an answer to it comes too early."""
    runs = SequenceRun.objects.filter(enrollment__in=ids, settled=False, delivery_id__isnull=False)
    waiting = {delivery: pk for delivery, pk in runs.values_list("delivery_id", "enrollment_id") if delivery}
    if not waiting:
        return set()
    unsent = Delivery.objects.filter(pk__in=list(waiting), state__in=(Delivery.State.PENDING, Delivery.State.SENDING))
    return {waiting[pk] for pk in unsent.values_list("pk", flat=True)}


def attempt(some: list[SequenceEnrollment], now: dt.datetime) -> list[SequenceEnrollment]:
    """Take a step for some, or, when that cannot be done for all at once, for each alone; those it was taken for."""
    try:
        with transaction.atomic():
            return list(take_step(some, now))
    except Exception as error:
        if outage(error):
            raise
        if len(some) > 1:
            return [done for one in some for done in attempt([one], now)]
        reason = "text" if isinstance(error, TokenError) else "unexpected"
        if reason == "unexpected":
            logger.exception("A step of a sequence failed (enrollment %s).", some[0].pk)
        end([some[0].pk], Status.STOPPED, reason=reason, now=now)
        return []


def go_on(passed: Some, now: dt.datetime) -> None:
    """Let enrollments stand on their next step, or end."""
    if not passed:
        return
    orders: dict[int, list[SequenceStep]] = defaultdict(list)
    for step in SequenceStep.objects.filter(sequence__in={one.sequence_id for one in passed}):
        orders[step.sequence_id].append(step)
    taken: dict[int, set[int | None]] = defaultdict(set)
    for pk, step_id in SequenceRun.objects.filter(enrollment__in=passed).values_list("enrollment_id", "step_id"):
        taken[pk].add(step_id)
    finished: list[int] = []
    ahead: dict[tuple[int, dt.datetime], list[int]] = defaultdict(list)
    for one in passed:
        onward = following(orders[one.sequence_id], taken[one.pk], one.step_id)
        if onward is None:
            finished.append(one.pk)
        else:
            ahead[onward.pk, due_of(onward, one.sequence, now)].append(one.pk)
    for (step_id, due), some in ahead.items():
        SequenceEnrollment.objects.filter(pk__in=some).update(step_id=step_id, due_at=due)
    end(finished, Status.FINISHED, now=now)


def following(steps: list[SequenceStep], taken: set[int | None], current: int | None) -> SequenceStep | None:
    """The first step after the current one, or the last that was taken, that was not taken yet; None for none."""
    ids = [step.pk for step in steps]
    places = [ids.index(pk) for pk in ([current] if current in ids else taken) if pk in ids]
    start = max(places) + 1 if places else 0
    return next((step for step in steps[start:] if step.pk not in taken), None)


def register_sequences() -> None:
    """Called once, when the apps are ready."""
    chores.append(Chore(waiting_since, work))
