"""Who gets a message of a step: users by name and each record's own owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from workflows.step_forms.forms import OWNER

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


def recipients_of(batch: Batch, usernames: Iterable[str], others: Iterable[Any] = ()) -> dict[int, list[Any]]:
    """By record id the active users addressed, each once: the named ones, the record's owner, `others`.

    One query for the named users, one for all owners.
    """
    usernames = list(usernames)
    users = get_user_model()._default_manager.filter(is_active=True)
    named = [*users.filter(username__in=set(usernames) - {OWNER}).order_by("pk"), *others] if usernames else [*others]
    owners: dict[int, Any] = owners_of(batch) if OWNER in usernames else {}
    found = {}
    for pk in batch.ids:
        owner = owners.get(pk)
        people = [*named, owner] if owner is not None else named
        found[pk] = list({user.pk: user for user in people}.values())
    return found


def owners_of(batch: Batch) -> dict[int, Any]:
    """The active owner of each record that has one."""
    ids = dict(batch.records().exclude(owner=None).values_list("pk", "owner_id"))
    users = get_user_model()._default_manager.filter(is_active=True).in_bulk(set(ids.values()))
    return {pk: users[owner] for pk, owner in ids.items() if owner in users}
