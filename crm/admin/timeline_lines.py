"""A line of a timeline, and how the newest rows up to a place in it are read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import nh3
from django.db.models import QuerySet
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe

from crm.models import Task

SIZE = 20
Place = tuple[dt.datetime, str, int] | None


@dataclass(frozen=True)
class Line:
    """One thing that happened. `body` is safe HTML."""

    at: dt.datetime
    kind: str
    id: int
    icon: str
    sentence: SafeString | str
    who: SafeString | str = ""
    body: SafeString | str = ""
    url: str = ""
    task: Task | None = None
    #: Stands above all others, however old it is (CRM-16).
    pinned: bool = False

    @property
    def key(self) -> tuple[dt.datetime, str, int]:
        return (self.at, self.kind, self.id)


def first(queryset: QuerySet, column: str, place: Place) -> list[Any]:
    """The newest rows at or before the place; enough that a page and its successor can be told."""
    if place is not None:
        queryset = queryset.filter(**{f"{column}__lte": place[0]})
    return list(queryset.order_by(f"-{column}", "-id")[: SIZE + 5])


def safe_body(body: str) -> SafeString:
    """A text as HTML: what nh3 lets through, with line breaks where it is plain."""
    return mark_safe(nh3.clean(body if "<" in body else linebreaks(body)))
