"""Looking over the members of audiences: who may not be in one any more leaves, new addresses take the place of old.

Who withdraws a consent, stops being a marketing contact or is deleted is taken out within a quarter of an hour, and
the other side is told.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Min

from crm.audiences import keeping, sending
from crm.audiences.keeping import CHECK_EVERY
from crm.audiences.permitting import permitted
from crm.models import Audience, AudienceMember, Contact
from workflows.chores import Chore, chores

#: Members looked at in one transaction.
AT_A_TIME = 2_000
#: A look takes a while: addresses that were changed since the one before, and so long before that, are compared.
MARGIN = dt.timedelta(hours=1)


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when members should have been looked over."""
    return Audience.objects.filter(check_at__lte=now).aggregate(since=Min("check_at"))["since"]


def work(now: dt.datetime) -> int:
    """Look at the next members of each audience that is due; how many."""
    due = Audience.objects.filter(check_at__lte=now).order_by("check_at", "pk").values_list("pk", flat=True)
    return sum(look(pk, now) for pk in due)


def look(pk: int, now: dt.datetime) -> int:
    with transaction.atomic():
        audience = sending.locked(pk)
        if audience is None or audience.check_at is None or audience.check_at > now:
            return 0
        due = audience.check_at
        rows = AudienceMember.objects.filter(audience=audience, pk__gt=audience.checked_to).order_by("pk")
        seen = list(rows.values_list("pk", "contact_id")[:AT_A_TIME])
        ids = [contact for _pk, contact in seen]
        allowed = Contact.objects.filter(permitted(audience), pk__in=ids)
        keeping.remove(audience, set(ids) - set(allowed.values_list("pk", flat=True)), now=now)
        rehash(audience, list(allowed.filter(updated_at__gte=due - CHECK_EVERY - MARGIN)), now)
        over = len(seen) < AT_A_TIME
        audience.checked_to = 0 if over else seen[-1][0]
        audience.check_at = max(due + CHECK_EVERY, now) if over else due
        audience.save(update_fields=["checked_to", "check_at"])
    return len(seen)


def rehash(audience: Audience, changed: list[Contact], now: dt.datetime) -> None:
    """Bring the hashes of members up to date; who has neither an address nor a number any more leaves."""
    moved = [one for one in changed if keeping.hashes_of(one)]
    keeping.add(audience, moved, now=now)
    keeping.remove(audience, {one.pk for one in changed} - {one.pk for one in moved}, now=now)


def register_audiences() -> None:
    """Called once, when the apps are ready."""
    chores.append(Chore(sending.waiting_since, sending.work))
    chores.append(Chore(waiting_since, work))
