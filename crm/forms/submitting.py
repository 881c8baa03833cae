"""Submitting a form: contact, company, consents, the submission and its event, all or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.forms import companies, counting
from crm.forms.answering import AnswerForm, consent_name
from crm.forms.asking import EMAIL, Question
from crm.forms.saving import SOURCE, save
from crm.links import url_of
from crm.models import Contact, Form, FormConsent, FormSubmission, Subscription, SubscriptionType
from crm.subscribing import ADDRESSES, Wish, problems_of, set_status
from crm.tracking.visitors import identify
from records.happening import happen
from records.journal import change_source
from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows.models import Notification

EVENT = "form_submitted"


def submit(
    form: Form, answers: AnswerForm, *, page: str, now: dt.datetime, visitor: str | None = None
) -> FormSubmission:
    """Take valid answers: the contact of that email address is changed, or made, and the event recorded.

    Only what was answered is written. Two submissions at once with one address make one contact: the second waits
    for the first. `visitor`: the key of the browser, which is the contact's from now on. Raises DocumentError, with
    the full names of properties as paths, when a value cannot be kept; then nothing was stored. Whether there was
    such a contact or company before makes no difference to that (crm.forms.saving).
    """
    values, consents = answers.values(), answers.given()
    if EMAIL not in values:
        raise DocumentError([Problem(EMAIL, _("Give an email address, so that we know who you are."))])
    facts = {"form": form.pk}
    with transaction.atomic(), change_source(SOURCE, **facts):
        contact_id, taken = save_contact(values, facts)
        submission = FormSubmission.objects.create(
            form=form, contact_id=contact_id, values=kept(answers.questions, values, taken), page=page,
            submitted_at=now,
            consents={consent.type_id: consent.text for consent in consents},
        )  # fmt: skip
        # What happens with the creation of its record must not seem to have happened before (TRG-33).
        moment = max(now, Contact.objects.values_list("created_at", flat=True).get(pk=contact_id))
        subscribe(submission, answers, moment)
        happen(
            EVENT, "contact", [contact_id], now=moment, key=f"form-submission/{submission.pk}",
            properties={"form": form.slug, "page": page or None, "fields": told(submission)},
        )  # fmt: skip
        if visitor is not None:
            identify(visitor, contact_id, now)
        notify(submission, str(values[EMAIL]), now)
        # Last: everybody who sends this form waits for this row.
        counting.count(form.pk, counting.SENT, now)
    return submission


def save_contact(values: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[int, set[str]]:
    """Change or make the contact, associated with its company; its id, and the full names of what others have."""
    by_type: dict[str, dict[str, Any]] = {"contact": {}, "company": {}}
    for name, value in values.items():
        kind, _dot, slug = name.partition(".")
        by_type[kind][slug] = value
    company_id, of_company = companies.find_or_make(by_type["company"], facts)
    links = [] if company_id is None else [{"type": "company", "id": company_id}]
    contact_id, of_contact = save(
        object_types["contact"], by_type["contact"], upsert_by="email", associations=links, facts=facts
    )
    return contact_id, {f"company.{slug}" for slug in of_company} | {f"contact.{slug}" for slug in of_contact}


def kept(questions: Sequence[Question], values: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """The answers as they were given: by property the label, the value, how it reads, and whether it is another's."""
    found = {}
    for question in questions:
        if question.full_name in values:
            prop = question.prop
            clean = prop.clean(values[question.full_name])
            found[question.full_name] = {
                "label": str(prop.label), "value": prop.as_json(clean), "text": prop.display(clean),
                **({"taken": True} if question.full_name in taken else {}),
            }  # fmt: skip
    return found


def told(submission: FormSubmission) -> str:
    """The answers as lines of text."""
    return "\n".join(f"{one['label']}: {one['text']}" for one in submission.values.values())


def subscribe(submission: FormSubmission, answers: AnswerForm, now: dt.datetime) -> None:
    """Grant what was ticked; a box left empty takes nothing away. Raises DocumentError where it cannot be granted.

    The number a channel needs has to be among the answers: that the contact had one before is not to be learnt here.
    """
    for consent in answers.given():
        explanation = _("Form “%(form)s”: %(text)s") % {"form": submission.form.name, "text": consent.text}
        if submission.page:
            explanation = _("%(sentence)s (on %(page)s)") % {"sentence": explanation, "page": submission.page}
        wish = Wish(consent.type, Subscription.Status.SUBSCRIBED, consent.legal_basis, explanation)
        problems = [str(problem.message) for problem in problems_of(wish)]
        if lacks_address(answers, consent):
            problems.append(_("Give a phone number as well, so that we can reach you."))
        if problems:
            raise DocumentError(Problem(consent_name(consent), message) for message in problems)
        set_status([submission.contact_id], wish, source=Subscription.Source.FORM, now=now)


def lacks_address(answers: AnswerForm, consent: FormConsent) -> bool:
    """Whether nothing the consent's channel needs was given."""
    needed = ADDRESSES[SubscriptionType.Channel(consent.type.channel)]
    return not answers.values().keys() & {f"contact.{name}" for name in needed}


def notify(submission: FormSubmission, email: str, now: dt.datetime) -> None:
    """Tell the users who want to know."""
    title = _("%(email)s has filled in “%(form)s”") % {"email": email, "form": submission.form.name}
    url = url_of(object_types["contact"], submission.contact_id)
    Notification.objects.bulk_create(
        Notification(
            user=user, title=title[:250], body=told(submission), url=url, object_type="contact",
            record_id=submission.contact_id, created_at=now,
        )
        for user in submission.form.notify.filter(is_active=True)
    )  # fmt: skip
