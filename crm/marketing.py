"""Marketing contacts: to marketing at once, to non-marketing at the next update of the account (MKT-06).

Updates are on the first of each month, and on the renewal date (`MARKETING_RENEWAL`), at midnight of the account's
time zone. Whoever is to become non-marketing stays a marketing contact until then, and for good when made one again.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.checks import Error, register
from django.db import transaction
from django.db.models import Min

from crm.models import Contact, MarketingStatus, PendingNonMarketing
from records.journal import change_source
from workflows.chores import Chore, chores
from workflows.times.wall_time import MIDNIGHT, instant_of

#: Contacts the clock makes non-marketing in one transaction.
AT_A_TIME = 1_000
NOT_A_DAY = (
    "MARKETING_RENEWAL is “{value}”, which is no day of every year. Write month-day, like 03-15, or leave it out."
)


@dataclass
class Outcome:
    """What became of contacts: made marketing, due to become non-marketing on a day, called off, left as they were."""

    made: set[int] = field(default_factory=set)
    due: dict[int, dt.date] = field(default_factory=dict)
    called_off: set[int] = field(default_factory=set)
    same: set[int] = field(default_factory=set)

    @property
    def changed(self) -> set[int]:
        return self.made | self.due.keys() | self.called_off


def zone() -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(settings.TIME_ZONE)


def next_update(now: dt.datetime) -> dt.date:
    """The first of next month or the renewal date, whichever is earlier; never today."""
    today = now.astimezone(zone()).date()
    first = (today.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    renewal = renewal_of(settings.MARKETING_RENEWAL)
    if renewal is None:
        return first
    month, day = renewal
    years = (dt.date(year, month, day) for year in (today.year, today.year + 1))
    return min(first, next(one for one in years if one > today))


def renewal_of(text: str) -> tuple[int, int] | None:
    """Month and day of the account's renewal; None without one. Raises ValueError for what is no day of every year."""
    if not text:
        return None
    day = dt.date.fromisoformat(f"2026-{text}")  # A year without 29 February.
    return day.month, day.day


def set_marketing(
    ids: Iterable[int], status: str, *, now: dt.datetime, by: Any = None, workflow_id: int | None = None
) -> Outcome:
    """Make contacts marketing contacts now, or have them become non-marketing at the next update.

    Three statements at most; rows are locked in the order of the contacts. Deleted contacts are in none of the sets.
    """
    with transaction.atomic():
        rows = Contact.objects.filter(pk__in=set(ids), deleted_at=None).order_by("pk").select_for_update(no_key=True)
        known = dict(rows.values_list("pk", "marketing_status"))
        waiting = PendingNonMarketing.objects.filter(contact_id__in=known)
        if status == MarketingStatus.MARKETING:
            made = {pk for pk, current in known.items() if current != MarketingStatus.MARKETING}
            called_off = set(waiting.values_list("pk", flat=True))
            Contact.objects.filter(pk__in=made).update(marketing_status=MarketingStatus.MARKETING)
            if called_off:
                waiting.delete()
            return Outcome(made, {}, called_off, known.keys() - made - called_off)
        asked = dict(waiting.values_list("pk", "on"))
        on = next_update(now)
        new = [pk for pk, current in known.items() if current == MarketingStatus.MARKETING and pk not in asked]
        PendingNonMarketing.objects.bulk_create(
            PendingNonMarketing(
                contact_id=pk, on=on, asked_at=now, asked_by_id=getattr(by, "pk", by), workflow_id=workflow_id
            )
            for pk in new
        )
        return Outcome(set(), dict.fromkeys(new, on), set(), known.keys() - set(new))


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when a contact should have become non-marketing."""
    today = now.astimezone(zone()).date()
    first = PendingNonMarketing.objects.filter(on__lte=today).aggregate(first=Min("on"))["first"]
    return None if first is None else instant_of(first, MIDNIGHT, zone())


def apply_due(now: dt.datetime) -> int:
    """Make contacts non-marketing whose day has come; how many, AT_A_TIME at most.

    Contacts are locked before what waits for them, as everywhere; those somebody else holds come next time.
    """
    today = now.astimezone(zone()).date()
    due = list(
        PendingNonMarketing.objects.filter(on__lte=today).order_by("on", "pk").values_list("pk", flat=True)[:AT_A_TIME]
    )
    if not due:
        return 0
    with change_source("marketing"):
        rows = Contact.objects.filter(pk__in=due).order_by("pk")
        held = list(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
        # Who was made a marketing contact again meanwhile is not waiting any more.
        waiting = PendingNonMarketing.objects.filter(pk__in=held, on__lte=today)
        ids = list(waiting.values_list("pk", flat=True))
        Contact.objects.filter(pk__in=ids, marketing_status=MarketingStatus.MARKETING).update(
            marketing_status=MarketingStatus.NON_MARKETING
        )
        waiting.delete()
    return len(ids)


def check_renewal(app_configs: Any, **kwargs: Any) -> list[Error]:
    try:
        renewal_of(settings.MARKETING_RENEWAL)
    except ValueError:
        return [Error(NOT_A_DAY.format(value=settings.MARKETING_RENEWAL), id="crm.E010")]
    return []


def register_marketing() -> None:
    """Called once, when the apps are ready."""
    register(check_renewal)
    chores.append(Chore(waiting_since, apply_due))
