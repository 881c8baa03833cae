"""Mails leave once: sent, tried again later, given up, or put before a person when nobody can know."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
import socketserver
import threading
import uuid

import pytest
from django.core import mail

from crm.models import Contact, User
from records.clock import database_now
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import Delivery
from workflows.outbox import delivering, mailing
from workflows.outbox.delivering import deliver

pytestmark = pytest.mark.django_db


def waiting(count=1, **values):
    return Delivery.objects.bulk_create(
        Delivery(
            key=f"{i}:mail:0:1", kind="mail", due_at=NOW, created_at=NOW,
            request={"to": f"u{i}@example.com", "from": "Headrace <crm@example.com>", "subject": "S", "text": "T"},
            **values,
        )
        for i in range(count)
    )  # fmt: skip


@pytest.mark.covers("COM-09")
def test_a_step_writes_one_delivery_per_recipient_and_each_is_sent_once():
    _amy, ben = (User.objects.create(username=n, email=f"{n}@example.com") for n in ("amy", "ben"))
    User.objects.create(username="cy")
    contact = Contact.objects.create(email="x@example.com", first_name="Xi\nBcc: evil@example.com", owner=ben)
    params = {
        "to": ["owner", "amy", "cy"],
        "subject": "On {{ contact.first_name }}",
        "body": "Hello\n{{ owner.email }}",
    }
    enroll(make_workflow([step("mail", "send_internal_email", **params)]), [contact.pk])
    run_due(NOW)
    assert deliver(NOW) == 2 and deliver(NOW) == 0
    assert sorted(message.to[0] for message in mail.outbox) == ["amy@example.com", "ben@example.com"]
    assert {message.subject for message in mail.outbox} == {"On Xi Bcc: evil@example.com"}
    assert mail.outbox[0].body == "Hello\nben@example.com"
    ids = {message.extra_headers["Message-ID"] for message in mail.outbox}
    assert len(ids) == 2 and all(found.endswith("@localhost>") for found in ids)
    assert set(Delivery.objects.values_list("state", "done_at")) == {("done", NOW)}


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks just enough SMTP; `script` says what it answers to a command, or "hang up"."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, **script):
        super().__init__(("127.0.0.1", 0), Session)
        self.script, self.received = script, []


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 hello")
        for line in self.rfile:
            word = line.split()[0].decode().upper()[:4]
            answer = self.server.script.get(word)
            if answer == "hang up":
                return
            if word == "DATA" and not answer:
                self.say("354 go on")
                text = b""
                while not text.endswith(b"\r\n.\r\n"):
                    text += self.rfile.readline()
                self.server.received.append(text)
                answer = self.server.script.get("END")
                if answer == "hang up":
                    return
            self.say(answer or "250 fine")
            if word == "QUIT":
                return

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail_server(settings):
    servers = []

    def start(**script):
        server = MailServer(**script)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_TIMEOUT = 2
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ({}, "done"),
        ({"RCPT": "550 nobody here"}, "dead"),
        ({"RCPT": "451 later please"}, "pending"),
        ({"END": "554 no"}, "dead"),
        ({"END": "421 closing"}, "pending"),
        ({"END": "hang up"}, "uncertain"),
    ],
)
def test_each_answer_of_a_mail_server_has_its_end(mail_server, script, state):
    server = mail_server(**script)
    [delivery] = waiting()
    deliver(NOW)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (state, 1)
    assert bool(delivery.last_error) == (state != "done")
    assert deliver(NOW) == 0
    if state == "pending":
        assert NOW + dt.timedelta(seconds=4) < delivery.due_at < NOW + dt.timedelta(seconds=6)
    if state == "done":
        assert mailing.message_id(delivery).encode() in server.received[0]


def test_a_server_that_is_away_is_tried_for_a_day_and_then_given_up(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    [delivery] = waiting()
    now, attempts = NOW, 0
    while delivery.state != "dead":
        assert deliver(now) == 1
        attempts += 1
        delivery.refresh_from_db()
        now = delivery.due_at
    assert attempts == len(delivering.BACKOFF) + 1
    assert now - NOW > dt.timedelta(hours=24)


def test_a_mail_whose_sender_died_on_the_way_is_never_sent_blindly():
    waiting(state="sending", claimed_until=NOW - dt.timedelta(days=900))
    assert delivering.recover() == 1
    assert deliver(NOW) == 0 and mail.outbox == []
    [delivery] = Delivery.objects.all()
    assert delivery.state == "uncertain" and "Check" in delivery.last_error


def test_of_what_a_dead_sender_had_claimed_only_the_mail_it_had_begun_is_uncertain():
    waiting(3)
    now, token = database_now(), uuid.uuid4()
    Delivery.objects.update(due_at=now)
    assert delivering.claim(token, now, 20) == 3
    assert delivering.begin(Delivery.objects.order_by("pk").first())
    assert deliver(now) == 0, "what somebody has claimed is not taken by others"
    Delivery.objects.filter(state="sending").update(claimed_until=now)
    assert delivering.recover() == 1
    assert deliver(now + delivering.HELD + dt.timedelta(seconds=1)) == 2, "nor do they wait for it to be given up"
    assert sorted(message.to[0] for message in mail.outbox) == ["u1@example.com", "u2@example.com"]
    assert list(Delivery.objects.order_by("pk").values_list("state", "attempts")) == [
        ("uncertain", 1), ("done", 1), ("done", 1),
    ]  # fmt: skip


def test_a_slow_mail_server_keeps_a_round_short_and_leaves_the_rest_to_others(monkeypatch):
    monkeypatch.setattr(delivering, "ROUND_SECONDS", -1.0)
    waiting(3)
    assert deliver(NOW) == 1
    assert list(Delivery.objects.order_by("pk").values_list("state", "claim", "due_at"))[1:] == [
        ("pending", None, NOW), ("pending", None, NOW),
    ]  # fmt: skip
    assert deliver(NOW) == deliver(NOW) == 1
    assert deliver(NOW) == 0 and len(mail.outbox) == 3


def test_a_mail_server_that_says_nothing_is_asked_again_later(settings):
    assert 0 < settings.EMAIL_TIMEOUT < delivering.HELD.total_seconds() * 3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        [delivery] = waiting()
        assert deliver(NOW) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("pending", 1)


def test_a_sender_that_has_lost_its_claim_does_not_begin():
    waiting(1)
    now = database_now()
    Delivery.objects.update(due_at=now)
    delivering.claim(uuid.uuid4(), now, 20)
    [late] = Delivery.objects.all()
    Delivery.objects.update(claim=uuid.uuid4())
    assert not delivering.begin(late)


def test_a_server_that_refuses_for_good_is_told_from_one_that_asks_to_come_back():
    assert mailing.permanent(smtplib.SMTPDataError(554, b"no"))
    assert not mailing.permanent(smtplib.SMTPDataError(451, b"later"))
