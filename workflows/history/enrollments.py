"""Enrollments newest first, a page at a time by key: filters look back through a bounded number of them.

No index of its own for every filter, as each would be written for every record that takes a step.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet

from records.object_types import ObjectType
from records.sql_arrays import OneOf
from workflows.models import Enrollment

#: Enrollments a page with filters looks back through: first a few, which is enough as a rule, then more.
LOOKS = (500, 10_000, 100_000)
#: The looks before it is worth while to go through all that an index leads to in another order, and how many of them.
FIRST_LOOKS, AMONG = 2, 100_000
#: What is enrolled later may have an earlier time: by so much at most.
APART = dt.timedelta(minutes=10)
#: Enrollments a search by name looks back through.
SEARCHED = (1_000, 20_000)


@dataclass(frozen=True)
class Page:
    """Some enrollments. `older` is the id before which the next page begins, None on the last.

    `further` where the page is not full although there is more: so far its filters were asked.
    """

    rows: list[Enrollment]
    older: int | None = None
    further: bool = False


def page(
    every: QuerySet[Enrollment], narrowed: Q, size: int, before: int | None = None, *,
    since: dt.datetime | None = None, among: Collection[QuerySet[Enrollment]] = (),
) -> Page:  # fmt: skip
    """The newest before an id (of all) that meet some conditions, `size` at most.

    `every` are those an index leads to, newest first. Who was enrolled before `since` meets the conditions no more;
    whoever meets them is in one of `among`, if there are any, to which indexes lead in other orders.
    """
    every = every.filter(pk__lt=before) if before else every
    rows = every.filter(narrowed)
    if not narrowed:
        return cut(list(rows[: size + 1]), size)
    found = Page([])
    for look in LOOKS[: FIRST_LOOKS if among else None]:
        floor = every.values_list("pk", flat=True)[look : look + 1].first()
        found = cut(list((rows.filter(pk__gte=floor) if floor else rows)[: size + 1]), size)
        if floor is None or found.older is not None or before_all(floor, since):
            return found
        found = replace(found, older=floor, further=True)
    return newest_of(among, rows, size, before) or found if among else found


def before_all(enrollment: int, since: dt.datetime | None) -> bool:
    """Whether an enrollment, and with it all that are older, was made before an instant."""
    return since is not None and Enrollment.objects.filter(pk=enrollment, enrolled_at__lt=since - APART).exists()


def newest_of(
    among: Collection[QuerySet[Enrollment]], rows: QuerySet[Enrollment], size: int, before: int | None
) -> Page | None:
    """The newest of some that are in no order; None where they are too many to be put in one."""
    ids: list[int] = []
    for some in among:
        # Without an order of its own the statement goes by the index that has only these.
        found = (some.filter(pk__lt=before) if before else some).order_by().values_list("pk", flat=True)
        ids += found[: AMONG + 1]
    if len(ids) > AMONG:
        return None
    return cut(list(rows.filter(pk__in=sorted(ids, reverse=True)[: size + 1])), size)


def cut(found: list[Enrollment], size: int) -> Page:
    return Page(found[:size], found[size - 1].pk if len(found) > size else None)


def search(
    narrowed: QuerySet[Enrollment], text: str, size: int, before: int | None = None, *, named: Collection[ObjectType],
) -> Page:  # fmt: skip
    """Those whose record's name contains a text, or whose record has it as its number.

    `named` are the types of records whose names may be seen by who asks: a search that answers tells them.
    """
    rows = narrowed.filter(pk__lt=before) if before else narrowed
    number = int(text) if text.isdecimal() and len(text) < 19 else None
    found = Page([])
    for look in SEARCHED:
        floor = rows.values_list("pk", flat=True)[look : look + 1].first()
        within = rows.filter(pk__gte=floor) if floor else rows
        meant = Q() if number is None else Q(record_id=number)
        for kind in named:
            if records := called(kind, text, within.filter(workflow__object_type=kind.slug)):
                meant |= Q(workflow__object_type=kind.slug, record_id__in=records)
        found = cut(list(within.filter(meant)[: size + 1]), size) if meant else Page([])
        if floor is None or found.older is not None:
            return found
        found = replace(found, older=floor, further=True)
    return found


def called(kind: ObjectType, text: str, within: QuerySet[Enrollment]) -> list[int]:
    """The records of some enrollments whose name contains a text."""
    each = OneOf("pk", ArraySubquery(within.order_by().values("record_id")))
    found = kind.model._default_manager.filter(each, **{f"{kind.name_property}__icontains": text})
    return list(found.values_list("pk", flat=True))
