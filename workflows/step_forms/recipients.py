"""Who gets a message of a step: users by name, each record's own owner, and the users its properties hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils.text import capfirst

from workflows.engine.writing import current_values
from workflows.step_forms.forms import OWNER
from workflows.step_forms.params import StepContext
from workflows.step_forms.webhook_fields import ChosenField

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class PeopleField(ChosenField):
    """Properties of the record that hold a user, by slug; the owner is chosen among the users."""

    def use_context(self, context: StepContext) -> None:
        self.choices = [
            (slug, capfirst(str(prop.label)))
            for slug, prop in context.properties.items()
            if prop.type == "user" and slug != OWNER and not prop.sensitive
        ]


def recipients_of(
    batch: Batch, usernames: Iterable[str], others: Iterable[Any] = (), properties: Iterable[str] = ()
) -> dict[int, list[Any]]:
    """By record id the active users addressed, each once: the named ones, the record's owner, `others`, and whom
    some properties of the record hold.

    One query for the named users, one for all owners, one for each property and one for the users in them.
    """
    usernames = list(usernames)
    users = get_user_model()._default_manager.filter(is_active=True)
    named = [*users.filter(username__in=set(usernames) - {OWNER}).order_by("pk"), *others] if usernames else [*others]
    owners: dict[int, Any] = owners_of(batch) if OWNER in usernames else {}
    held = held_by(batch, properties)
    found = {}
    for pk in batch.ids:
        owner = owners.get(pk)
        people = [*named, *([owner] if owner is not None else []), *held.get(pk, ())]
        found[pk] = list({user.pk: user for user in people}.values())
    return found


def owners_of(batch: Batch) -> dict[int, Any]:
    """The active owner of each record that has one."""
    ids = dict(batch.records().exclude(owner=None).values_list("pk", "owner_id"))
    users = get_user_model()._default_manager.filter(is_active=True).in_bulk(set(ids.values()))
    return {pk: users[owner] for pk, owner in ids.items() if owner in users}


def held_by(batch: Batch, properties: Iterable[str]) -> dict[int, list[Any]]:
    """The active users in some properties of each record."""
    values = [current_values(batch, batch.properties[slug]) for slug in properties if slug in batch.properties]
    if not values:
        return {}
    wanted = {value for column in values for value in column.values() if value is not None}
    users = get_user_model()._default_manager.filter(is_active=True).in_bulk(wanted)
    return {pk: [users[value] for column in values if (value := column.get(pk)) in users] for pk in batch.ids}
