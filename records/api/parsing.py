"""The body of a request: JSON, of a limited size, read strictly."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from records.api import strict_json
from records.api.problem_details import ApiProblem

BODY_LIMIT = 5 * 1024 * 1024


class StrictJsonParser(BaseParser):
    """Raises 413 for more than 5 MB, DocumentError for what is not clean JSON (records.api.strict_json)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = read_limited(stream)
        return strict_json.parse(body) if body.strip() else {}


def read_limited(stream: Any) -> bytes:
    declared = int(stream.META.get("CONTENT_LENGTH") or 0) if hasattr(stream, "META") else 0
    body = b"" if declared > BODY_LIMIT else stream.read(BODY_LIMIT + 1)
    if declared > BODY_LIMIT or len(body) > BODY_LIMIT:
        detail = _("The document has more than %(limit)d bytes. Send it in parts.") % {"limit": BODY_LIMIT}
        raise ApiProblem("too_large", detail)
    return body


class AlwaysJson(BaseContentNegotiation):
    """Replies are JSON whatever `Accept` says; bodies must say they are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
