"""What a review says about steps that send emails: what keeps them from being published, and what to think of."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from crm.emails import companions, using
from crm.emails.cleaning import token_problems
from crm.emails.pieces import tokens_in
from crm.models import EmailTemplate
from records.object_types import object_types
from records.problems import Problem
from workflows.definitions.definition import Definition
from workflows.texts import tokens


def text_of(template: EmailTemplate) -> list[str]:
    """Everything of an email that may hold tokens."""
    return [template.subject, template.preview_text, template.footer, tokens_in(template.body)]


def reads(template: EmailTemplate) -> set[str]:
    """The properties an email speaks of, as "contact.property", "company.property"."""
    contact, texts = object_types["contact"], text_of(template)
    beside = {f"{slug}.{name}" for slug, names in companions.spoken_of(texts).items() for name in names}
    return beside.union(*(tokens.reads(text, contact) for text in texts))


def unfilled(template: EmailTemplate) -> Iterator[Problem]:
    """Tokens that cannot be filled in any more, of properties that are gone."""
    for text in text_of(template):
        for problem in token_problems(text):
            message = _("The email “%(name)s”: %(fault)s")
            facts = {"name": template.name, "fault": problem.message}
            yield Problem("email", message % facts, problem.value, code="unknown_token")


def warnings(template: EmailTemplate, definition: Definition, *, subscribed: bool) -> Iterator[Problem]:
    """Mail without a look at consent, links that lead nowhere."""
    asked = subscribed or not template.type.needs_legal_basis
    if not asked and not using.asks_for_consent(definition.document, template.type_id):
        message = _(
            "Nothing here asks for consent: contacts who have never said anything about “%(type)s” get the email, "
            "too. Tick “Only subscribers”, or let in only who is subscribed."
        )
        yield Problem("subscribed", message % {"type": template.type.name}, severity="warning", code="no_consent")
    if urlsplit(settings.PUBLIC_URL).hostname in (None, "localhost", "127.0.0.1"):
        message = _("Links in the email lead to %(address)s, where nobody else can follow them. Set PUBLIC_URL.")
        yield Problem("email", message % {"address": settings.PUBLIC_URL}, severity="warning", code="not_public")
