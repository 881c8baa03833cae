"""Messages that wait to be sent: whether their contact still wants them is asked right before each attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm.messaging.recipients import refusal
from crm.models import Contact, Subscription, SubscriptionType
from workflows.history.reasons import reason_sentence
from workflows.outbox import requesting

#: What requests name to be asked about here.
NAME = "message"


def objections(requests: Sequence[dict[str, Any]]) -> list[str]:
    """Why contacts must not get messages any more, "" for each that may; three statements for all."""
    ids = {request["contact"] for request in requests}
    there = set(Contact.objects.filter(pk__in=ids, deleted_at=None).values_list("pk", flat=True))
    types = SubscriptionType.objects.in_bulk({request["type"] for request in requests})
    rows = Subscription.objects.filter(contact__in=ids, type__in=types.values())
    said = {(contact, kind): status for contact, kind, status in rows.values_list("contact", "type__pk", "status")}
    return [objection(request, request["contact"] in there, types.get(request["type"]), said) for request in requests]


def objection(
    request: dict[str, Any], there: bool, subscription: SubscriptionType | None, said: Mapping[tuple[int, Any], str]
) -> str:
    """Why one contact must not get its message any more, as a sentence; "" when it may."""
    if not there:
        return str(reason_sentence({"reason": "record_deleted"}))
    if subscription is None:
        return str(reason_sentence({"reason": "not_opted_in", "type": request["type"]}))
    refused = refusal(said.get((request["contact"], subscription.pk)), subscription)
    return str(reason_sentence({"reason": refused.reason, **refused.facts})) if refused else ""


def register_messages() -> None:
    """Called once, when the apps are ready."""
    requesting.objections[NAME] = objections
