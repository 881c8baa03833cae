"""Mails about workflows: each notice as it comes, or those of a day together, as everybody wishes (SET-10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows import doorbell
from workflows.models import Delivery, MailWish, Notification

Wish = MailWish.Workflows
#: When the mail with everything since the last one is written, by the clock of the installation's zone.
MORNING = dt.time(7)
#: Notices a digest lists, and people that are written to at once.
LISTED, AT_ONCE = 50, 200
SUBJECT_LIMIT = 250


def wishes(users: Iterable[int]) -> dict[int, str]:
    """How each of some users wants mails about workflows; once a day where nothing is said."""
    ids = list(users)
    return dict.fromkeys(ids, str(Wish.DAILY)) | dict(
        MailWish.objects.filter(user__in=ids).values_list("user", "workflows")
    )


def wish_of(user: Any) -> str:
    """How somebody wants mails about workflows."""
    return wishes([user.pk])[user.pk]


def wish(user: Any, how: str, now: dt.datetime) -> None:
    """Remember how somebody wants these mails. What was left for the next digest is in none any more."""
    with transaction.atomic():
        MailWish.objects.update_or_create(user_id=user.pk, defaults={"workflows": how})
        if how != Wish.DAILY:
            unmailed().filter(user=user.pk).update(mailed_at=now)


def unmailed() -> QuerySet[Notification]:
    """The notices about workflows that have been in no mail."""
    return Notification.objects.exclude(about="").filter(mailed_at=None)


def at_once(made: Sequence[Notification], now: dt.datetime) -> int:
    """Write at once to those who want each notice by mail; how many mails."""
    wanted = wishes({one.user_id for one in made})
    each = [one for one in made if wanted[one.user_id] == Wish.EACH]
    return mail([(one.user, [one]) for one in each], now)


def digest(now: dt.datetime) -> int:
    """Write to everybody who wants a mail a day and has notices from before this morning; how many mails."""
    before = last_morning(now)
    waiting = unmailed().filter(created_at__lt=before)
    ids = sorted(waiting.order_by("user").values_list("user", flat=True).distinct()[:AT_ONCE])
    wanted, letters = wishes(ids), []
    users = get_user_model()._default_manager.filter(is_active=True).in_bulk(ids)
    with transaction.atomic():
        mine = waiting.filter(user__in=ids).select_for_update(skip_locked=True).order_by("pk")
        by_user: dict[int, list[Notification]] = {}
        for notice in mine:
            by_user.setdefault(notice.user_id, []).append(notice)
        letters = [(users[pk], by_user[pk]) for pk in by_user if pk in users and wanted[pk] == Wish.DAILY]
        sent = mail(letters, now)
        Notification.objects.filter(pk__in=[one.pk for some in by_user.values() for one in some]).update(mailed_at=now)
    return sent


def last_morning(now: dt.datetime) -> dt.datetime:
    zone = ZoneInfo(settings.TIME_ZONE)
    local = now.astimezone(zone)
    day = local.date() if local.time() >= MORNING else local.date() - dt.timedelta(days=1)
    return dt.datetime.combine(day, MORNING, zone)


def mail(letters: Sequence[tuple[Any, Sequence[Notification]]], now: dt.datetime) -> int:
    """Put a mail with some notices into the outbox for each person who has an address, once; how many."""
    made = [
        Delivery(
            key=f"notice:{notices[-1].pk}", kind="mail", due_at=now, created_at=now,
            request={
                "to": user.email, "from": settings.DEFAULT_FROM_EMAIL, "subject": subject(notices),
                "text": text_of(notices),
            },
        )
        for user, notices in letters
        if user.email and user.is_active and notices
    ]  # fmt: skip
    Delivery.objects.bulk_create(made, ignore_conflicts=True)
    Notification.objects.filter(pk__in=[one.pk for _user, notices in letters for one in notices]).update(mailed_at=now)
    if made:
        transaction.on_commit(partial(doorbell.ring, "high"), robust=True)
    return len(made)


def subject(notices: Sequence[Notification]) -> str:
    if len(notices) == 1:
        return " ".join(notices[0].title.split())[:SUBJECT_LIMIT]
    told = ngettext("%(count)d notice about your workflows", "%(count)d notices about your workflows", len(notices))
    return told % {"count": len(notices)}


def text_of(notices: Sequence[Notification]) -> str:
    parts = [f"{one.title}\n{one.body}".strip() for one in notices[:LISTED]]
    if len(notices) > LISTED:
        left = len(notices) - LISTED
        more = ngettext("%(count)d more stands under the bell.", "%(count)d more stand under the bell.", left)
        parts.append(more % {"count": left})
    parts.append(_("You choose on the page “Notifications” whether these emails come at once, daily, or not at all."))
    return "\n\n".join(parts)
