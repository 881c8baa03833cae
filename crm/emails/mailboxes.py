"""Whom a mail is from, as a header has it."""

from __future__ import annotations

from email.utils import formataddr

from django.utils.encoding import punycode

from workflows.texts.tokens import on_one_line


def mailbox(name: str, address: str) -> str:
    """A name and an address as one value of a header, also where the address is on an international domain.

    A name that came with line breaks, from another system, say, is written on one line: no header takes them.
    """
    local, at, domain = address.rpartition("@")
    return formataddr((on_one_line(name), f"{local}{at}{punycode(domain)}"), charset="utf-8")
