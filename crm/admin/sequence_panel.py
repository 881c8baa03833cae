"""Sequences on a contact's page: the one it is in, those it was in, enrolling and unenrolling by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Contact, Sequence, SequenceEnrollment, User
from crm.record_links import url
from crm.sequences.enrolling import Sending, enroll
from crm.sequences.leaving import Status, unenroll
from crm.sequences.words import REFUSALS, TONES, why
from records.journal import change_source

SHOWN = 10
ADD, CHANGE = "crm.add_sequenceenrollment", "crm.change_sequenceenrollment"


class EnrollForm(forms.Form):
    """Which sequence, and who sends it."""

    sequence = forms.ModelChoiceField(
        label=gettext_lazy("Sequence"), queryset=Sequence.objects.filter(active=True), empty_label=None
    )
    sender = forms.ModelChoiceField(
        label=gettext_lazy("Sender"),
        queryset=User.objects.filter(is_active=True).order_by("username"),
        empty_label=None,
    )
    from_address = forms.EmailField(label=gettext_lazy("From-address (empty: the sender’s own)"), required=False)

    def __init__(self, data: Any = None, *, user: Any) -> None:
        super().__init__(data, auto_id="enroll_sequence_%s", initial={"sender": user.pk})


@dataclass(frozen=True)
class Shown:
    """An enrollment as the page lists it."""

    enrollment: SequenceEnrollment
    url: str
    tone: str
    why: str


@dataclass(frozen=True)
class Panel:
    """What the page shows: enrollments, newest first; whether the contact is in one, and what may be done."""

    lines: list[Shown]
    inside: bool
    form: EnrollForm | None
    may_unenroll: bool


def panel(contact: Contact, user: Any) -> Panel | None:
    """What the page shows to somebody; None for who may not see sequences."""
    if not user.has_perm("crm.view_sequenceenrollment"):
        return None
    found = SequenceEnrollment.objects.filter(contact=contact).select_related("sequence", "step", "ended_by")
    lines = [
        Shown(one, url("admin:crm_sequenceenrollment_change", one.pk), TONES[Status(one.status)], why(one))
        for one in found.order_by("-id")[:SHOWN]
    ]
    inside = any(line.enrollment.status == Status.ACTIVE for line in lines)
    offered = user.has_perm(ADD) and not inside and contact.deleted_at is None
    form = EnrollForm(user=user) if offered and Sequence.objects.filter(active=True).exists() else None
    return Panel(lines, inside, form, user.has_perm(CHANGE))


def begin(contact: Contact, data: Any, *, by: Any, now: dt.datetime) -> tuple[bool, str]:
    """Enroll the contact as the form says: whether it worked, and the sentence about it. Raises PermissionDenied."""
    if not by.has_perm(ADD):
        raise PermissionDenied(_("You may not enroll contacts in sequences. Ask an administrator."))
    form = EnrollForm(data, user=by)
    if not form.is_valid():
        faults = (f"{form.fields[name].label}: {' '.join(map(str, found))}" for name, found in form.errors.items())
        return False, " ".join(faults)
    sequence, sender = form.cleaned_data["sequence"], form.cleaned_data["sender"]
    with change_source("admin", actor=by):
        done = enroll(sequence, {contact.pk: Sending(sender, form.cleaned_data["from_address"])}, by=by, now=now)
    if contact.pk in done.made:
        return True, _("The contact was enrolled in “%(name)s”.") % {"name": sequence.name}
    return False, str(REFUSALS[done.refused[contact.pk]])


def finish(contact: Contact, *, by: Any, now: dt.datetime) -> str:
    """Take the contact out of the sequence it is in; the sentence about it. Raises PermissionDenied."""
    if not by.has_perm(CHANGE):
        raise PermissionDenied(_("You may not take contacts out of sequences. Ask an administrator."))
    with change_source("admin", actor=by):
        left = unenroll([contact.pk], by=by, now=now)
    return _("The contact was unenrolled.") if left else _("The contact was in no sequence.")
