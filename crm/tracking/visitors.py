"""Visitors: which browser it is, and which contact it belongs to.

A browser is known by a random key only, in a cookie of the website it visits. What it did before anybody knew whose it
is becomes part of the contact's story for filters, but enrolls nobody by an event trigger (TRG-33).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest

from crm.models import Contact, Hit, Visitor
from records.merging.remembering import merged_into
from records.object_types import object_types

#: The cookie, and the name under which pages that cannot read it send the key along.
NAME = "headrace_visitor"
KEY = re.compile(r"[0-9a-f]{32}")

# Whoever looks at a visitor's hits locks the visitor first, so that none is kept after its visitor was identified.
IDENTIFY = """
    INSERT INTO crm_visitor AS v (key, contact_id, identified_at, seen_at)
    VALUES (%(key)s, %(contact)s, %(now)s, %(now)s)
    ON CONFLICT (key) DO UPDATE SET contact_id = EXCLUDED.contact_id, identified_at = EXCLUDED.identified_at,
        seen_at = GREATEST(v.seen_at, EXCLUDED.seen_at)
    WHERE v.contact_id IS DISTINCT FROM EXCLUDED.contact_id {only}
    RETURNING v.id
"""
ONLY_UNKNOWN = "AND v.contact_id IS NULL"


def is_key(text: object) -> bool:
    """Whether a text can be the key of a visitor."""
    return isinstance(text, str) and KEY.fullmatch(text) is not None


def visitor_of(request: HttpRequest, sent: Mapping[str, Any] | None = None) -> str | None:
    """The key of the browser that sent a request, from its form, address or cookie; None when it has none.

    `sent`: what it sent otherwise than as a form, to be looked at first.

    A key is no proof of anything: who sends one says it is that browser. Somebody who wants not to be tracked
    (Do Not Track, Global Privacy Control) has none.
    """
    if wants_privacy(request):
        return None
    for source in (sent or {}, request.POST, request.GET, request.COOKIES):
        key = source.get(NAME)
        if key is not None and is_key(key):
            return str(key)
    return None


def wants_privacy(request: HttpRequest) -> bool:
    """Whether the browser says its user does not want to be tracked."""
    return request.headers.get("DNT") == "1" or request.headers.get("Sec-GPC") == "1"


def identify(visitor: str, contact_id: int, now: dt.datetime, *, only_unknown: bool = False) -> None:
    """From now on a browser is this contact's, and what it did before is told of the contact, too.

    A browser that was another contact's changes hands, unless `only_unknown`; what was told of the other one stays
    with them. Raises ValueError when `visitor` is no key. A contact that does not exist is passed over.
    """
    if not is_key(visitor):
        raise ValueError(f"{visitor!r} is not the key of a visitor: 32 hexadecimal digits.")
    sql = IDENTIFY.format(only=ONLY_UNKNOWN if only_unknown else "")
    with transaction.atomic():
        contact_id = merged_into(object_types["contact"], [contact_id]).get(contact_id, contact_id)
        if not Contact.objects.filter(pk=contact_id, deleted_at=None).exists():
            return
        with connection.cursor() as cursor:
            cursor.execute(sql, {"key": visitor, "contact": contact_id, "now": now})
            if cursor.fetchone() is None:
                return
        Hit.objects.filter(visitor=visitor, state=Hit.State.KEPT).update(state=Hit.State.CLAIMED)


def contact_of(visitor: str) -> int | None:
    """The id of the contact a browser belongs to; None when nobody knows."""
    return Visitor.objects.filter(key=visitor, contact__deleted_at=None).values_list("contact_id", flat=True).first()
