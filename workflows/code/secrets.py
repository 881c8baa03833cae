"""The secrets of scripts: kept as connections that sign in with nothing themselves, given as process.env (DOP-05)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from records.sealing import Unreadable
from workflows.models import Connection
from workflows.outside import connecting

#: Signs of all secrets of one step together.
TOGETHER = 1_000
VIEW = "workflows.view_connection"


class NotToBeHad(Exception):
    """A secret cannot be given to a script; the message is a whole sentence with a remedy."""


def offered(user: Any) -> list[tuple[str, str]]:
    """The secrets a person may choose, by the slugs of their connections."""
    if user is not None and not user.has_perm(VIEW):
        return []
    rows = Connection.objects.filter(auth=Connection.Auth.CODE).order_by("name")
    return [(one.slug, f"{one.name} ({one.origin})") for one in rows]


def opened(rows: Iterable[dict[str, str]]) -> dict[str, str]:
    """The values of [{"name", "connection"}] by name. Raises NotToBeHad."""
    listed = list(rows)
    found = Connection.objects.in_bulk([row["connection"] for row in listed], field_name="slug")
    values: dict[str, str] = {}
    for row in listed:
        one = found.get(row["connection"])
        if one is None or one.auth != Connection.Auth.CODE:
            message = _("There is no secret “%(slug)s” for custom code. Choose another one for %(name)s.")
            raise NotToBeHad(message % {"slug": row["connection"], "name": row["name"]})
        try:
            values[row["name"]] = connecting.opened(one, "secret_sealed")
        except (Unreadable, ValueError):
            message = _("The secret of the connection “%(name)s” cannot be read. Give it anew.")
            raise NotToBeHad(message % {"name": one.name}) from None
    if (size := sum(map(len, values.values()))) > TOGETHER:
        message = _("The secrets have %(size)d characters together, %(limit)d at most are possible. Take some out.")
        raise NotToBeHad(message % {"size": size, "limit": TOGETHER})
    return values


def rows_of(params: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The secrets a step names, of a document that may be anything."""
    rows = params.get("secrets")
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("connection"), str):
            yield row
