"""Who has a workflow's editor open, as the others see it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.workflows.building import NOW
from workflows import drafting
from workflows.discussion import presence
from workflows.models import Presence

pytestmark = pytest.mark.django_db


def after(seconds: int) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def test_people_are_there_as_long_as_they_say_so_and_gone_half_a_minute_after():
    ann, bob = (get_user_model().objects.create_user(name) for name in ("ann", "bob"))
    workflow, other = drafting.create("One", "contact", ann), drafting.create("Two", "contact", ann)

    def here(seconds: int, user: Any = ann) -> list[tuple[Any, str, dt.datetime]]:
        found = presence.others(workflow, user=user, now=after(seconds))
        return [(one.user, one.step, one.since) for one in found]

    presence.seen(other, "", user=bob, now=NOW)
    presence.seen(workflow, "", user=ann, now=NOW)
    assert here(1) == []
    presence.seen(workflow, "", user=bob, now=after(2))
    presence.seen(workflow, "trigger", user=bob, now=after(10))
    assert here(11) == [(bob, "trigger", after(2))]
    assert here(11, bob) == [(ann, "", NOW)]
    # The last beat was at 10: another editor asks every eight seconds, and has seen that Bob is gone before 40.
    assert presence.AWAY.total_seconds() + presence.EVERY <= 30
    assert here(31) == []
    presence.seen(workflow, "", user=bob, now=after(60))
    assert here(61) == [(bob, "", after(60))]
    presence.seen(workflow, "", user=ann, now=NOW + dt.timedelta(days=2))
    assert list(Presence.objects.filter(workflow=workflow).values_list("user", flat=True)) == [ann.pk]
