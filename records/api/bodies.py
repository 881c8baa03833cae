"""What a request has in its body."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.request import RawPostDataException


def body_of(request: HttpRequest, limit: int) -> bytes:
    """The body as it was sent; empty where it has more than `limit` bytes or was read as the fields of a form."""
    try:
        return request.body if len(request.body) <= limit else b""
    except RawPostDataException:
        return b""
