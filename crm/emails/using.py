"""What workflows do with emails: which ones send one, and whether they ask for consent before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm.models import EmailTemplate, MarketingEmail
from workflows.dependencies import using
from workflows.models import Workflow


def users_of(template: EmailTemplate) -> list[Workflow]:
    """The workflows whose live revision or draft sends an email, by name."""
    return using.users_of("email", template.slug)


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
