"""Pages of a list by cursor: stable while records come and go, and as fast on the last page as on the first."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from records.api.strict_json import parse
from records.problems import DocumentError, Problem

PAGE_SIZE = 50
LARGEST_PAGE = 200


@dataclass(frozen=True)
class Order:
    """What a list is ordered by, then by id. `key` None is by id alone; rows without a value come last.

    `key` is the name of an annotation or column; `read` and `write` turn its value into JSON and back.
    """

    name: str
    key: str | None = None
    descending: bool = False
    write: Callable[[Any], Any] = str
    read: Callable[[Any], Any] = str


@dataclass(frozen=True)
class Cursor:
    """The row a page starts after (or, backwards, ends before)."""

    order: str
    id: int
    value: Any
    backwards: bool

    def encode(self) -> str:
        text = json.dumps([self.order, self.id, self.value, self.backwards], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str, order: Order) -> Cursor:
    """Raises DocumentError for anything but a cursor of ours for the same ordering."""
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        name, row_id, value, backwards = parse(base64.b64decode(padded, altchars=b"-_", validate=True))
        cursor = Cursor(name, row_id, None if value is None else order.read(value), backwards)
    except (ValueError, TypeError, binascii.Error, ArithmeticError):
        cursor = None
    good = (
        cursor is not None
        and cursor.order == order.name
        and isinstance(cursor.id, int)
        and abs(cursor.id) < 2**63
        and isinstance(cursor.backwards, bool)
    )
    if not good or cursor is None:
        message = _("“%(value)s” is not a cursor of this list. Take it from “next” or “previous” of a page of it.")
        raise DocumentError([Problem("cursor", message % {"value": text[:80]}, text)])
    return cursor


def page_size(request: Request) -> int:
    text = request.query_params.get("page_size", str(PAGE_SIZE))
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_PAGE:
        return int(text)
    message = _("“%(value)s” is not a page size. Send 1 to %(limit)d.") % {"value": text, "limit": LARGEST_PAGE}
    raise DocumentError([Problem("page_size", message, text)])


def page(
    request: Request, rows: QuerySet[Any], order: Order, render: Callable[[list[Any]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """The page the request asks for: {"next", "previous", "results"}, with whole addresses or null."""
    size = page_size(request)
    text = request.query_params.get("cursor")
    cursor = decode(text, order) if text else None
    backwards = cursor is not None and cursor.backwards
    if cursor is not None:
        rows = rows.filter(beyond(cursor, order))
    found = list(rows.order_by(*ordering(order, backwards))[: size + 1])
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    following, preceding = (True, more) if backwards else (more, cursor is not None)
    return {
        "next": link(request, order, found[-1], False) if following and found else None,
        "previous": link(request, order, found[0], True) if preceding and found else None,
        "results": render(found),
    }


def ordering(order: Order, backwards: bool) -> list[Any]:
    """Blank values last, first when read backwards."""
    down = order.descending != backwards
    by_id = "-id" if down else "id"
    if order.key is None:
        return [by_id]
    key = F(order.key)
    nulls = {"nulls_first": True} if backwards else {"nulls_last": True}
    return [key.desc(**nulls) if down else key.asc(**nulls), by_id]


def beyond(cursor: Cursor, order: Order) -> Q:
    """The rows after the cursor's row in the direction it reads."""
    down = order.descending != cursor.backwards
    side = "lt" if down else "gt"
    tie = Q(**{f"id__{side}": cursor.id})
    if order.key is None:
        return tie
    blank = Q(**{f"{order.key}__isnull": True})
    if cursor.value is None:
        return (blank & tie) | ~blank if cursor.backwards else blank & tie
    same = Q(**{order.key: cursor.value}) & tie
    past = Q(**{f"{order.key}__{side}": cursor.value})
    return past | same if cursor.backwards else past | same | blank


def link(request: Request, order: Order, row: Model, backwards: bool) -> str:
    value = None if order.key is None else getattr(row, order.key)
    written = None if value is None else order.write(value)
    parameters = request.query_params.copy()
    parameters["cursor"] = Cursor(order.name, row.pk, written, backwards).encode()
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
