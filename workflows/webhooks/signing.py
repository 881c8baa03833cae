"""Signatures of the Standard Webhooks specification, as a receiver checks them and a sender makes them."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping

PREFIX = "whsec_"
#: How far the instant a request was signed at may be from now, either way.
TOLERANCE = dt.timedelta(minutes=5)
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
#: Of a secret in bytes; the specification's own.
SHORTEST, LONGEST = 24, 64
MOST_SIGNATURES = 20


def new_secret() -> str:
    """A secret as the specification writes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign. Raises ValueError when a secret is not one."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("The secret is not base64.") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"The secret has {len(key)} bytes, not {SHORTEST} to {LONGEST}.")
    return key


def signature(secret: str, message: str, at: dt.datetime, body: bytes) -> str:
    """The signature of a message with an id, sent at an instant. Raises ValueError when the secret is not one."""
    signed = f"{message}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: dt.datetime) -> bool:
    """Whether a request was signed with the secret, less than TOLERANCE ago; whatever its headers hold."""
    message, at = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not message or not (at.isascii() and at.isdigit() and len(at) <= 12):
        return False
    if abs(now.timestamp() - int(at)) > TOLERANCE.total_seconds():
        return False
    signed = f"{message}.{at}.".encode(errors="surrogateescape") + body
    expected = base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256))
    fits = False
    for one in headers.get(SIGNATURE, "").split(" ")[:MOST_SIGNATURES]:
        version, _comma, sent = one.partition(",")
        fits |= version == "v1" and hmac.compare_digest(sent.encode(errors="replace"), expected)
    return fits
