"""Whom a mail is from, as a header has it."""

from __future__ import annotations

from email.utils import formataddr

from django.utils.encoding import punycode


def mailbox(name: str, address: str) -> str:
    """A name and an address as one value of a header, also where the address is on an international domain."""
    local, at, domain = address.rpartition("@")
    return formataddr((name, f"{local}{at}{punycode(domain)}"), charset="utf-8")
