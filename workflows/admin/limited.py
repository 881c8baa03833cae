"""How the admin says that records wait for a workflow's limit."""

from __future__ import annotations

import datetime as dt

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows.engine import limits
from workflows.times.moments import shown_moment


def limited_chip(until: dt.datetime) -> SafeString:
    """ "Limited until Monday, …", with what that means as a tooltip."""
    text = _("Limited until %(moment)s") % {"moment": shown_moment(until.isoformat())}
    title = _("Records wait for the limit in the workflow's settings; by then the last of them has had its turn.")
    return format_html('<span class="chip chip-warn" title="{}">{}</span>', title, text)


def limited_now(workflow: int, now: dt.datetime) -> SafeString | str:
    """The chip of one workflow; "" where nobody waits for its limit."""
    scope = f"{limits.WORKFLOW}{workflow}"
    until = limits.throttled([scope], now).get(scope)
    return limited_chip(until) if until else ""
