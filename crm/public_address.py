"""Addresses of this installation as people outside reach it."""

from __future__ import annotations

from django.conf import settings


def absolute(path: str) -> str:
    """A path of ours as it is written in mails (PUBLIC_URL)."""
    return f"{settings.PUBLIC_URL}{path}"
