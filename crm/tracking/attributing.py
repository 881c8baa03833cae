"""Attributing: where contacts came from and what they answered to the cookie banner, written to their properties."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any, Protocol

from django.db import connection

from crm.tracking.pages import click_ids_of
from records.signals import announce_on_commit

TOUCH = ("source", "medium", "campaign")
CLICKS = ("google_click_id", "facebook_click_id", "linkedin_click_id", "microsoft_click_id")
SET = (*CLICKS, *(f"last_{name}" for name in TOUCH), "cookie_consent")
ONCE = tuple(f"first_{name}" for name in TOUCH)


class Told(Protocol):
    """A hit of a known contact, as `attribute` reads it."""

    @property
    def kind(self) -> str: ...
    @property
    def facts(self) -> dict[str, Any]: ...
    @property
    def contact_id(self) -> int | None: ...


def attribute(hits: Iterable[Told], now: dt.datetime) -> None:
    """Write what these hits, in their order, say of their contacts' properties, in one statement.

    The last source, medium and campaign are those of the last landing with any of them, the first ones those of the
    first; click ids and the answer to the banner are the newest.
    """
    wanted: dict[int, dict[str, str]] = {}
    for hit in hits:
        if hit.contact_id is not None and (said := said_by(hit)):
            of_one = wanted.setdefault(hit.contact_id, {})
            if not of_one.keys() & set(ONCE):
                of_one |= {f"first_{name}": said[f"last_{name}"] for name in TOUCH if f"last_{name}" in said}
            of_one |= said
    if not wanted:
        return
    with connection.cursor() as cursor:
        rows = [{"id": pk, **values} for pk, values in sorted(wanted.items())]
        cursor.execute(statement(), {"rows": json.dumps(rows), "now": now})
    announce_on_commit()


def said_by(hit: Told) -> dict[str, str]:
    """The properties one hit speaks of; a landing with any of source, medium and campaign speaks of all three."""
    if hit.kind == "cookie_consent_given":
        return {"cookie_consent": str(hit.facts.get("consent") or "")}
    if hit.kind != "page_viewed":
        return {}
    touch = {f"last_{name}": str(hit.facts.get(name) or "") for name in TOUCH}
    said: dict[str, str] = dict(touch) if any(touch.values()) else {}
    return said | click_ids_of(str(hit.facts.get("url") or ""))


def statement() -> str:
    """The UPDATE: only contacts for which something becomes different; a first touch only where there is none."""
    touched = f"concat({', '.join(f'c.{name}' for name in ONCE)}) = ''"
    assigned = {name: f"COALESCE(g.{name}, c.{name})" for name in SET}
    assigned |= {name: f"CASE WHEN {touched} THEN COALESCE(g.{name}, '') ELSE c.{name} END" for name in ONCE}
    names = tuple(assigned)
    columns = ", ".join(f"{name} text" for name in names)
    before, after = ", ".join(f"c.{name}" for name in names), ", ".join(assigned.values())
    return f"""
        UPDATE crm_contact c SET {", ".join(f"{name} = {value}" for name, value in assigned.items())},
            updated_at = %(now)s
        FROM jsonb_to_recordset(%(rows)s::jsonb) AS g (id bigint, {columns})
        WHERE c.id = g.id AND c.deleted_at IS NULL AND ({before}) IS DISTINCT FROM ({after})
    """
