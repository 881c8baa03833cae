"""Requests that claim odd things about themselves, as gunicorn hands them over: nothing breaks."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.core import signals
from django.db import close_old_connections
from django.test import Client, RequestFactory

from config.receiving import Request, is_for_texts, readable
from config.wsgi import application
from crm.models import Contact
from records.api.addresses import read_proxies
from tests.crm.forms.conftest import make_form
from tests.workflows.webhooks.sending import address_of, webhook_of
from workflows.models import Webhook

pytestmark = pytest.mark.django_db

WHO = ((b"email", b"ann@example.com"), (b"first_name", b"Ann"))
PART = b'--x\r\nContent-Disposition: form-data; name="email"%s\r\n\r\nann@example.com\r\n--x--\r\n'
CODECS = (
    "hex",
    "base64",
    "zip",
    "rot13",
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "utf-7",
    "utf-16",
    "x" * 900,
)
CLAIMS = [
    *(f"multipart/form-data; boundary=x; charset={name}" for name in CODECS),
    *(f"application/x-www-form-urlencoded; charset={name}" for name in CODECS),
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\xff",
    "multipart/form-data; boundary=" + "y" * 300, "multipart/form-data; boundary*=hex''78",
    "multipart/form-data; boundary=x; charset*=bogus''x", "multipart/form-data; boundary=x; charset*0=he; charset*1=x",
    'multipart/form-data; boundary=x; charset="he;x"', "text/plain; charset*=bogus''x", "text/plain; charset=\x00",
    "application/json; charset=hex", "application/json; charset*=bogus''x", ";;;", "; charset=hex", "\xff\xfe", "",
]  # fmt: skip
BODIES = [
    PART % b"", PART % b"; filename*=bogus''x", PART % b'; filename="\xff\x00"',
    PART % b"\r\nContent-Transfer-Encoding: base64",
    b"--x\r\n\r\n", b"--x", b"email=%ff%00&email=a", b"\xff\xfe\x00", b'{"email": 1e999}', b"[" * 2_000, b"",
]  # fmt: skip


def send(path: str, content_type: str, body: bytes, **more: Any) -> int:
    """The status of an answer by the application itself: Django's client for tests builds requests of its own."""
    environ = RequestFactory().generic("POST", path, body, content_type="text/plain", **more).environ
    environ["CONTENT_TYPE"], environ["wsgi.input"] = content_type, io.BytesIO(body)
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    told: list[str] = []
    # A finished request lets its connection go, which is the test's.
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)
    try:
        with contextlib.closing(application(environ, lambda status, headers: told.append(status))) as answer:
            b"".join(answer)
    finally:
        signals.request_started.connect(close_old_connections)
        signals.request_finished.connect(close_old_connections)
    return int(told[0].split()[0])


@pytest.fixture
def places(settings: Any) -> Iterator[list[str]]:
    """Every address that takes a POST without a login."""
    settings.TRACKING_REQUEST_LIMIT = settings.FORM_SUBMISSIONS_PER_10_S = 10**9
    settings.API_FAILURES_PER_10_S = 10**9
    form = make_form()
    hook: Webhook = webhook_of()
    yield [
        f"/forms/{form.token}/", f"/forms/{form.token}/touched/", address_of(hook), "/hooks/none/",
        "/tracking/collect/",
        "/preferences/none/", "/anymail/mailgun/tracking/", "/admin/login/", "/api/v1/contacts/",
    ]  # fmt: skip


def test_whatever_a_request_says_of_its_body_no_public_address_breaks(places: list[str]) -> None:
    broken = [
        (path, claim[:60], body[:40])
        for path in places
        for claim in (CLAIMS if path.startswith(("/forms/", "/admin/")) else CLAIMS[:3] + CLAIMS[-9:])
        for body in (BODIES if "forms" in path and claim in CLAIMS[:2] else BODIES[:1])
        if send(path, claim, body) >= 500
    ]
    assert broken == []


@pytest.mark.parametrize("length", ["", "abc", "-1", "\u00b2", "9" * 30, "1e3"])
def test_a_length_that_is_none_breaks_nothing(places: list[str], length: str) -> None:
    assert [path for path in places if send(path, "text/plain", b"x", CONTENT_LENGTH=length) >= 500] == []


def test_who_has_not_signed_in_sends_no_more_than_fits_in_memory(client: Client, admin_client: Client) -> None:
    huge = {"content_type": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(10**10)}
    assert client.post("/admin/login/", b"", **huge).status_code == 413
    assert admin_client.post("/admin/crm/contact/", b"", **huge).status_code != 413


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_which_a_part_did_not_come_is_not_taken(places: list[str], content_type: str) -> None:
    plain = b"email=ann%40example.com&first_name=Ann"
    parts = [b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % pair for pair in WHO]
    body = b"".join([*parts, b"--x--\r\n"]) if "boundary" in content_type else plain
    assert send(places[0], content_type, body, CONTENT_LENGTH=str(len(body) + 7)) == 400
    assert send(places[2], "application/x-www-form-urlencoded", plain, CONTENT_LENGTH=str(len(plain) + 7)) == 400
    assert not Contact.objects.exists()
    assert send(places[0], content_type, body) == 303


def test_addresses_with_bad_bytes_break_nothing(places: list[str]) -> None:
    for tail in ("%00", "%ff", "%ff%00/", "%F0%9F%92%A9", "..%2f..", "%0d%0aX: y", "a" * 3_000):
        for start in ("forms", "hooks", "preferences", "t", "anymail"):
            assert send(f"/{start}/{tail}", "application/json; charset=hex", b"{}") < 500, (start, tail)


def test_an_encoding_of_texts_is_left_as_it_is() -> None:
    for name in ("utf-8", "UTF8", "iso-8859-1", "windows-1252", "shift_jis", "koi8-r", "us-ascii"):
        assert is_for_texts(name), name
        assert readable(f"text/plain; charset={name}") == f"text/plain; charset={name}"
    assert readable('multipart/form-data; charset=hex; boundary="x"') == 'multipart/form-data; boundary="x"'


def test_what_others_than_our_proxies_say_of_a_request_is_forgotten(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUST_PROXY = read_proxies("10.0.0.0/8")
    forwarded = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    for peer, secure in (("10.0.0.1", True), ("192.0.2.1", False)):
        environ = RequestFactory().get("/", headers=forwarded, REMOTE_ADDR=peer).environ
        request = Request(environ)
        assert (request.is_secure(), "X-Forwarded-For" in request.headers) == (secure, secure)


def test_static_files_are_there_for_whoever_asks_first_and_second() -> None:
    """The tests look for them once in a process, and every client has all of them."""
    for visitor in (Client(), Client()):
        answer = visitor.get("/static/headrace/shell.js")
        assert (answer.status_code, answer["Cache-Control"]) == (200, "max-age=60, public")
        assert b"Command palette" in b"".join(answer)
        answer.close()
