"""Signed addresses: where a click leads to and of what it tells cannot be changed by whoever has the link."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core import signing
from django.http.request import validate_host
from django.urls import reverse

from crm.tracking.pages import WHO

SALT = "crm.tracking.links"
WHO_SALT = "crm.tracking.who"
#: How long a link in a mail tells whose browser it is that follows it.
WHO_LASTS = dt.timedelta(days=90)
CTA, CLICK, OPEN = "cta", "click", "open"


class BrokenLink(ValueError):
    """The token was not made here, or was changed."""


def read(token: str) -> dict[str, Any]:
    """What a token says. Raises BrokenLink."""
    try:
        said = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise BrokenLink(str(error)) from None
    return dict(said)


def cta_link(slug: str) -> str:
    """The path of a call to action's link; its target is read when it is clicked."""
    return reverse("tracking:follow", args=[signing.dumps({"k": CTA, "s": slug}, salt=SALT)])


def mail_link(contact_id: int, target: str, email: str, **facts: str) -> str:
    """The path of a link in a marketing email to a contact that leads to `target`.

    `email` is the email's name, `facts` what else is told of a click (`subject`, `campaign`, `kind`). Raises
    ValueError for a target that is no http(s) address.
    """
    if urlsplit(target).scheme not in ("http", "https"):
        raise ValueError(f"{target!r} is no http or https address.")
    said = {"k": CLICK, "c": contact_id, "u": target, "f": {"email": email, **facts}}
    return reverse("tracking:follow", args=[signing.dumps(said, salt=SALT, compress=True)])


def open_pixel(contact_id: int, email: str, **facts: str) -> str:
    """The path of the picture by which a marketing email to a contact tells that it was opened."""
    said = {"k": OPEN, "c": contact_id, "f": {"email": email, **facts}}
    return reverse("tracking:opened", args=[signing.dumps(said, salt=SALT, compress=True)])


def with_who(target: str, contact_id: int) -> str:
    """A target on a tracked website with whose mail it was in; any other target as it is."""
    parts = urlsplit(target)
    if not tracked(parts.hostname or ""):
        return target
    who = f"{WHO}={signing.dumps(contact_id, salt=WHO_SALT)}"
    query = f"{parts.query}&{who}" if parts.query else who
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


def who(token: object) -> int | None:
    """The contact whose mail somebody has followed a link of; None when the token is not ours or too old."""
    try:
        said = signing.loads(token, salt=WHO_SALT, max_age=WHO_LASTS) if isinstance(token, str) else None
    except (signing.BadSignature, UnicodeEncodeError):
        return None
    return said if isinstance(said, int) else None


def tracked(host: str) -> bool:
    """Whether a website with this host may tell of its visitors (TRACKING_DOMAINS)."""
    return bool(host) and validate_host(host, settings.TRACKING_DOMAINS)
