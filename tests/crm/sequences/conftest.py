"""A sequence of two emails and a task, and people who get it."""

from __future__ import annotations

import datetime as dt

import pytest

from crm.models import Contact, Sequence, SubscriptionType, User
from tests.crm.emails.conftest import postbox as postbox

#: A Wednesday.
NOW = dt.datetime(2026, 3, 4, 10, 0, tzinfo=dt.UTC)


@pytest.fixture
def kind(db):
    return SubscriptionType.objects.create(slug="one-to-one", name="One to one")


@pytest.fixture
def sender(db):
    return User.objects.create(username="amy", first_name="Amy", last_name="Field", email="amy@ours.example")


@pytest.fixture
def sequence(kind):
    made = Sequence.objects.create(slug="welcome", name="Welcome", subscription=kind)
    made.steps.create(
        position=0, kind="email", subject="Hello {{ contact.first_name | default: 'there' }}",
        body="I am {{ sender.first_name }}.\nSee https://ours.example/a",
    )  # fmt: skip
    made.steps.create(position=1, kind="email", days=3, at=dt.time(9, 0), subject="Still there?", body="Me again.")
    made.steps.create(position=2, kind="task", days=1, subject="Call {{ contact.first_name }}", task_kind="call")
    return made


@pytest.fixture
def ann(db):
    return Contact.objects.create(email="ann@example.com", first_name="Ann")
