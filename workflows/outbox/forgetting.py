"""Deliveries of somebody who is forgotten: they go, and records that wait for them go on."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models.fields.json import KT

from workflows.models import Delivery
from workflows.outbox import ordering


def forget_contacts(ids: Iterable[int]) -> None:
    """Remove whatever was sent, or waits to be sent, to some contacts, or to others about them; constant statements.

    The record whose workflow sent it may be another one, like a deal: its step ends as if nothing had been to send.
    """
    theirs = Delivery.objects.filter(request__has_key="contact").annotate(contact=KT("request__contact"))
    wanted = theirs.filter(contact__in=[str(pk) for pk in ids]).order_by("pk").select_for_update(of=("self",))
    with transaction.atomic():
        found = list(wanted.values_list("pk", flat=True))
        if not found:
            return
        rows = Delivery.objects.filter(pk__in=found)
        # Whoever waits for one that is still to be sent would wait for ever.
        rows.update(state=Delivery.State.SKIPPED)
        ordering.wake(found)
        rows.delete()
