"""A receiver that speaks like a provider, and a provider of each kind."""

from __future__ import annotations

import pytest

from tests.workflows.ai import speaking
from tests.workflows.outside.receiver import receiving


@pytest.fixture
def receiver(settings):
    with receiving() as found:
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        yield found


@pytest.fixture(params=["openai", "anthropic"])
def both(request, receiver, admin_user):
    """The kind of the default provider; tests that ask for it run once with each."""
    speaking.provider(receiver.url, admin_user, request.param, searches=True)
    return request.param


@pytest.fixture
def one(receiver, admin_user):
    """A default provider that speaks like OpenAI and does not search."""
    return speaking.provider(receiver.url, admin_user)
