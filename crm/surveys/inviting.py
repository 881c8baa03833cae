"""Asking contacts by a survey: a link for each, in a mail of the outbox (COM-11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Max
from django.urls import reverse
from django.utils.html import format_html, linebreaks, urlize
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from crm.emails import recipients, sending
from crm.emails.recipients import Rules
from crm.models import Contact, SubscriptionType, Survey, SurveyInvitation
from crm.public_address import absolute
from crm.tracking.unsubscribing import list_unsubscribe, preferences_link
from records.object_types import object_types
from records.sql_arrays import array
from workflows.models import Delivery
from workflows.outbox import mails
from workflows.texts import tokens

#: Mails of surveys have a turn of their own among deliveries.
KIND = "survey"
SUBJECT_LIMIT = 250
BUTTON = (
    "display:inline-block;padding:10px 20px;border-radius:6px;background:#3557d6;color:#ffffff;text-decoration:none"
)


# In the order of the contacts, so that two who ask the same ones do not wait for each other.
TAKE_TURNS = """
    INSERT INTO crm_surveyturn AS mine (survey_id, contact_id, asked_at)
    SELECT %(survey)s, id, %(now)s FROM unnest(%(ids)s::bigint[]) AS id ORDER BY id
    ON CONFLICT (contact_id, survey_id) DO UPDATE SET asked_at = EXCLUDED.asked_at WHERE mine.asked_at <= %(since)s
    RETURNING contact_id
"""


@dataclass(frozen=True)
class Asking:
    """One contact to be asked: the key of the mail, and what the survey is about besides."""

    contact: Contact
    key: str
    enrollment_id: int | None = None
    ticket_id: int | None = None


@dataclass
class Invited:
    """What became of each asking, by its key: sent, or the contact was asked lately."""

    sent: set[str] = field(default_factory=set)
    lately: set[str] = field(default_factory=set)


def rules_for(survey: Survey) -> Rules:
    """Only what is about marketing needs marketing contacts: a survey about service goes to whoever was served."""
    return Rules(marketing=survey.type is None or survey.type.purpose == SubscriptionType.Purpose.MARKETING)


def refusals(survey: Survey, contacts: Iterable[Contact]) -> dict[int, str]:
    """Why contacts must not be asked, by id, as reasons of the history; two statements (COM-05)."""
    return recipients.refusals(contacts, survey.type_id or "", rules_for(survey))


def asked_lately(survey: Survey, ids: Iterable[int], now: dt.datetime) -> dict[int, dt.datetime]:
    """Which of these contacts the survey may not ask again yet, and when each was asked last."""
    if not survey.repeat_days:
        return {}
    since = now - dt.timedelta(days=survey.repeat_days)
    rows = SurveyInvitation.objects.filter(survey=survey, contact__in=set(ids), sent_at__gt=since)
    return dict(rows.values_list("contact").annotate(last=Max("sent_at")).order_by())


def take_turns(survey: Survey, ids: Iterable[int], now: dt.datetime) -> set[int]:
    """Those of some contacts that are asked now; whom somebody else asks at this moment is asked by one of the two."""
    if not survey.repeat_days:
        return set(ids)
    since = now - dt.timedelta(days=survey.repeat_days)
    with connection.cursor() as cursor:
        cursor.execute(TAKE_TURNS, {"survey": survey.pk, "ids": array(set(ids)), "now": now, "since": since})
        return {pk for (pk,) in cursor.fetchall()}


def invite(survey: Survey, askings: Iterable[Asking], *, workflow_id: int | None, now: dt.datetime) -> Invited:
    """Write an invitation and a mail for each asking whose contact was not asked lately; constant statements.

    The caller has left out who may get no mail (`refusals`). A contact named twice is asked twice, unless the survey
    has to wait between two times; then of two workflows that ask it at once the second waits for the first, and finds
    that it was asked. Raises tokens.TokenError for texts that cannot be read; then nothing is written.
    """
    wanted = list(askings)
    lately = asked_lately(survey, (one.contact.pk for one in wanted), now)
    found, chosen = Invited(), []
    for one in wanted:
        if one.contact.pk in lately:
            found.lately.add(one.key)
            continue
        chosen.append(one)
        if survey.repeat_days:
            lately[one.contact.pk] = now
    contents = written(survey, {one.contact.pk: one.contact for one in chosen}, now)
    # Last of all: nobody else asks these contacts until what is done here has come to its end.
    mine = take_turns(survey, contents, now)
    found.lately |= {one.key for one in chosen if one.contact.pk not in mine}
    chosen = [one for one in chosen if one.contact.pk in mine]
    rows = SurveyInvitation.objects.bulk_create(
        SurveyInvitation(
            survey=survey, contact=one.contact, workflow_id=workflow_id, ticket_id=one.ticket_id, sent_at=now
        )
        for one in chosen
    )
    Delivery.objects.bulk_create(
        Delivery(
            key=one.key, kind=KIND, enrollment_id=one.enrollment_id, due_at=now, created_at=now,
            request=mail(survey, row, one, *contents[one.contact.pk]),
        )
        for one, row in zip(chosen, rows, strict=True)
    )  # fmt: skip
    found.sent = {one.key for one in chosen}
    return found


def written(survey: Survey, people: Mapping[int, Contact], now: dt.datetime) -> dict[int, tuple[str, str]]:
    """Subject and text for each contact, with its values in the places of tokens."""
    kind = object_types["contact"]
    subjects = tokens.render_many(survey.subject, kind, people.values(), now, "line")
    texts = tokens.render_many(survey.message, kind, people.values(), now)
    return {pk: (subjects[pk][:SUBJECT_LIMIT] or survey.name, texts[pk]) for pk in people}


def mail(survey: Survey, row: SurveyInvitation, asking: Asking, subject: str, text: str) -> dict[str, Any]:
    """The mail with a contact's own link, and the ways to get no more of them."""
    preferences = absolute(preferences_link(asking.contact.pk, survey.type_id or "", survey.name))
    link = absolute(reverse("surveys:survey", args=[row.token]))
    html = html_of(text, link, preferences)
    parts = [
        text.strip(), _("Answer here: %(link)s") % {"link": link},
        _("If you do not want emails like this: %(link)s") % {"link": preferences},
    ]  # fmt: skip
    sender, rules = sending.usual_sender(), rules_for(survey)
    return {
        "to": asking.contact.email, "from": sender, "subject": subject,
        "text": "\n\n".join(part for part in parts if part), "html": html, "headers": list_unsubscribe(preferences),
        "workflow": row.workflow_id, "email": survey.name, "contact": asking.contact.pk, "type": survey.type_id or "",
        "message": sending.own_id(asking.key, sender),
        "rules": {"marketing": rules.marketing, "subscribed": rules.subscribed},
    }  # fmt: skip


def html_of(text: str, link: str, preferences: str) -> str:
    """The mail as mail programs show it: the text's paragraphs, a link to answer, and one to get no more."""
    body = mark_safe(linebreaks(urlize(text.strip(), autoescape=True))) if text.strip() else ""
    return format_html(
        '{}\n<p><a href="{}" style="{}">{}</a></p>\n<p><small><a href="{}">{}</a></small></p>',
        body, link, BUTTON, _("Answer"), preferences, _("Unsubscribe, or choose which emails you get"),
    )  # fmt: skip


def ended(delivery: Delivery, ending: mails.Ending, now: dt.datetime) -> None:
    """An address that does not work is learned; that a survey was sent is told by its invitation."""
    if ending.bounced:
        sending.ended(delivery, ending, now)


def register_surveys() -> None:
    """Called once, when the apps are ready. Who has unsubscribed meanwhile is not asked."""
    mails.kinds[KIND] = mails.MailKind(sending.objection, ended, sending.address)
