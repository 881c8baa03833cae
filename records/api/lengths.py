"""How much somebody is about to send."""

from __future__ import annotations

from django.http import HttpRequest


def longer_than(request: HttpRequest, limit: int) -> bool:
    """Whether a body has more bytes than `limit`, or does not say how many in digits; ask before reading it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not (length.isascii() and length.isdigit()) or len(length) > 12 or int(length) > limit
