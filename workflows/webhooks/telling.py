"""What became of a request, in a sentence."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from records.object_types import object_types
from records.property_types import property_types
from workflows.models import Webhook, WebhookRequest

Outcome = WebhookRequest.Outcome


def sentence(webhook: Webhook, row: WebhookRequest, name: str = "") -> str:
    """The outcome; `name` is that of the record that matched."""
    kind = object_types.get(webhook.object_type)
    facts: dict[str, Any] = {"record": kind.label if kind else webhook.object_type, **row.detail, "name": name}
    if row.outcome == Outcome.WAITING:
        return _("It was received and waits for its turn.")
    if row.outcome == Outcome.MATCHED:
        return f"{matched(row, facts)} {blanks(row)}".strip()
    if row.outcome == Outcome.UNMATCHED and "value" in row.detail:
        message = _(
            "No record matched: there is no %(record)s with the %(property)s “%(value)s”. Nothing was enrolled."
        )
        return message % facts
    if row.outcome == Outcome.UNMATCHED:
        return _("No record matched: the %(record)s was deleted meanwhile. Nothing was enrolled.") % facts
    if row.outcome == Outcome.UNUSABLE:
        message = _("No record matched: the payload has no value at “%(path)s”. Nothing was enrolled.")
        return message % facts
    if row.outcome == Outcome.UNFINISHED:
        return _("Nothing was done: the webhook does not know yet which record a request is about.")
    if row.outcome == Outcome.FAILED:
        return _("It could not be dealt with, because of an error in Headrace. The log of the server says more.")
    return refused(row)


def matched(row: WebhookRequest, facts: dict[str, Any]) -> str:
    if facts["name"]:
        return _("It matched the %(record)s “%(name)s”.") % facts
    return _("It matched the %(record)s %(id)s.") % (facts | {"id": row.record_id})


def blanks(row: WebhookRequest) -> str:
    """The values that did not fit."""
    told = []
    for one in row.detail.get("blank") or ():
        kind = property_types.get(one["type"])
        facts = {"label": one["label"], "value": one["value"], "type": kind.label if kind else one["type"]}
        told.append(_("“%(value)s” is no %(label)s of the type “%(type)s”, so it was left blank.") % facts)
    return " ".join(told)


def refused(row: WebhookRequest) -> str:
    why = row.detail.get("why")
    if why == "signature":
        return _("It was refused: its signature is missing, wrong, or older than five minutes.")
    if why == "sealed":
        return _("It was refused: the secret for signatures cannot be opened any more. Ask for a new one.")
    if why == "size":
        return _("It was refused: it is larger than a request may be.")
    if why == "rate":
        return _("It was refused, with others: too many requests came at once.")
    return _("It was refused: it cannot be read. %(error)s") % {"error": row.detail.get("error", "")}
