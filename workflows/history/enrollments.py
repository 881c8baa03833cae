"""Enrollments newest first, a page at a time by key: filters look back through a bounded number of them.

No index of its own for every filter, as each would be written for every record that takes a step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from records.object_types import ObjectType
from workflows.models import Enrollment

#: Enrollments a page with filters looks back through: first a few, which is enough as a rule, then more.
LOOKS = (500, 10_000, 500_000)
#: Enrollments a search by name looks back through, and how many of them are asked for at once.
SEARCHED, PORTION = 20_000, 2_000


@dataclass(frozen=True)
class Page:
    """Some enrollments. `older` is the id before which the next page begins, None on the last.

    `further` where the page is not full although there is more: so far its filters were asked.
    """

    rows: list[Enrollment]
    older: int | None = None
    further: bool = False


def page(every: QuerySet[Enrollment], narrowed: Q, size: int, before: int | None = None) -> Page:
    """The newest before an id (of all) that meet some conditions, `size` at most.

    `every` are those an index leads to, newest first.
    """
    every = every.filter(pk__lt=before) if before else every
    rows = every.filter(narrowed)
    if not narrowed:
        return cut(list(rows[: size + 1]), size)
    found = Page([])
    for look in LOOKS:
        floor = every.values_list("pk", flat=True)[look : look + 1].first()
        found = cut(list((rows.filter(pk__gte=floor) if floor else rows)[: size + 1]), size)
        if floor is None or found.older is not None:
            return found
        found = replace(found, older=floor, further=True)
    return found


def cut(found: list[Enrollment], size: int) -> Page:
    return Page(found[:size], found[size - 1].pk if len(found) > size else None)


def search(narrowed: QuerySet[Enrollment], kind: ObjectType, text: str, size: int, before: int | None = None) -> Page:
    """Those whose record's name contains a text, or whose record has it as its number."""
    rows = narrowed.filter(pk__lt=before) if before else narrowed
    number = int(text) if text.isdecimal() and len(text) < 19 else None
    found: list[int] = []
    last, looked = None, 0
    while len(found) <= size and looked < SEARCHED:
        portion = list((rows.filter(pk__lt=last) if last else rows).values_list("pk", "record_id")[:PORTION])
        named = kind.model._default_manager.filter(pk__in={record for _pk, record in portion})
        hits = set(named.filter(**{f"{kind.name_property}__icontains": text}).values_list("pk", flat=True))
        found += [pk for pk, record in portion if record in hits or record == number]
        looked += len(portion)
        last = portion[-1][0] if portion else None
        if len(portion) < PORTION:
            last = None
            break
    page = cut(list(narrowed.filter(pk__in=found[: size + 1])), size)
    return page if page.older is not None or last is None else replace(page, older=last, further=True)
