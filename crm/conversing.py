"""Writing down messages of conversations, and who sees to these.

What follows from messages the database keeps (crm.conversation_triggers).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from crm.models import Conversation, Message
from records.object_types import object_types
from records.saving.writing import update
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


@dataclass(frozen=True)
class Assignment:
    """Where a conversation is to be worked on, and by whom; None leaves that as it is."""

    inbox: str | None = None
    owner: int | None = None


def assign(wanted: Mapping[int, Assignment]) -> set[int]:
    """Put conversations, by id, into inboxes and give them owners; those that became different (COM-14).

    Two statements; rows are locked in the order of their ids.
    """
    with transaction.atomic():
        rows = Conversation.objects.filter(pk__in=list(wanted), deleted_at=None).order_by("pk")
        held = list(rows.select_for_update(no_key=True).values_list("pk", "inbox", "owner_id"))
        changes = {}
        for pk, inbox, owner in held:
            one = wanted[pk]
            new = {"inbox": inbox if one.inbox is None else one.inbox, "owner": one.owner or owner}
            if new != {"inbox": inbox, "owner": owner}:
                changes[pk] = new
        if changes:
            kind = object_types["conversation"]
            properties = kind.properties()
            update(kind, changes, {name: properties[name] for name in ("inbox", "owner")})
    return set(changes)
