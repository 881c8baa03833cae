"""What tests of the history share."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.models import User


@pytest.fixture
def ann(client: Client, db: None) -> User:
    """An administrator, signed in."""
    user = User.objects.create_superuser("ann", password="pw")
    client.force_login(user)
    return user
