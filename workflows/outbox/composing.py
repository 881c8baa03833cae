"""Requests as they are to be sent: made once, when the step runs, of the records' values, however often they are sent.

What is secret is not in them: it is added when one is sent (workflows.outbox.requesting).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from records.properties import Property
from workflows.engine.json_values import filled_in, json_values
from workflows.models import Connection
from workflows.outside import door, targets
from workflows.outside.targets import NotAllowed
from workflows.texts import json_templates, tokens
from workflows.texts.faults import TokenError, TooLong

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE")
#: Methods whose values stand in the address.
IN_ADDRESS = ("GET", "DELETE")
BODY_LIMIT = 262_144

Request = dict[str, Any]


def origin_of_template(url: str) -> str:
    """The origin of an address with tokens, which stand after the host; "" for a “/path”. Raises NotAllowed."""
    if url.startswith("/"):
        return ""
    try:
        pieces = tokens.parse(url)
    except TokenError as error:
        raise NotAllowed(str(error)) from None
    return targets.read("".join(piece if isinstance(piece, str) else "x" for piece in pieces)).origin


def check_origin(url: str, slug: str) -> str:
    """The connection's origin, when an address fits a connection (""; none). Raises NotAllowed."""
    connection = Connection.objects.filter(slug=slug).first() if slug else None
    if connection is not None:
        return origin_with(connection, url)
    origin = origin_of_template(url)
    if slug:
        message = _("The connection “%(slug)s” does not exist any more. Choose another one.")
        raise NotAllowed(message % {"slug": slug})
    if not origin:
        message = _("“%(url)s” has no host. Write it out, or choose a connection.")
        raise NotAllowed(message % {"url": url[:200]})
    return ""


def origin_with(connection: Connection, url: str) -> str:
    """The connection's origin, when an address fits it. Raises NotAllowed."""
    origin = origin_of_template(url)
    if origin and origin != connection.origin:
        message = _(
            "The connection “%(name)s” is for %(origin)s, and sends to no other host. Write an address there, or "
            "choose another connection."
        )
        raise NotAllowed(message % {"name": connection.name, "origin": connection.origin})
    return connection.origin


def sent_properties(properties: Mapping[str, Property]) -> dict[str, Property]:
    """The properties that can be sent: all but sensitive ones."""
    return {slug: prop for slug, prop in properties.items() if not prop.sensitive}


def composed(batch: Batch, params: dict[str, Any]) -> dict[int, Request | str]:
    """The request of each record by its id, or why there is none, in a sentence; constant queries."""
    try:
        origin = check_origin(params["url"], params.get("connection") or "")
        urls = batch.render(params["url"], "url")
        headers = {name: batch.render(text, "line") for name, text in (params.get("headers") or {}).items()}
        contents = contents_of(batch, params)
    except NotAllowed as error:
        return dict.fromkeys(batch.ids, str(error))
    except TokenError as error:
        TooLong.alone(error, len(batch.enrollments))
        return dict.fromkeys(batch.ids, str(error))
    shared = {"method": params["method"], "connection": params.get("connection") or ""}
    shared["outputs"] = params.get("outputs") or []
    found: dict[int, Request | str] = {}
    for pk in batch.ids:
        own = {name: texts.get(pk, "") for name, texts in headers.items()}
        url = urls.get(pk, "")
        try:
            made = made_of(shared, f"{origin}{url}" if url.startswith("/") else url, own, contents.get(pk))
        except NotAllowed as error:
            found[pk] = str(error)
        else:
            found[pk] = made
    return found


def contents_of(batch: Batch, params: dict[str, Any]) -> dict[int, Any]:
    """What is sent, by record id."""
    body = params.get("body") or "properties"
    if body == "json":
        return filled_in(batch, json_templates.read(params.get("template") or "null"))
    chosen: Iterable[str] = params.get("properties") or ()
    if body == "all":
        chosen = sent_properties(batch.properties)
    values = filled_in(batch, params.get("values") or {})
    return {pk: {**own, **values[pk]} for pk, own in json_values(batch, chosen).items()}


def made_of(shared: Mapping[str, Any], url: str, headers: dict[str, str], content: Any) -> Request:
    """One request. Raises NotAllowed when it could not leave."""
    door.checked(headers)
    text = ""
    if shared["method"] in IN_ADDRESS:
        url = with_parameters(url, {name: in_address(value) for name, value in (content or {}).items()})
    elif content is not None:
        text = json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False)
        headers = {"Content-Type": "application/json", **headers}
    if (size := len(text.encode())) > BODY_LIMIT:
        message = _("The request would have %(size)d bytes, %(limit)d at most. Send fewer properties.")
        raise NotAllowed(message % {"size": size, "limit": BODY_LIMIT})
    target = targets.read(url)
    return {
        **shared,
        "url": target.url,
        "host": target.origin.partition("//")[2],
        "headers": headers,
        "body": text.replace("\x00", ""),
    }


def in_address(value: Any) -> Any:
    """A value as addresses have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def with_parameters(url: str, parameters: Mapping[str, Any]) -> str:
    """An address with more parameters."""
    if not parameters:
        return url
    address = url.partition("#")[0]
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters, doseq=True)}"
