"""A client with a token, and people with different rights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from crm.models import User
from records.api.tokens import issue
from records.clock import database_now
from records.models import Scope

JSON = "application/json"
SCOPES = tuple(Scope.values)


class ApiClient(Client):
    """Django's client, sending JSON with a token; replies are read as JSON."""

    def __init__(self, secret: str = "") -> None:
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        super().__init__(headers=headers)

    def send(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        """The reply of a route below /api/v1/; its `.document` is what it says."""
        facts: dict[str, Any] = {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}
        if document is not None:
            facts |= {"data": document if isinstance(document, bytes) else json.dumps(document), "content_type": JSON}
        reply = self.generic(method, path if path.startswith("http") else f"/api/v1/{path}", **facts)
        reply.document = json.loads(reply.content) if reply.content else None
        return reply


def person(username: str, *permissions: str, **facts: Any) -> User:
    """A user with these permissions ("app.code")."""
    user = User.objects.create_user(username, **facts)
    for name in permissions:
        app, code = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=code))
    return user


def client_of(user: User, *scopes: str) -> ApiClient:
    _token, secret = issue(user, scopes or SCOPES, now=database_now())
    return ApiClient(secret)


@pytest.fixture(autouse=True)
def patient_throttles(settings: Any) -> None:
    settings.API_REQUESTS_PER_10_S = 100_000
    settings.API_FAILURES_PER_10_S = 100_000


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss")


@pytest.fixture
def api(boss: User) -> ApiClient:
    """The API in the name of somebody who may do everything."""
    return client_of(boss)
