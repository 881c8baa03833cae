"""Who looks at a form: known contacts see and touch forms as events, everybody else is only counted (EVT-04, EVT-05).

A browser is watched where its user has agreed to cookies, as the trackers of websites do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from crm.models import CookieConsent, Form
from crm.tracking import visitors
from crm.tracking.views import CONSENT_COOKIE
from records.happening import happen

SEEN, TOUCHED = "form_viewed", "form_interacted"


def key_of(request: HttpRequest, sent: Mapping[str, Any] | None = None) -> str | None:
    """The key of the visitor; None for who has not agreed to be known."""
    key = visitors.visitor_of(request, sent)
    if key is None or any(visitors.NAME in place for place in (request.GET, request.POST, sent or {})):
        # A website that sends the key along has asked its visitor.
        return key
    agreed = request.COOKIES.get(CONSENT_COOKIE) == CookieConsent.ACCEPTED
    return key if agreed or not settings.TRACKING_CONSENT_REQUIRED else None


def watched(request: HttpRequest) -> int | None:
    """The contact who looks at the page; None when nobody knows who it is."""
    key = key_of(request)
    return None if key is None else visitors.contact_of(key)


def tell(event: str, contact_id: int, form: Form, page: str, now: dt.datetime, field: str = "") -> None:
    """Record that the contact has seen the form (SEEN), or touched one of its fields (TOUCHED)."""
    facts = {"form": form.slug, "page": page or None, "field": field or None}
    if event == SEEN:
        del facts["field"]
    happen(event, "contact", [contact_id], properties=facts, now=now)
