"""Requests as they come in: what clients claim about them counts only as far as it can be used and may be believed."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _

from records.api.addresses import proxies, read_address
from records.api.lengths import longer_than

logger = logging.getLogger(__name__)

#: Answers about what it is sent in its own format, and bounds it itself.
API = "/api/"
#: Digits of a length that can be meant.
LONGEST = 15
#: What a proxy says about the request it passes on, and anybody else could pretend.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")
#: The encodings browsers know. Python has others, of which some are no encodings of texts (“hex”, “zip”).
FAMILIES = ("iso8859", "cp125", "koi8", "gb", "big5", "euc_", "shift_jis", "iso2022_", "cp874", "cp932", "mac")
ENCODINGS = {"utf-8", "ascii"}
CHARSET = re.compile(r";\s*charset\b[^;]*", re.IGNORECASE)


class Whole:
    """The body of a request, of which a part is as good as none: half a form must not count as a form."""

    def __init__(self, stream: Any, length: int) -> None:
        self.stream, self.left = stream, length

    def read(self, size: int = -1) -> bytes:
        return self.checked(self.stream.read(wanted := self.up_to(size)), wanted)

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self.stream.readline(wanted := self.up_to(size))
        return self.checked(line, 1 if wanted else 0)

    def up_to(self, size: int | None) -> int:
        return self.left if size is None or size < 0 else min(size, self.left)

    def checked(self, data: bytes, at_least: int) -> bytes:
        """Raises OSError when the client has sent less than it said."""
        self.left -= len(data)
        if len(data) < at_least:
            raise OSError("The client was gone before it had sent everything.")
        return data


class Request(WSGIRequest):
    """A request that whatever a client claims about it does not break."""

    def __init__(self, wsgi: dict[str, Any]) -> None:
        wsgi["CONTENT_TYPE"] = readable(wsgi.get("CONTENT_TYPE") or "")
        if not proxies().include(read_address(wsgi.get("REMOTE_ADDR") or "")):
            for name in FORWARDED:
                wsgi.pop(name, None)
        length = wsgi.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdigit() and len(length) <= LONGEST:
            wsgi["wsgi.input"] = Whole(wsgi["wsgi.input"], int(length))
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


class Bounded:
    """Nobody fills our disk before having signed in; a client gone before it has sent everything is no fault of ours.

    Stands after the sessions and before whatever reads a form: parts of a form are written to files as they come.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The session is looked at last: an answer that depends on it is one nobody may keep for others.
        if longer_than(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE) and self.is_for_strangers(request):
            text = _("That is more than anybody may send here without having signed in.")
            return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
        return self.get_response(request)

    def is_for_strangers(self, request: HttpRequest) -> bool:
        return SESSION_KEY not in request.session and not request.path_info.startswith(API)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, UnreadablePostError):
            return None
        logger.info("A client was gone before it had sent everything.")
        return HttpResponse(status=400)
