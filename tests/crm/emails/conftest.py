"""People who get emails, an email, and a mail server that really takes them."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from crm.models import Contact, EmailTemplate, SubscriptionType

BODY = (
    '<h1>Hello {{ contact.first_name | default: "you" }}</h1>'
    "<p>Bread &amp; butter from <strong>{{ contact.city }}</strong>.</p><ul><li>One</li><li>Two</li></ul>"
    '<p><a class="button" href="https://www.example.com/offer?city={{ contact.city }}">See it</a></p>'
)


class Postbox:
    """Takes mail as a server does; `refuses` has the addresses nobody lives at."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.refuses: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuses:
            return "550 nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append((envelope.rcpt_tos, message))
        return "250 taken"

    def to(self, address: str) -> EmailMessage:
        [message] = [message for to, message in self.taken if to == [address]]
        return message


class Server(Controller):
    """On a port the system chooses, to which it then knocks itself."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    box = Postbox()
    server = Server(box, hostname="127.0.0.1", port=0, ready_timeout=60)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.hostname, server.port
    yield box
    server.stop()


@pytest.fixture
def news(db: None) -> SubscriptionType:
    SubscriptionType.objects.all().delete()
    return SubscriptionType.objects.create(slug="news", name="News")


@pytest.fixture
def welcome(news: SubscriptionType) -> EmailTemplate:
    return EmailTemplate.objects.create(
        slug="welcome", name="Welcome", subject="Good news, {{ contact.first_name }}",
        preview_text="For {{ contact.city }}",
        from_name="Åsa’s bakery", from_address="shop@example.com", reply_to="answers@example.com", type=news,
        body=BODY, footer="Bakery, 1 Mill Lane",
    )  # fmt: skip


def contact(name: str, **facts: Any) -> Contact:
    facts = {"email": f"{name.lower()}@example.com", "first_name": name, "marketing_status": "marketing", **facts}
    return Contact.objects.create(**facts)
