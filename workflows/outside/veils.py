"""What stands in the place of a secret that another system sends back: nobody who reads an answer is to read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote, quote_plus

VEIL = "•••"
#: Characters of a secret that is looked for in answers: a shorter one stands in many that do not mean it.
LEAST = 6


def veils(secrets: Iterable[str]) -> list[str]:
    """The texts to be taken out, the longest first: secrets as they are, and as JSON and addresses write them."""
    found = {
        text
        for secret in secrets
        if secret
        for text in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            quote(secret, safe=""),
            quote(secret, safe="!'()*~"),
            quote_plus(secret),
        )
    }
    return sorted(found, key=lambda text: (-len(text), text))


def veiled(body: bytes, secrets: Sequence[str]) -> bytes:
    """An answer without the secrets its request was sent with, in whichever of the usual ways it writes them."""
    for text in veils(one for one in secrets if len(one) >= LEAST):
        for encoding in ("utf-8", "latin-1"):
            try:
                body = body.replace(text.encode(encoding), VEIL.encode())
            except UnicodeEncodeError:
                continue
    return body
