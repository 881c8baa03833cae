"""Kinds of mails in the outbox.

A package above adds a kind of its own, whose mails have a turn and a limit of their own, are asked about once more
right before they leave, and tell what became of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from workflows.models import Delivery


@dataclass(frozen=True)
class Ending:
    """How the sending of a mail has ended; `bounced`: the mail server does not know the address."""

    state: str
    error: str = ""
    bounced: bool = False


def wanted(delivery: Delivery) -> str:
    return ""


def as_written(delivery: Delivery) -> str:
    return str(delivery.request["to"])


def untold(delivery: Delivery, ending: Ending, now: dt.datetime) -> None:
    """Nobody asks what becomes of these."""


@dataclass(frozen=True)
class MailKind:
    """`objection` says in a sentence why a mail must not leave any more ("" when it may); `ended` is called in the
    transaction that notes how it ended. `address` is where it goes now: that of the person it is for may have changed
    since it was written.
    """

    objection: Callable[[Delivery], str] = wanted
    ended: Callable[[Delivery, Ending, dt.datetime], None] = untold
    address: Callable[[Delivery], str] = as_written


#: The kinds of deliveries that are mails.
kinds: dict[str, MailKind] = {"mail": MailKind()}
