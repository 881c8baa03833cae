"""What workflows do with emails: which ones send one, and whether they ask for consent before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q, TextField
from django.db.models.functions import Cast

from crm.models import EmailTemplate, MarketingEmail
from workflows.models import Revision, Workflow

#: The actions whose setting `email` names one.
SENDING = ("send_email", "send_internal_marketing_email")


def users_of(template: EmailTemplate) -> list[Workflow]:
    """The workflows whose live revision or draft sends an email, by name."""
    naming = Revision.objects.alias(text=Cast("definition", TextField())).filter(
        Q(published_at=None) | Q(pk=F("workflow__live")),
        text__contains=f'"{template.slug}"',
        workflow__deleted_at=None,
    )
    found = {
        one.workflow.pk: one.workflow
        for one in naming.select_related("workflow")
        if any(names_email(part, template.slug) for part in parts_of(one.definition))
    }
    return sorted(found.values(), key=lambda workflow: (workflow.name, workflow.pk))


def names_email(part: dict[str, Any], slug: str) -> bool:
    params = part.get("params")
    return part.get("action") in SENDING and isinstance(params, dict) and params.get("email") == slug


def was_sent(template: EmailTemplate) -> bool:
    """Whether anybody was ever sent it: then its name is part of their story."""
    return MarketingEmail.objects.filter(name=template.name).exists()


def asks_for_consent(document: dict[str, Any], type_slug: str) -> bool:
    """Whether a workflow looks at who is subscribed to a type, or subscribes its records, anywhere."""
    for part in parts_of(document):
        if part.get("subscription") == type_slug and part.get("operator") == "is_subscribed":
            return True
        params = part.get("params")
        if part.get("action") == "set_subscription" and isinstance(params, dict) and params.get("type") == type_slug:
            return True
    return False


def parts_of(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(document, list):
        for one in document:
            yield from parts_of(one)
    elif isinstance(document, dict):
        yield document
        for one in document.values():
            yield from parts_of(one)
