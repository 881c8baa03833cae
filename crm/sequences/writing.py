"""The emails of a sequence as they are sent: personal, in a thread where wanted, with a way to unsubscribe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html, linebreaks, urlize
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from crm.emails.mailboxes import mailbox
from crm.models import Contact, SequenceEnrollment, SequenceStep
from crm.public_address import absolute
from crm.tracking.unsubscribing import list_unsubscribe, preferences_link
from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from workflows.models import Delivery
from workflows.outbox.mailing import message_id
from workflows.texts import tokens
from workflows.texts.token_values import shown_user

#: The kind of their deliveries.
KIND = "sequence"
TITLE_LIMIT = 250
#: What texts may speak of besides the contact and its owner.
PEOPLE = (tokens.SENDER,)


def text_problems(text: str, properties: Mapping[str, Property]) -> list[Problem]:
    """What keeps a text from being filled in for contacts, by somebody who sees these of their properties."""
    return tokens.check(text, object_types["contact"], properties, people=PEOPLE)


def filled_in(text: str, enrollments: Sequence[SequenceEnrollment], target: str = "text") -> dict[int, str]:
    """A text for each enrollment's contact, by the contact's id. Raises TokenError when one would be too long."""
    told = {one.contact_id: {tokens.SENDER: shown_user(one.sender, raw=False)} for one in enrollments}
    contacts: list[Contact] = [one.contact for one in enrollments]
    return tokens.render_many(text, object_types["contact"], contacts, target=target, told=told)


def mail(
    enrollment: SequenceEnrollment, step: SequenceStep, subject: str, text: str, first: Mapping[str, str], now: Any
) -> Delivery:
    """The mail of a step, not stored yet. `first` are "message" and "title" of the thread it answers; {} for none."""
    address = absolute(preferences_link(enrollment.contact_id, enrollment.sequence.subscription.slug))
    headers = list_unsubscribe(address)
    if first:
        headers |= {"In-Reply-To": f"<{first['message']}>", "References": f"<{first['message']}>"}
    request = {
        "to": enrollment.contact.email,
        "from": mailbox(str(enrollment.sender), enrollment.from_address),
        "subject": subject,
        "text": f"{text}\n\n-- \n" + _("No more emails like this, please: %(address)s") % {"address": address},
        "html": html_of(text, address),
        "headers": headers,
        "metadata": {"sequence": str(enrollment.pk)},
    }
    key = f"sequence:{enrollment.pk}:{step.pk}"
    return Delivery(key=key, kind=KIND, request=request, due_at=now, created_at=now)


def html_of(text: str, address: str) -> str:
    """A plain text as mail programs show it: paragraphs, and addresses one can follow."""
    body = mark_safe(linebreaks(urlize(text, autoescape=True)))
    return format_html('{}\n<p><small><a href="{}">{}</a></small></p>', body, address, _("Unsubscribe"))


def message_of(delivery: Delivery) -> str:
    """The Message-ID the mail will have, without brackets."""
    return message_id(delivery).strip("<>")
