"""The members of a list, a page at a time, with their names and since when they are members."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.urls import NoReverseMatch, reverse

from records.lists.members import members_of
from records.models import RecordList
from records.object_types import ObjectType

PER_PAGE = 50


@dataclass(frozen=True)
class Member:
    """A member as a line of the page."""

    id: int
    name: str
    url: str
    since: dt.datetime


def page_of(found: RecordList, object_type: ObjectType, number: str) -> Page[Any]:
    """The page of this number, the nearest there is; who joined last comes first."""
    paginator: Paginator[Any] = Paginator(members_of(found).order_by("-since", "-pk"), PER_PAGE)
    page = paginator.get_page(number)
    rows = list(page.object_list)
    records = {one.pk: one for one in object_type.records().filter(pk__in=[row.record_id for row in rows])}
    page.object_list = [
        Member(
            row.record_id, object_type.name_of(records[row.record_id]), url_of(object_type, row.record_id), row.since
        )
        for row in rows
        if row.record_id in records
    ]
    return page


def url_of(object_type: ObjectType, pk: int) -> str:
    """The record's page; "" where the admin has none."""
    meta = object_type.model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""
