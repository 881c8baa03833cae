"""What the answers of providers mean: values, trying again, or a failure with what to do about it."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from workflows.ai import quota
from workflows.ai.wires import WIRES, Document, Malformed, object_in
from workflows.history.reasons import reason_sentence
from workflows.models import Delivery
from workflows.outbox.answers import SHOWN, TOO_MANY, Reader, Verdict, judged, readers, text_of
from workflows.outside.door import Answered

State = Delivery.State
#: Codes in answers with 429 that no waiting helps against: there is no money left.
SPENT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
#: Signs of values that are kept of an answer.
LIMIT = 262_144


def register_reader() -> None:
    """Called once, when the apps are ready: questions are requests marked with `ask`."""
    readers["ask"] = Reader(judge, settled, again)


def settled(asked: Document, verdict: Verdict, now: dt.datetime) -> None:
    """Count the tokens an answer has cost, whatever it was worth."""
    usage = (verdict.answer or {}).get("usage")
    if usage:
        quota.spent(asked["action"], usage["read"], usage["written"], now)


def again(asked: Sequence[Document], now: dt.datetime) -> list[str]:
    """Count questions that are asked once more; why each must not be, as a sentence, "" where it may."""
    sentence = str(reason_sentence({"reason": "ai_quota", "limit": quota.limit()}))
    permitted = quota.take_each([str(one["action"]) for one in asked], now)
    return ["" if may else sentence for may in permitted]


def judge(answered: Answered, asked: Document, now: dt.datetime) -> Verdict:
    """What a provider's answer to a question means at `now`: as for other requests, with sentences of their own."""
    shown = {"status": answered.status, "body": text_of(answered.body)[:SHOWN]}
    said = error_in(answered)
    if answered.status == TOO_MANY and any(code in SPENT for code in (said.get("code"), said.get("type"))):
        sentence = _("The account of the provider has no credit left. Top it up, and send the request again.")
        return Verdict(State.DEAD, sentence, answer=shown)
    if 400 <= answered.status < 500 and answered.status != TOO_MANY:
        return Verdict(State.DEAD, remedy(answered.status, clean(str(said.get("message") or ""))), answer=shown)
    if not 200 <= answered.status < 300:
        return judged(answered, [], now)
    if answered.cut:
        return Verdict(State.DEAD, _("The answer of the provider was too large. Ask for less."), answer=shown)
    return heard(answered, asked["kind"], shown)


def heard(answered: Answered, kind: str, shown: Document) -> Verdict:
    """What an answer with 200 means: its values, or that it is none."""
    try:
        reply = WIRES[kind].reply(object_in(text_of(answered.body)) or {})
    except Malformed:
        sentence = _("The answer is not one of such a provider. Check what it speaks like, its address and its path.")
        return Verdict(State.DEAD, sentence, answer=shown)
    usage = {"usage": {"read": reply.read, "written": reply.written}}
    if reply.values is None:
        return Verdict(State.DEAD, clean(reply.why), answer=shown | usage)
    if len(json.dumps(reply.values)) > LIMIT:
        return Verdict(State.DEAD, _("The answer of the provider was too large. Ask for less."), answer=usage)
    # The whole answer would be its values once more.
    values = {"status": answered.status, "values": clean(reply.values), "sources": clean(reply.sources)}
    return Verdict(State.DONE, answer=values | usage)


def clean(values: Any) -> Any:
    """JSON that the database can keep: no NUL, no half of a sign, and null for what is no finite number."""
    if isinstance(values, str):
        return values.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(values, float) and not math.isfinite(values):
        return None
    if isinstance(values, dict):
        return {clean(key): clean(value) for key, value in values.items()}
    return [clean(one) for one in values] if isinstance(values, list) else values


def error_in(answered: Answered) -> Document:
    """What the provider says about an error; both kinds write it alike."""
    if answered.status < 400:
        return {}
    found = (object_in(text_of(answered.body)) or {}).get("error")
    return found if isinstance(found, dict) else {"message": found} if isinstance(found, str) else {}


def remedy(status: int, said: str) -> str:
    """Why a provider refused a request, and what to do."""
    sentences = {
        401: _("The provider refused the key (401). Give it anew in the connection."),
        402: _("The provider wants to be paid (402). Look at the account there."),
        403: _("The key may not use this model (403). Permit it at the provider, or choose another model."),
        404: _("The provider knows no such model or address (404). Check the model and the path of the provider."),
        413: _("The request was too large (413). Send fewer properties, or a shorter prompt."),
    }
    known = _("The provider refused the request (%(status)d). Check the model, and how it asks for typed answers.")
    sentence = sentences.get(status, known % {"status": status})
    said = " ".join(said.split())[:300]
    return _("%(sentence)s It says: “%(said)s”") % {"sentence": sentence, "said": said} if said else sentence
