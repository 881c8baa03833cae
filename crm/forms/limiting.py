"""How often one address may send a form."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from crm.models import Form
from records.api.throttling import WINDOW, counter

SECONDS = WINDOW


def address_of(request: HttpRequest) -> str:
    """The visitor's address; behind a proxy of ours the one it says it has talked to."""
    told = request.headers.get("X-Forwarded-For", "") if settings.TRUST_PROXY else ""
    return told.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def allowed(request: HttpRequest, form: Form) -> bool:
    """Count an attempt; False when the address has sent this form too often in the last ten seconds."""
    return counter.count(f"form:{form.pk}:{address_of(request)}") <= settings.FORM_SUBMISSIONS_PER_10_S
