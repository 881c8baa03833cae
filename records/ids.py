"""Ids of records as people and programs send them."""

from __future__ import annotations

#: One digit less than the largest id has.
DIGITS = 18


def id_of(sent: object) -> int | None:
    """The id that a text is; None when it is none: signs, spaces, and digits of other scripts are no ids."""
    text = sent if isinstance(sent, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
