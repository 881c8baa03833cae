"""Views of the list of workflows: what somebody looks for again and again, under a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db.models import Q
from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from workflows.models import SavedView

#: What a view may keep: filters, search and order; not the page one is on.
KEPT = (
    "q", "o", "status", "object_type", "folder", "author", "attention", "step", "uses", "deleted",
)  # fmt: skip
NAME_LIMIT, QUERY_LIMIT, MOST = 60, 1_000, 50


@dataclass(frozen=True)
class View:
    """A view as the list shows it; `pk` is None for one that is built in, `own`: the person may delete it."""

    name: str
    query: str
    current: bool
    pk: int | None = None
    own: bool = False
    by: str = ""


def cleaned(query: str) -> str:
    """What of an address' query a view keeps, in one order, so that equal views are equal texts."""
    pairs = sorted({(key, value) for key, value in parse_qsl(query[:QUERY_LIMIT]) if key in KEPT})
    return urlencode([(key, value) for key, value in pairs if "\x00" not in value])


def save(name: str, query: str, *, shared: bool, by: Any) -> SavedView:
    """Keep a view; one of the same name of the same person is replaced. Raises DocumentError."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LIMIT or "\x00" in name:
        message = _("A view has a name of 1 to %(limit)d characters. Give it one.")
        raise DocumentError([Problem("name", message % {"limit": NAME_LIMIT}, name)])
    if not query:
        raise DocumentError([Problem("query", _("Filter, search or sort the list first, then save the view."), query)])
    own = SavedView.objects.filter(user=by.pk)
    if own.exclude(name=name).count() >= MOST:
        message = _("You have %(limit)d views already. Delete one first.")
        raise DocumentError([Problem("name", message % {"limit": MOST}, name)])
    return SavedView.objects.update_or_create(user=by, name=name, defaults={"query": query, "shared": shared})[0]


def views_for(user: Any, now: str) -> list[View]:
    """The views a person chooses from; `now` is what the list is narrowed by, cleaned."""
    built_in = (
        (_("All"), ""), (_("On"), "status=on"), (_("Mine"), "author=me"), (_("Needs review"), "attention=review"),
        (_("Unused"), "attention=unused"), (_("Deleted"), "deleted=yes"),
    )  # fmt: skip
    rows = SavedView.objects.filter(Q(user=user.pk) | Q(shared=True)).select_related("user").order_by("name", "pk")
    return [View(name, query, query == now) for name, query in built_in] + [
        View(
            one.name, one.query, one.query == now, one.pk, one.user_id == user.pk,
            "" if one.user_id == user.pk else str(one.user),
        )
        for one in rows
    ]  # fmt: skip
