"""Requests to the providers of messages: Twilio's Messages API and those like it, and the WhatsApp Cloud API.

What is secret is added when a request is sent (workflows.outbox.requesting): the connection signs in with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from workflows.outside import targets

#: Where the interfaces are by default, below the connection's address.
TWILIO_PATH, WHATSAPP_PATH = "/2010-04-01", "/v21.0"
#: Errors the WhatsApp Cloud API answers 400 with although they pass: too many requests, of one kind or another.
PASSING = {"path": "error.code", "values": [4, 80007, 130429, 131048, 131056]}
#: How the identifiers of Twilio's messaging services begin; any other sender is a number or a name.
SERVICE = "MG"

Request = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """Where a provider is: the connection's slug and origin, the path of the interface, and what sends."""

    connection: str
    origin: str
    path: str
    sender: str
    #: Twilio's account: the user name of the connection unless the step says another one.
    name: str = ""


def twilio(account: Account, number: str, text: str) -> Request:
    """A text message. Raises workflows.outside.targets.NotAllowed for an address no request may go to."""
    path = f"{account.path}/Accounts/{quote(account.name, safe='')}/Messages.json"
    own = "MessagingServiceSid" if account.sender.startswith(SERVICE) else "From"
    body = urlencode({"To": number, own: account.sender, "Body": text})
    return request(account, path, "application/x-www-form-urlencoded", body, "sid")


def whatsapp(account: Account, number: str, template: str, language: str, parameters: Sequence[str]) -> Request:
    """A message by a template. Raises workflows.outside.targets.NotAllowed like `twilio`."""
    chosen: dict[str, Any] = {"name": template, "language": {"code": language}}
    if parameters:
        texts = [{"type": "text", "text": text} for text in parameters]
        chosen["components"] = [{"type": "body", "parameters": texts}]
    document = {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": number, "type": "template",
        "template": chosen,
    }  # fmt: skip
    path = f"{account.path}/{quote(account.sender, safe='')}/messages"
    body = json.dumps(document, ensure_ascii=False)
    return request(account, path, "application/json", body, "messages.0.id") | {"passing": PASSING}


def request(account: Account, path: str, kind: str, body: str, identifier: str) -> Request:
    """A request as the outbox keeps it; `identifier` is where the answer names the message."""
    target = targets.read(f"{account.origin}{path}")
    return {
        "method": "POST", "connection": account.connection, "url": target.url,
        "host": target.origin.partition("//")[2], "headers": {"Content-Type": kind},
        "body": body.replace("\x00", ""), "outputs": [{"name": "id", "path": identifier, "type": "text"}],
    }  # fmt: skip


def said(body: Any) -> str:
    """What a provider says went wrong, in its own words; "" where it says nothing that can be read."""
    try:
        document = json.loads(body or "")
    except (ValueError, TypeError, RecursionError):
        return ""
    found = document.get("error") if isinstance(document, dict) else None
    for part in (found, document):
        if isinstance(part, dict) and isinstance(text := part.get("message"), str):
            return text[:300]
    return ""
