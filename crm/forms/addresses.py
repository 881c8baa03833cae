"""Addresses on the web, as visitors and people here type or send them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LIMIT = 1_000
EVERYBODY = "*"


def parts_of(text: object) -> SplitResult | None:
    """The parts of an http(s) address; None for anything else. Hosts need no dot: there are intranets."""
    if not isinstance(text, str) or len(text) > LIMIT or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    # Who the page may be embedded by is written into a header, which these would divide.
    plain = parts.username is None and set(";,'\"\\").isdisjoint(parts.netloc) and "\\" not in text
    return parts if usable and plain else None


def check_web_address(text: str) -> None:
    """Raises ValidationError for what is no http(s) address."""
    if parts_of(text) is None:
        message = _("“%(value)s” is not a web address. Write it like https://www.example.com/thanks.")
        raise ValidationError(message % {"value": text})


def origin_of(text: str) -> str:
    """ "https://www.example.com/a" → "https://www.example.com". Raises ValueError with a sentence."""
    parts = parts_of(text.strip())
    if parts is None:
        message = _("“%(value)s” is not the address of a website. Write it like https://www.example.com.")
        raise ValueError(message % {"value": text.strip()})
    return f"{parts.scheme}://{parts.netloc}".lower()


def origins_in(text: str) -> list[str]:
    """The websites named in a text, one per line; a star alone is everybody. Raises ValueError with a sentence."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [EVERYBODY] if lines == [EVERYBODY] else list(dict.fromkeys(origin_of(line) for line in lines))
