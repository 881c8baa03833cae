"""API tokens in the admin: one's own, shown once, revoked."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from crm.models import User
from records.api import tokens
from records.clock import database_now
from records.models import ApiToken
from tests.api.conftest import ApiClient, person

LIST = "/admin/records/apitoken/"


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ann(db: None) -> User:
    rights = ("records.view_apitoken", "records.add_apitoken", "crm.view_contact")
    return person("ann", *rights, is_staff=True)


def test_a_token_is_shown_once_and_works(ann: User) -> None:
    client = browser_of(ann)
    page = client.post(f"{LIST}add/", {"name": "Script", "scopes": ["records:read"], "days": 30})
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    secret = re.search(r"hrk_[\w-]{51}", page.content.decode())
    assert secret is not None
    assert ApiClient(secret[0]).send("GET", "contacts/").status_code == 200
    token = ApiToken.objects.get()
    assert (token.user, token.name, token.scopes) == (ann, "Script", ["records:read"])
    for path in (LIST, f"{LIST}{token.pk}/change/"):
        shown = client.get(path)
        assert shown.status_code == 200
        assert secret[0] not in shown.content.decode()


def test_a_form_without_scopes_makes_no_token(ann: User) -> None:
    page = browser_of(ann).post(f"{LIST}add/", {"name": "Script", "days": 30})
    assert page.status_code == 200
    assert not ApiToken.objects.exists()


def test_one_sees_and_revokes_only_ones_own(ann: User) -> None:
    mine, secret = tokens.issue(ann, None, now=database_now())
    other, _secret = tokens.issue(person("bob"), None, now=database_now())
    client = browser_of(ann)
    assert str(other) not in client.get(LIST).content.decode()
    client.post(LIST, {"action": "revoke", "_selected_action": [mine.pk, other.pk]})
    other.refresh_from_db()
    assert other.revoked_at is None
    assert ApiClient(secret).send("GET", "contacts/").status_code == 401


def test_a_super_admin_revokes_everybodys(boss: User) -> None:
    token, secret = tokens.issue(person("bob"), None, now=database_now())
    browser_of(boss).post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    assert ApiClient(secret).send("GET", "contacts/").status_code == 401
