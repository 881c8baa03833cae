"""Guessing passwords is slow, and tells nobody who exists."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config import signing_in
from crm.models import User
from records.api.throttling import Counter, counter

pytestmark = pytest.mark.django_db
RIGHT, WRONG = "correct horse battery", "wrong"
HERE, THERE = "203.0.113.9", "203.0.113.10"


@pytest.fixture(autouse=True)
def _one_long_window(monkeypatch: Any, settings: Any) -> Iterator[None]:
    """No window ends while a test counts, and nothing is left of other tests."""
    monkeypatch.setattr(signing_in, "WINDOW", 10**10)
    settings.SIGN_IN_FAILURES_PER_ACCOUNT, settings.SIGN_IN_FAILURES_PER_ADDRESS = 3, 5
    counter.count("sign-in:account:any")
    clear()
    yield
    clear()


def clear() -> None:
    assert counter.client is not None
    for key in counter.client.scan_iter("headrace:throttle:sign-in:*"):
        counter.client.delete(key)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password=RIGHT)


def sign_in(name: str, password: str, address: str = HERE) -> Any:
    data = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(reverse("admin:login"), data)


def test_after_some_wrong_passwords_an_account_has_to_wait_whoever_asks(boss: User) -> None:
    assert [sign_in("boss", WRONG, f"203.0.113.{i}").status_code for i in range(3)] == [200, 200, 200]
    refused = sign_in("boss", RIGHT, THERE)
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0
    assert "There were too many attempts to sign in. Try again in" in refused.content.decode()
    assert sign_in("BOSS ", RIGHT, THERE).status_code == 429, "other ways to write it are the same account"
    assert User.objects.create_superuser("other", password=RIGHT) and sign_in("other", RIGHT, THERE).status_code == 302


def test_a_limit_that_is_reached_is_logged_once_with_account_and_address(boss: User) -> None:
    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record)

    lines: list[logging.LogRecord] = []
    handler = Kept()
    signing_in.logger.addHandler(handler)
    for _ in range(7):
        sign_in("bo\nss", WRONG)
    signing_in.logger.removeHandler(handler)
    assert [vars(line)["limit_of"] for line in lines] == ["account", "address"]
    assert HERE in lines[0].getMessage() and "'bo\\nss'" in lines[0].getMessage()


def test_an_address_has_to_wait_after_some_more_whatever_the_accounts(boss: User) -> None:
    for number in range(5):
        assert sign_in(f"guess{number}", WRONG).status_code == 200
    assert sign_in("boss", RIGHT).status_code == 429
    assert sign_in("boss", RIGHT, THERE).status_code == 302


def test_nobody_learns_who_exists_nor_whether_the_late_guess_was_right(boss: User) -> None:
    def answers(name: str, *passwords: str) -> list[Any]:
        clear()
        found = [sign_in(name, password) for password in passwords]
        return [(one.status_code, one.context["form"].non_field_errors()) for one in found]

    tries = (WRONG,) * 4
    assert answers("boss", *tries) == answers("nobody", *tries)
    assert answers("boss", *tries)[3] == answers("boss", WRONG, WRONG, WRONG, RIGHT)[3]


def test_who_signs_in_has_not_guessed(boss: User) -> None:
    for _ in range(4):
        assert [sign_in("boss", WRONG).status_code, sign_in("boss", RIGHT, THERE).status_code] == [200, 302]
    for _ in range(6):
        assert sign_in("boss", RIGHT, THERE).status_code == 302
    assert sign_in("boss", WRONG).status_code == 200
    assert sign_in("boss", RIGHT).status_code == 429, "five were wrong from here"


def test_it_is_never_unlimited_also_without_redis(boss: User, monkeypatch: Any, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(signing_in, "counter", Counter())
    assert [sign_in("boss", WRONG).status_code for _ in range(4)] == [200, 200, 200, 429]
