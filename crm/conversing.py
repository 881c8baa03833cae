"""Writing down messages of conversations; what follows from them the database keeps (crm.conversation_triggers)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from crm.models import Conversation, Message
from records.signals import announce_on_commit

BODY_LIMIT = 65_536


@dataclass(frozen=True)
class Written:
    """A message as somebody tells of it. `author` is the id of our user who sent it; `key` the teller's own id."""

    direction: str
    body: str
    at: dt.datetime
    sender: str = ""
    author: int | None = None
    automatic: bool = False
    key: str | None = None


def write_down(conversation: Conversation, written: Written) -> tuple[Message, bool]:
    """The message, and whether it is new: one whose key the conversation knows already is left as it is."""
    with transaction.atomic():
        facts = {**vars(written), "author_id": written.author}
        del facts["author"]
        if written.key is None:
            message, new = Message.objects.create(conversation=conversation, **facts), True
        else:
            key = facts.pop("key")
            message, new = Message.objects.get_or_create(conversation=conversation, key=key, defaults=facts)
        announce_on_commit()
    return message, new
