"""Adding contacts to audiences and taking them out: the members, and what the other side has to be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.audiences.hashing import hashes_of
from crm.models import Audience, AudienceChange, AudienceMember
from records.defining import slug_for
from records.problems import DocumentError, Problem

Kind = AudienceChange.Kind
#: How long it takes at most until who may not be in an audience any more is taken out.
CHECK_EVERY = dt.timedelta(minutes=15)
NAME_LENGTH, SLUG_LENGTH = 120, 50
#: Members taken out in one transaction.
PORTION = 5_000


def named(name: str) -> Audience:
    """The audience of a name; a new one where there is none. Raises DocumentError for what is no name."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        message = _("An audience has a name of 1 to %(limit)d characters. Give it one.")
        raise DocumentError([Problem("name", message % {"limit": NAME_LENGTH}, name)])
    found = Audience.objects.filter(name=name).first()
    if found is not None:
        return found
    # Two steps that need it at once make one: the second waits for the first.
    made, _new = Audience.objects.get_or_create(name=name, defaults={"slug": free_slug(name)})
    return made


def free_slug(name: str) -> str:
    wanted = slug_for(name)[: SLUG_LENGTH - 4].rstrip("_")
    slug, number = wanted, 1
    while Audience.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{wanted}_{number}"
    return slug


def add(audience: Audience, contacts: Iterable[Any], *, now: dt.datetime) -> set[int]:
    """Make contacts members that may be; the ids of those who are new, or are known by other addresses than before.

    The caller has left out who may not be in it, and who has neither an address nor a number. A constant number of
    statements; locks are taken in the order of the contacts.
    """
    hashes = {one.pk: found for one in contacts if (found := hashes_of(one))}
    with transaction.atomic():
        rows = AudienceMember.objects.filter(audience=audience, contact_id__in=hashes).order_by("contact_id")
        known = {row.contact_id: row for row in rows.select_for_update(no_key=True)}
        moved = [row for pk, row in known.items() if hashed_otherwise(row, hashes[pk])]
        fresh = [
            AudienceMember(audience=audience, contact_id=pk, added_at=now, **vars(hashes[pk]))
            for pk in sorted(hashes.keys() - known.keys())
        ]
        changes = [change(Kind.REMOVE, row, now) for row in moved]
        for row in moved:
            row.email, row.phone = hashes[row.contact_id].email, hashes[row.contact_id].phone
            row.phone_digits = hashes[row.contact_id].phone_digits
        AudienceMember.objects.bulk_update(moved, ["email", "phone", "phone_digits"])
        # Whom somebody else has added in this moment is told of by that one.
        AudienceMember.objects.bulk_create(fresh, ignore_conflicts=True)
        changes += [change(Kind.ADD, row, now) for row in (*moved, *fresh)]
        AudienceChange.objects.bulk_create(changes)
        if fresh and audience.check_at is None:
            Audience.objects.filter(pk=audience.pk, check_at=None).update(check_at=now + CHECK_EVERY)
    return {row.contact_id for row in (*moved, *fresh)}


def remove(audience: Audience, ids: Iterable[int], *, now: dt.datetime) -> set[int]:
    """Take contacts out; the ids of those who were in it. Three statements."""
    with transaction.atomic():
        rows = AudienceMember.objects.filter(audience=audience, contact_id__in=list(ids)).order_by("contact_id")
        return drop(list(rows.select_for_update()), now)


def drop(members: Sequence[AudienceMember], now: dt.datetime) -> set[int]:
    """Take members out who are locked, and have the other side told."""
    AudienceMember.objects.filter(pk__in=[row.pk for row in members]).delete()
    AudienceChange.objects.bulk_create(change(Kind.REMOVE, row, now) for row in members)
    return {row.contact_id for row in members}


def empty(audience: Audience, *, now: dt.datetime) -> int:
    """Take everybody out, PORTION at most; how many."""
    with transaction.atomic():
        rows = AudienceMember.objects.filter(audience=audience).order_by("contact_id").select_for_update()
        return len(drop(list(rows[:PORTION]), now))


def hashed_otherwise(row: AudienceMember, hashes: Any) -> bool:
    return (row.email, row.phone, row.phone_digits) != (hashes.email, hashes.phone, hashes.phone_digits)


def change(kind: str, row: AudienceMember, now: dt.datetime) -> AudienceChange:
    return AudienceChange(
        audience_id=row.audience_id, kind=kind, email=row.email, phone=row.phone, phone_digits=row.phone_digits, at=now
    )
