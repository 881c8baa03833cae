"""Making webhooks, and changing what they are: names, addresses, secrets, and what a request is matched by."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from records.defining import define, slug_for
from records.event_types import EventType, event_type
from records.event_types.base import Source
from records.happening import listened
from records.models import PropertyDefinition
from records.models.event import SLUG_LENGTH
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.properties import Property
from records.sealing import seal, unseal
from workflows.models import Webhook
from workflows.webhooks import signing

PREFIX = "webhook_"
#: Property types whose values can name one record.
NAMING = ("text", "email", "phone", "url", "number")
LOCK = (7301, 6)


def limit() -> int:
    """How many webhooks there may be (WEBHOOK_LIMIT; WBH-04)."""
    return int(getattr(settings, "WEBHOOK_LIMIT", 10))


def create(name: str, object_type: str, *, by: Any = None) -> Webhook:
    """A new webhook with an address of its own, listening for its test payload.

    Raises DocumentError for a blank name, an unknown object type, and when there are as many as there may be.
    """
    name = checked_name(name)
    if object_type not in object_types:
        message = _("There is no object type %(value)r. Use one of: %(known)s.")
        facts = {"value": object_type, "known": ", ".join(object_types)}
        raise DocumentError([Problem("object", message % facts, object_type)])
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
        if Webhook.objects.count() >= limit():
            message = _(
                "There are %(limit)d webhooks, and no more may be made. Delete one that is not needed any more."
            )
            raise DocumentError([Problem("", message % {"limit": limit()}, code="too_many")])
        webhook = Webhook(name=name, slug=free_slug(name), object_type=object_type, created_by=by)
        give_token(webhook)
        webhook.save()
    return webhook


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 120:
        message = _("A webhook has a name of 1 to 120 characters. Give it one.")
        raise DocumentError([Problem("name", message, name[:120])])
    return name


def free_slug(name: str) -> str:
    """An internal name no other event has."""
    wanted = f"{PREFIX}{slug_for(name)}"[: SLUG_LENGTH - 4].rstrip("_")
    slug, number = wanted, 1
    while event_type(slug) is not None:
        number += 1
        slug = f"{wanted}_{number}"
    return slug


def rename(webhook: Webhook, name: str) -> None:
    """Raises DocumentError for a blank name."""
    webhook.name = checked_name(name)
    webhook.save(update_fields=["name"])


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def give_token(webhook: Webhook) -> None:
    token = secrets.token_urlsafe(32)
    webhook.token_digest, webhook.token_sealed = digest_of(token), seal(token)


def rotate(webhook: Webhook) -> None:
    """Give a webhook another address; what is sent to the one it had is answered with 404 from now on."""
    give_token(webhook)
    webhook.save(update_fields=["token_digest", "token_sealed"])


def token_of(webhook: Webhook) -> str:
    """The end of the address. Raises records.sealing.Unreadable when the key that sealed it is gone."""
    return unseal(webhook.token_sealed)


def demand_signature(webhook: Webhook) -> str:
    """Have requests signed with a new secret from now on; the secret, which nobody can read again."""
    secret = signing.new_secret()
    webhook.secret_sealed = seal(secret)
    webhook.save(update_fields=["secret_sealed"])
    return secret


def take_unsigned(webhook: Webhook) -> None:
    """Ask for no signature any more."""
    webhook.secret_sealed = ""
    webhook.save(update_fields=["secret_sealed"])


def sample_for(webhook: Webhook, user: Any) -> Any:
    """The test payload for who may change the webhook; None for everybody else, as it may be about a person."""
    return webhook.sample if user.has_perm("workflows.change_webhook") else None


def is_used(webhook: Webhook) -> bool:
    """Whether a workflow, a waiting record or a list asks for its event now."""
    return listened(webhook.slug, webhook.object_type)


def delete(webhook: Webhook) -> None:
    """Delete a webhook with its log; what happened to records stays in their timelines. Refused while it is used."""
    if is_used(webhook):
        message = _("“%(name)s” is used by workflows or lists. Remove it there before you delete it.")
        raise DocumentError([Problem("", message % {"name": webhook.name}, code="in_use")])
    webhook.delete()


def naming_properties(kind: ObjectType) -> dict[str, Property]:
    """The properties of which no two records have the same value."""
    return {slug: prop for slug, prop in kind.properties().items() if prop.unique and prop.calculated is None}


def match_by(webhook: Webhook, path: str, slug: str) -> None:
    """Say which value of the payload names the record, and by which unique property (WBH-11)."""
    kind = object_types[webhook.object_type]
    usable, faults = naming_properties(kind), []
    if slug not in usable:
        message = _("“%(slug)s” is not a property with unique values. Use one of: %(usable)s.")
        facts = {"slug": slug, "usable": ", ".join(usable) or _("none")}
        faults.append(Problem("match_property", message % facts, slug))
    if not webhook.properties.filter(path=path, removed=False).exists():
        message = _("The webhook has no value at “%(path)s”. Use the path of one of its properties.")
        faults.append(Problem("match_path", message % {"path": path}, path))
    if faults:
        raise DocumentError(faults)
    webhook.match_path, webhook.match_property = path, slug
    webhook.save(update_fields=["match_path", "match_property"])


def create_naming_property(webhook: Webhook, label: str, type: str) -> PropertyDefinition:
    """A new custom property of which no two records have the same value (WBH-12). Raises DocumentError."""
    label, slug = label.strip(), slug_for(label)
    if not label or len(label) > 120 or type not in NAMING:
        message = _("Give the new property a label, and one of these types: %(types)s.")
        raise DocumentError([Problem("new_label", message % {"types": ", ".join(NAMING)}, label[:120])])
    if PropertyDefinition.objects.filter(object_type=webhook.object_type, slug=slug).exists():
        message = _("There already is a property “%(label)s”. Choose another label, or make its values unique.")
        raise DocumentError([Problem("new_label", message % {"label": label}, label)])
    made = PropertyDefinition(object_type=webhook.object_type, slug=slug, label=label, type=type, unique=True)
    try:
        return define(made)
    except DocumentError as error:
        raise DocumentError([Problem("new_label", problem.message, label) for problem in error.problems]) from None


def is_matched(webhook: Webhook, kind: ObjectType | None) -> bool:
    """Whether requests can find their records."""
    return bool(webhook.match_path) and kind is not None and webhook.match_property in naming_properties(kind)


def as_event_type(webhook: Webhook) -> EventType:
    """The webhook as an event that triggers, filters and delays know (EVT-40)."""
    unfinished = ""
    if not is_matched(webhook, object_types.get(webhook.object_type)):
        message = _(
            "The webhook “%(name)s” does not know which record a request is about. Choose what it is matched by."
        )
        unfinished = message % {"name": webhook.name}
    return EventType(
        webhook.slug,
        webhook.name,
        _("Webhooks"),
        (webhook.object_type,),
        tuple(Property(one.slug, one.label, one.type) for one in webhook.properties.all() if not one.removed),
        custom=True,
        ingested=False,
        spec=("EVT-40",),
        unfinished=unfinished,
    )


def every() -> list[EventType]:
    return [as_event_type(one) for one in Webhook.objects.prefetch_related("properties")]


def named(slug: str) -> EventType | None:
    found = (
        Webhook.objects.prefetch_related("properties").filter(slug=slug).first() if slug.startswith(PREFIX) else None
    )
    return as_event_type(found) if found else None


SOURCE = Source(every, named)
