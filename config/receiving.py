"""Requests as they come in: what clients claim about them counts only as far as it can be used and may be believed."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.http import parse_header_parameters

from records.api.addresses import proxies, read_address

logger = logging.getLogger(__name__)

#: What a proxy says about the request it passes on, and anybody else could pretend.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")
#: The encodings browsers know. Python has others, of which some are no encodings of texts (“hex”, “zip”).
FAMILIES = ("iso8859", "cp125", "koi8", "gb", "big5", "euc_", "shift_jis", "iso2022_", "cp874", "cp932", "mac")
ENCODINGS = {"utf-8", "ascii"}
CHARSET = re.compile(r";\s*charset\b[^;]*", re.IGNORECASE)


class Request(WSGIRequest):
    """A request that whatever a client claims about it does not break."""

    def __init__(self, wsgi: dict[str, Any]) -> None:
        wsgi["CONTENT_TYPE"] = readable(wsgi.get("CONTENT_TYPE") or "")
        if not proxies().include(read_address(wsgi.get("REMOTE_ADDR") or "")):
            for name in FORWARDED:
                wsgi.pop(name, None)
        super().__init__(wsgi)


class Handler(WSGIHandler):
    request_class = Request


def readable(content_type: str) -> str:
    """A content type without an encoding that is none of texts: as one nobody knows, it then counts as UTF-8."""
    kind = content_type.partition(";")[0]
    try:
        charset = parse_header_parameters(content_type)[1].get("charset")
        if charset is None or is_for_texts(charset):
            return content_type
        shorter = CHARSET.sub("", content_type)
        return kind if "charset" in parse_header_parameters(shorter)[1] else shorter
    except (ValueError, LookupError):
        return kind


def is_for_texts(charset: str) -> bool:
    """Whether forms are sent in this encoding by anything that means well."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return False
    return name in ENCODINGS or name.startswith(FAMILIES)


class Interrupted:
    """A client that is gone before it has sent everything is no fault of ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, UnreadablePostError):
            return None
        logger.info("A client was gone before it had sent everything.")
        return HttpResponse(status=400)
