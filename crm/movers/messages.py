"""Emails, messages and surveys that were sent to a contact by workflows for other records, like its deals."""

from __future__ import annotations

from records.merging.movers import Merge, Mover, movers
from records.object_types import ObjectType
from workflows.outbox.forgetting import forget_contacts


@movers.register
class Messages(Mover):
    slug = "messages"

    def move(self, merge: Merge) -> None:
        """What was sent to the loser stays as it was sent; what still waits finds nobody and is skipped."""

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        if object_type.slug == "contact":
            forget_contacts(ids)
