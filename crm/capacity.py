"""How many more tickets people can take (CRM-24)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q

from crm.models import Stage, User
from records.object_types import object_types

TICKET = "ticket"


def room_for_tickets(users: Sequence[int]) -> dict[int, int]:
    """For each of the users with a limit how many more open tickets they can own.

    They are locked until the transaction ends, so that two rotations do not give the last place twice.
    """
    limited = User.objects.filter(pk__in=users, ticket_capacity__isnull=False).order_by("pk")
    limits = dict(limited.select_for_update(no_key=True).values_list("pk", "ticket_capacity"))
    if not limits:
        return {}
    closed = Q()
    for pipeline, slug in (
        Stage.objects.filter(pipeline__object_type=TICKET)
        .exclude(outcome=Stage.Outcome.OPEN)
        .values_list("pipeline__slug", "slug")
    ):
        closed |= Q(pipeline=pipeline, status=slug)
    owned = object_types[TICKET].records().filter(owner__in=limits)
    counted = (owned.exclude(closed) if closed else owned).order_by().values_list("owner").annotate(n=Count("pk"))
    taken = dict(counted)
    return {pk: max(limit - taken.get(pk, 0), 0) for pk, limit in limits.items()}
