"""Tokens: made once, shown once, and good for no more than their scopes and their owner's permissions."""

from __future__ import annotations

import datetime as dt
import hashlib
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import User
from records.api import tokens
from records.clock import database_now
from records.models import ApiToken, Scope
from tests.api.conftest import ApiClient, client_of, person


def test_the_command_prints_a_token_that_works(boss: User) -> None:
    out, err = StringIO(), StringIO()
    call_command("api_token", "boss", "--scopes", "records:read,history:read", "--days", "7", stdout=out, stderr=err)
    secret = out.getvalue().strip()
    assert len(secret) == len("hrk_") + 8 + 43
    assert ApiClient(secret).send("GET", "contacts/").status_code == 200
    token = ApiToken.objects.get()
    assert token.scopes == ["records:read", "history:read"]
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert dt.timedelta(days=6) < token.expires_at - database_now() <= dt.timedelta(days=7)
    assert secret not in err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody"], "There is no user “nobody”"),
        (["boss", "--scopes", "root"], "There is no scope “root”"),
        (["boss", "--days", "0"], "1 to 3660 days"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(boss: User, arguments: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("api_token", *arguments)
    assert not ApiToken.objects.exists()


def refused(secret: str) -> str:
    reply = ApiClient(secret).send("GET", "contacts/")
    assert reply.status_code == 401
    assert reply["WWW-Authenticate"] == 'Bearer realm="api"'
    assert reply["Content-Type"].startswith("application/problem+json")
    assert reply.document["type"] == "urn:headrace:problem:not_authenticated"
    return reply.document["detail"]


def test_expired_revoked_and_mangled_tokens_are_refused_alike(boss: User) -> None:
    now = database_now()
    _token, good = tokens.issue(boss, None, now=now)
    _old, expired = tokens.issue(boss, None, now=now - dt.timedelta(days=91))
    gone, revoked = tokens.issue(boss, None, now=now)
    tokens.revoke(ApiToken.objects.filter(pk=gone.pk), now)
    answers = {refused(secret) for secret in (expired, revoked, good[:-1], good[:-1] + "!", good[:12], f"{good}x")}
    assert len(answers) == 1
    boss.is_active = False
    boss.save()
    assert refused(good) in answers


def test_other_ways_to_send_a_token_are_refused(boss: User) -> None:
    _token, secret = tokens.issue(boss, None, now=database_now())
    for path in (f"contacts/?token={secret}", f"contacts/?access_token={secret}"):
        assert ApiClient().send("GET", path).status_code == 401
    basic = ApiClient().send("GET", "contacts/", Authorization=f"Basic {secret}")
    assert basic.status_code == 401
    client = ApiClient()
    client.force_login(boss)
    assert client.send("GET", "contacts/").status_code == 401


def test_the_use_of_a_token_is_noted_once_a_minute(api: ApiClient) -> None:
    api.send("GET", "contacts/")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    with CaptureQueriesContext(connection) as queries:
        api.send("GET", "contacts/")
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    assert ApiToken.objects.get().last_used_at == first


def test_too_many_requests_are_told_to_wait(api: ApiClient, settings: Any) -> None:
    settings.API_REQUESTS_PER_10_S = 3
    statuses = [api.send("GET", "object-types/").status_code for _each in range(9)]
    assert 429 in statuses
    reply = next(r for r in (api.send("GET", "object-types/") for _each in range(9)) if r.status_code == 429)
    assert 1 <= int(reply["Retry-After"]) <= 10
    assert reply.document["type"] == "urn:headrace:problem:throttled"


def test_guessing_tokens_is_slow(db: None, settings: Any) -> None:
    settings.API_FAILURES_PER_10_S = 3
    guesses = [ApiClient(f"hrk_{n:051d}").send("GET", "contacts/").status_code for n in range(9)]
    assert guesses[-1] == 429 or guesses[-5] == 429


def test_limits_hold_in_one_process_while_redis_is_away(api: ApiClient, settings: Any, monkeypatch: Any) -> None:
    from records.api import throttling

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.API_REQUESTS_PER_10_S = 3
    monkeypatch.setattr(throttling, "counter", throttling.Counter())
    statuses = [api.send("GET", "object-types/").status_code for _each in range(9)]
    assert statuses[0] == 200
    assert 429 in statuses


@pytest.mark.parametrize("scope", Scope.values)
def test_a_token_with_another_scope_may_not_read_records(boss: User, scope: str) -> None:
    reply = client_of(boss, scope).send("GET", "contacts/")
    assert reply.status_code == (200 if scope == "records:read" else 403)
    if scope != "records:read":
        assert "lacks the scope “records:read”" in reply.document["detail"]


def test_what_the_owner_may_no_longer_do_the_token_may_not_either(db: None) -> None:
    viewer = client_of(person("viewer", "crm.view_contact"))
    assert viewer.send("GET", "contacts/").status_code == 200
    refusal = viewer.send("POST", "contacts/", {"properties": {"email": "a@b.se"}})
    assert refusal.status_code == 403
    assert "lacks the permission “crm.add_contact”" in refusal.document["detail"]
    User.objects.get(username="viewer").user_permissions.clear()
    assert viewer.send("GET", "contacts/").status_code == 403
