"""Sealing: secrets that have to be read again are kept encrypted, under keys the database does not hold."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

#: How the names of columns end that hold sealed texts.
SEALED = "_sealed"


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


def reseal_all() -> tuple[int, list[str]]:
    """Seal all that is kept with the newest key: how many texts, and the rows no key opens, by name.

    What is sealed stands in columns whose names end in “_sealed”, of whatever model.
    """
    done, unreadable = 0, []
    for model in sorted(apps.get_models(), key=lambda model: model._meta.label):
        fields = [column.name for column in model._meta.concrete_fields if column.name.endswith(SEALED)]
        for row in model._base_manager.order_by("pk") if fields else ():
            found = [field for field in fields if getattr(row, field)]
            try:
                for field in found:
                    setattr(row, field, reseal(getattr(row, field)))
            except Unreadable:
                unreadable.append(str(row))
                continue
            row.save(update_fields=found)
            done += len(found)
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
