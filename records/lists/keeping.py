"""Making lists, changing what they say, cloning, converting and deleting them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from records import criteria, segments
from records.lists.telling import tell
from records.lists.using import refuse_circles, refuse_used
from records.models import ListWork, Membership, RecordList, Segment, SegmentDependency
from records.models.list import SLUG_LENGTH
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem

Kind = RecordList.Kind
COPY = """
    INSERT INTO records_membership (segment_id, record_id, since)
    SELECT %s, record_id, %s FROM records_membership WHERE segment_id = %s ORDER BY record_id
"""


def slug_for(name: str) -> str:
    """An internal name for a list of this name that no list has yet."""
    base = slugify(name)[: SLUG_LENGTH - 4].strip("-_").replace("_", "-") or "list"
    taken = set(RecordList.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(slug for slug in numbered if slug not in taken)


def create(
    object_type: ObjectType,
    name: str,
    *,
    now: dt.datetime,
    criteria: dict[str, Any] | None = None,
    slug: str = "",
    description: str = "",
    zone: str = "UTC",
    by: Any = None,
) -> RecordList:
    """A new list: active with `criteria`, filled with who meets them now; static and empty without.

    Raises DocumentError when the internal name is taken or the criteria are faulty, with paths below “criteria”.
    """
    with transaction.atomic():
        segments.lock()
        slug = free_slug(slug, name)
        facts = {"object_type": object_type.slug, "name": name, "slug": slug, "description": description}
        if criteria is None:
            segment = Segment.objects.create(object_type=object_type.slug, criteria=None, indexed=True)
            return RecordList.objects.create(kind=Kind.STATIC, segment=segment, created_by=by, **facts)
        checked(criteria, object_type, slug)
        segment = segments.create(criteria, object_type, now=now, zone=zone)
        found = RecordList.objects.create(kind=Kind.ACTIVE, segment=segment, created_by=by, **facts)
        segments.fill(segment, now)
        return found


def free_slug(slug: str, name: str) -> str:
    if not slug:
        return slug_for(name)
    if RecordList.objects.filter(slug=slug).exists():
        message = _("There is a list with the internal name “%(slug)s” already. Choose another.")
        raise DocumentError([Problem("slug", message % {"slug": slug}, slug, code="taken")])
    return slug


def checked(document: Any, object_type: ObjectType, slug: str) -> None:
    """Raise DocumentError when criteria are faulty, or would make the list depend on itself."""
    refuse_circles(slug, criteria.parse(document, object_type, path="criteria"))


def change(
    found: RecordList,
    *,
    now: dt.datetime,
    name: str | None = None,
    description: str | None = None,
    criteria: dict[str, Any] | None = None,
    zone: str | None = None,
) -> RecordList:
    """Change what is given. Other criteria hold at once, and who joins or leaves by that does so like any other.

    Raises DocumentError for faulty criteria, and for criteria of a static list.
    """
    with transaction.atomic():
        segments.lock()
        found = RecordList.objects.select_for_update(of=("self",)).select_related("segment").get(pk=found.pk)
        found.name = found.name if name is None else name
        found.description = found.description if description is None else description
        found.save()
        if criteria is not None:
            restate(found, criteria, now, found.segment.time_zone if zone is None else zone)
    return found


def restate(found: RecordList, document: dict[str, Any], now: dt.datetime, zone: str) -> None:
    if not found.is_active:
        message = _("“%(name)s” is a static list and has no criteria. Make an active list of them.")
        raise DocumentError([Problem("criteria", message % {"name": found.name}, code="static_list")])
    checked(document, object_types[found.object_type], found.slug)
    segment = found.segment
    if (segment.criteria, segment.time_zone, segment.active) == (document, zone, True):
        return
    segment.active = True
    segments.follow(segment, document, now=now, zone=zone)
    tell(found, segments.refresh_all(segment, now), now)


def clone(found: RecordList, name: str, *, now: dt.datetime, by: Any = None) -> RecordList:
    """Another list with the same criteria, or of the same members at the moment."""
    kind, segment = object_types[found.object_type], found.segment
    with transaction.atomic():
        criteria = segment.criteria if found.is_active else None
        facts: dict[str, Any] = {"description": found.description, "zone": segment.time_zone, "by": by}
        made = create(kind, name, now=now, criteria=criteria, **facts)
        if not found.is_active:
            with connection.cursor() as cursor:
                cursor.execute(COPY, [made.segment_id, now, segment.pk])
    return made


def convert(found: RecordList) -> RecordList:
    """Make an active list static: its members stay, whatever becomes of them. There is no way back.

    Raises DocumentError for one that is static already.
    """
    with transaction.atomic():
        segments.lock()
        found = RecordList.objects.select_for_update(of=("self",)).select_related("segment").get(pk=found.pk)
        if not found.is_active:
            message = _("“%(name)s” is a static list already.")
            raise DocumentError([Problem("kind", message % {"name": found.name}, found.kind)])
        found.kind, segment = Kind.STATIC, found.segment
        found.save()
        segment.criteria, segment.time_sensitive, segment.active, segment.indexed = None, False, True, True
        segment.save()
        SegmentDependency.objects.filter(segment=segment).delete()
    return found


def delete(found: RecordList, by: Any = None) -> None:
    """Delete a list that nothing uses; its records stay. Raises DocumentError that says what uses it."""
    with transaction.atomic():
        # In the order of the background work: it holds its own row while it waits for the list.
        list(ListWork.objects.select_for_update().filter(record_list=found).order_by("pk").values("pk"))
        segments.lock()
        found = RecordList.objects.select_for_update(of=("self",)).get(pk=found.pk)
        refuse_used(found, by)
        segment = found.segment_id
        found.delete()
        Membership.objects.filter(segment=segment).delete()
        Segment.objects.filter(pk=segment).delete()
