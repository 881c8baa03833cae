"""Where requests come from: what is believed of X-Forwarded-For, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from records.api.addresses import NOBODY, Proxies, address_of, read_proxies
from records.api.throttling import counter

FORGED = "198.51.100.7"


def meta(told: str = "", peer: str = "127.0.0.1") -> dict[str, str]:
    return {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": told} if told else {})


@pytest.mark.parametrize(
    ("setting", "peer", "told", "found"),
    [
        ("", "203.0.113.9", "", "203.0.113.9"),
        ("", "203.0.113.9", FORGED, "203.0.113.9"),
        ("0", "127.0.0.1", FORGED, "127.0.0.1"),
        ("1", "10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("true", "10.0.0.2", f"{FORGED}, 203.0.113.9", "203.0.113.9"),
        ("2", "10.0.0.2", f"{FORGED}, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("2", "10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("1", "10.0.0.2", f"{FORGED}, rubbish", "10.0.0.2"),
        ("1", "10.0.0.2", "", "10.0.0.2"),
        ("1", "", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8, ::1", "10.0.0.2", f"{FORGED}, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("10.0.0.0/8, ::1", "::1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "203.0.113.9", FORGED, "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.2", f"{FORGED}, unknown, 10.0.0.1", "10.0.0.1"),
        ("10.0.0.0/8", "", FORGED, ""),
        ("", "::ffff:203.0.113.9", "", "203.0.113.9"),
        ("1", "10.0.0.2", "203.0.113.9:50123", "203.0.113.9"),
        ("1", "10.0.0.2", "[2001:db8:1:2:3::4]:443", "2001:db8:1:2::/64"),
        ("", "2001:db8:1:2:aaaa::1", "", "2001:db8:1:2::/64"),
    ],
)
def test_an_address_is_believed_as_far_as_proxies_of_ours_have_written_it(
    settings: Any, setting: str, peer: str, told: str, found: str
) -> None:
    settings.TRUST_PROXY = read_proxies(setting)
    assert address_of(meta(told, peer)) == found


@pytest.mark.parametrize("setting", ["-1", "11", "10.0.0.0/99", "proxy.example.com", "10.0.0.1, nonsense", "1, 2"])
def test_a_setting_that_cannot_be_read_is_refused_by_its_name(setting: str) -> None:
    with pytest.raises(ValueError, match="TRUST_PROXY"):
        read_proxies(setting)


def test_nothing_set_is_nobody_trusted() -> None:
    assert read_proxies("") == read_proxies("no") == NOBODY and not NOBODY
    assert read_proxies("yes") == Proxies(hops=1)


@pytest.mark.django_db
def test_who_guesses_webhooks_behind_a_proxy_does_not_lock_out_others(client: Client, settings: Any) -> None:
    settings.TRUST_PROXY, settings.API_FAILURES_PER_10_S = read_proxies("1"), 2
    guesser, other = {"x-forwarded-for": "203.0.113.201"}, {"x-forwarded-for": "203.0.113.202"}
    for path in ("/hooks/guessed/", "/api/v1/contacts/"):
        forget("failures:203.0.113.202")
        answers = [client.post(path, "{}", "application/json", headers=guesser).status_code for _ in range(7)]
        assert 429 in answers, "the next ten seconds may begin between two of them"
        assert client.post(path, "{}", "application/json", headers=other).status_code in (401, 404)


@pytest.mark.django_db
def test_a_forged_header_does_not_make_a_new_sender_where_nobody_is_trusted(client: Client, settings: Any) -> None:
    settings.API_FAILURES_PER_10_S = 2
    answers = [
        client.post("/hooks/guessed/", headers={"x-forwarded-for": f"203.0.113.{i}"}, REMOTE_ADDR="192.0.2.55")
        for i in range(7)
    ]
    assert 429 in [answer.status_code for answer in answers]


def forget(key: str) -> None:
    """Counts of the running ten seconds, which other tests may have begun."""
    counter.count(key)
    assert counter.client is not None
    for name in counter.client.scan_iter(f"headrace:throttle:{key}:*"):
        counter.client.delete(name)
