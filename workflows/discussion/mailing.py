"""Mails to people a comment names: through the outbox, at least once, unless they want none (EDT-03)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from workflows import doorbell
from workflows.models import Comment, Delivery, MailWish

#: What a mail's subject may have of the names in it.
SUBJECT_LIMIT = 250


def send(comment: Comment, people: Collection[Any], subject: str, address: str, *, now: dt.datetime) -> int:
    """Put a mail into the outbox for each of the people who has an address and wants it; how many.

    `address` is where the comment is read, "" where that is not known. A person gets one mail about a comment, also
    when the comment is changed and names them once more.
    """
    unwanted = set(MailWish.objects.filter(user__in=people, mentions=False).values_list("user", flat=True))
    wanted = [one for one in people if one.email and one.pk not in unwanted]
    if not wanted:
        return 0
    text = body(comment, subject, address)
    # A name with a line break in it must not end the header.
    line = " ".join(subject.split())[:SUBJECT_LIMIT]
    Delivery.objects.bulk_create(
        (
            Delivery(
                key=key_of(comment, one.pk),
                kind="mail",
                request={
                    "to": one.email,
                    "from": settings.DEFAULT_FROM_EMAIL,
                    "subject": line,
                    "text": text,
                    "workflow": comment.thread.workflow_id,
                },
                due_at=now,
                created_at=now,
            )
            for one in wanted
        ),
        ignore_conflicts=True,
    )
    transaction.on_commit(partial(doorbell.ring, "high"), robust=True)
    return len(wanted)


def key_of(comment: Comment, user: int) -> str:
    return f"comment:{comment.pk}:{user}"


def body(comment: Comment, subject: str, address: str) -> str:
    parts = [_("%(what)s:") % {"what": subject}, comment.text]
    if address:
        parts.append(_("Read and answer it: %(address)s") % {"address": address})
    parts.append(_("You can turn these emails off on the page “Notifications”. The notification there stays."))
    return "\n\n".join(parts)


def unsend(comment: Comment) -> None:
    """Take back the mails about a comment that have not left yet."""
    keys = [key_of(comment, pk) for pk in comment.mentioned.values_list("pk", flat=True)]
    Delivery.objects.filter(key__in=keys, state=Delivery.State.PENDING).delete()


def wants_mail(user: Any) -> bool:
    """Whether somebody gets a mail when a comment names them."""
    return not MailWish.objects.filter(user=user.pk, mentions=False).exists()


def wish(user: Any, *, mentions: bool) -> None:
    """Remember whether somebody wants these mails."""
    MailWish.objects.update_or_create(user_id=user.pk, defaults={"mentions": mentions})
