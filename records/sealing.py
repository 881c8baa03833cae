"""Sealing: secrets that have to be read again are kept encrypted, under keys the database does not hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Unreadable(Exception):
    """A sealed text none of the installation's keys opens."""


def seal(text: str) -> str:
    """A text encrypted with the newest of HEADRACE_SECRET_KEYS. Raises ImproperlyConfigured without any."""
    return keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text again, whichever of the keys sealed it. Raises Unreadable when none did."""
    try:
        return keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable("None of HEADRACE_SECRET_KEYS opens what was sealed.") from None


def reseal(sealed: str) -> str:
    """The same, sealed with the newest key. Raises Unreadable when none of the keys opens it."""
    try:
        return keys().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable("None of HEADRACE_SECRET_KEYS opens what was sealed.") from None


def reseal_rows(rows: Iterable[Any], fields: Collection[str]) -> tuple[int, list[str]]:
    """Seal what these fields of rows hold with the newest key: how many texts, and the rows no key opens, by name."""
    done, unreadable = 0, []
    for row in rows:
        sealed = [field for field in fields if getattr(row, field)]
        try:
            for field in sealed:
                setattr(row, field, reseal(getattr(row, field)))
        except Unreadable:
            unreadable.append(str(row.name))
            continue
        row.save(update_fields=sealed)
        done += len(sealed)
    return done, unreadable


def keys() -> MultiFernet:
    found = getattr(settings, "HEADRACE_SECRET_KEYS", [])
    if not found:
        raise ImproperlyConfigured("Set HEADRACE_SECRET_KEYS: without a key no secret can be stored.")
    try:
        return MultiFernet([Fernet(key) for key in found])
    except ValueError:
        hint = "Each of HEADRACE_SECRET_KEYS is 32 random bytes, base64-encoded for URLs."
        raise ImproperlyConfigured(hint) from None
