"""How often one address may send a form, or tell that it looks at one."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from crm.models import Form
from crm.tracking.limits import within_limit
from records.api.throttling import WINDOW

SECONDS = WINDOW


def may_send(request: HttpRequest, form: Form) -> bool:
    """Count an attempt; False when the address has sent this form too often in the last ten seconds."""
    return within_limit(request, f"form:{form.pk}", settings.FORM_SUBMISSIONS_PER_10_S)


def may_tell(request: HttpRequest) -> bool:
    """The same of being told that a form is seen or touched."""
    return within_limit(request, "tracking", settings.TRACKING_REQUEST_LIMIT)
