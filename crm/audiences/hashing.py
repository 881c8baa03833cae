"""People as ad networks know them: SHA-256 of addresses in the one way everybody writes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import phonenumbers

from workflows.actions.format_phone import e164, number_of


@dataclass(frozen=True)
class Hashes:
    """The hashes of a contact in small hexadecimal letters; "" where it has no such address.

    `phone` is of the number with its plus ("+4687123400"), `phone_digits` without: networks differ in that.
    """

    email: str = ""
    phone: str = ""
    phone_digits: str = ""

    def __bool__(self) -> bool:
        return bool(self.email or self.phone)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def normal_email(text: str | None) -> str:
    """Without spaces around it, in small letters."""
    return (text or "").strip().lower()


def normal_phone(*texts: str) -> str:
    """The first of these that is a valid international number, as E.164; "" when none is."""
    for text in texts:
        number: phonenumbers.PhoneNumber | None = number_of(text, None) if text else None
        if number is not None:
            return e164(number)
    return ""


def hashes_of(contact: Any) -> Hashes:
    """Of its email address, and of its mobile number or else its phone number."""
    phone = normal_phone(contact.mobile, contact.phone)
    return Hashes(hashed(normal_email(contact.email)), hashed(phone), hashed(phone.removeprefix("+")))
