"""Users who have left: steps may not hand anything over to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from records.problems import Problem
from records.properties import Property


def problems(values: Iterable[tuple[str, Property | None, Any]]) -> list[Problem]:
    """A problem for each value of a user property that names a deactivated user; each with its place."""
    named = {place: str(value) for place, prop, value in values if prop is not None and prop.type == "user" and value}
    if not named:
        return []
    users = get_user_model()._default_manager.filter(is_active=False, username__in=set(named.values()))
    gone = set(users.values_list("username", flat=True))
    message = _("“%(value)s” is deactivated and gets no more records. Choose an active user.")
    return [
        Problem(place, message % {"value": name}, name, code="inactive_user")
        for place, name in named.items()
        if name in gone
    ]
