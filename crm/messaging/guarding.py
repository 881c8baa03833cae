"""Messages that wait to be sent: whether their contact still wants them is asked right before each attempt."""

from __future__ import annotations

from typing import Any

from crm.messaging.recipients import refusal
from crm.models import Contact, Subscription, SubscriptionType
from workflows.history.reasons import reason_sentence
from workflows.outbox import requesting

#: What requests name to be asked about here.
NAME = "message"


def objection(request: dict[str, Any]) -> str:
    """Why a contact must not get a message any more, as a sentence; "" when it may."""
    if not Contact.objects.filter(pk=request["contact"], deleted_at=None).exists():
        return str(reason_sentence({"reason": "record_deleted"}))
    subscription = SubscriptionType.objects.filter(pk=request["type"]).first()
    if subscription is None:
        return str(reason_sentence({"reason": "not_opted_in", "type": request["type"]}))
    said = Subscription.objects.filter(contact=request["contact"], type=subscription)
    refused = refusal(said.values_list("status", flat=True).first(), subscription)
    return str(reason_sentence({"reason": refused.reason, **refused.facts})) if refused else ""


def register_messages() -> None:
    """Called once, when the apps are ready."""
    requesting.objections[NAME] = objection
