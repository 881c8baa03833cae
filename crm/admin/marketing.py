"""Whether a contact is a marketing contact, on its page: shown, and changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.marketing import next_update, set_marketing
from crm.models import Contact, MarketingStatus, PendingNonMarketing
from crm.record_links import users_by_id
from records.journal import change_source
from records.property_access import rights_of
from workflows.models import Workflow

CONTACT, STATUS = "contact", "marketing_status"


@dataclass(frozen=True)
class Panel:
    """What the page shows: the status, the day it ends on, who asked for that, and what can be chosen."""

    label: str
    tone: str
    pending: PendingNonMarketing | None
    who: str
    #: The status the button sets, "" where nothing can be set.
    offered: str
    button: str
    until: dt.date


def panel(contact: Contact, user: Any, now: dt.datetime) -> Panel | None:
    """What the page shows to somebody; None where they may not see the status."""
    rights = rights_of(user)
    if not rights.may_view(CONTACT, STATUS):
        return None
    status = MarketingStatus(contact.marketing_status)
    pending = PendingNonMarketing.objects.filter(contact=contact).first()
    tone = "chip-ok" if status == MarketingStatus.MARKETING else "chip-muted"
    if status == MarketingStatus.NON_MARKETING:
        offered, button = MarketingStatus.MARKETING, _("Make a marketing contact")
    elif pending is not None:
        offered, button = MarketingStatus.MARKETING, _("Keep as a marketing contact")
    else:
        offered, button = MarketingStatus.NON_MARKETING, _("Make non-marketing")
    who, may_edit = asker(pending) if pending else "", rights.may_edit(CONTACT, STATUS)
    chosen = offered.value if may_edit else ""
    return Panel(str(status.label), tone, pending, who, chosen, button, next_update(now))


def asker(pending: PendingNonMarketing) -> str:
    """Who or what has asked for it."""
    if pending.workflow_id:
        name = Workflow.objects.filter(pk=pending.workflow_id).values_list("name", flat=True).first()
        return _("by the workflow “%(name)s”") % {"name": name or _("a deleted workflow")}
    people = users_by_id([pending.asked_by_id])
    return _("by %(person)s") % {"person": people.get(pending.asked_by_id or 0, _("somebody"))}


def change(contact: Contact, status: str, *, by: Any, now: dt.datetime) -> str:
    """Set the status; the sentence about it. Raises PermissionDenied for who may not edit it."""
    if not rights_of(by).may_edit(CONTACT, STATUS):
        raise PermissionDenied(_("You may not edit the marketing contact status. Ask an administrator."))
    with change_source("admin", actor=by):
        outcome = set_marketing([contact.pk], status, now=now, by=by)
    if contact.pk in outcome.due:
        day = date_format(outcome.due[contact.pk], "DATE_FORMAT")
        return _("The contact becomes non-marketing on %(day)s.") % {"day": day}
    if contact.pk in outcome.called_off:
        return _("The contact stays a marketing contact.")
    if contact.pk in outcome.made:
        return _("The contact is a marketing contact now.")
    return _("Nothing was changed.")
