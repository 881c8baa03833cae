"""What is said to the mail server, or to the mail service, about one delivery, and what its answer means."""

from __future__ import annotations

import hashlib
import logging
import smtplib

from anymail.message import AnymailMessage
from anymail.utils import UNSET
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.encoding import punycode

from workflows.failpoints import reach
from workflows.models import Delivery

logger = logging.getLogger(__name__)

#: What keeps a mail from being sent just now.
NOT_NOW = (OSError, smtplib.SMTPException)


class Refused(Exception):
    """The other side will never take this message; `bounced` where it is the address it does not know."""

    def __init__(self, sentence: str, *, bounced: bool = False) -> None:
        self.bounced = bounced
        super().__init__(sentence)


class Unclear(Exception):
    """The line broke when the message may have been taken."""


def send_mail(delivery: Delivery) -> None:
    """Hand the mail of a delivery over. Raises Refused, Unclear, or one of NOT_NOW if it may be tried again."""
    backend = get_connection()
    backend.open()
    reach("during_delivery")
    try:
        hand_over(message_of(delivery, backend))
    finally:
        close(backend)


def hand_over(message: AnymailMessage) -> None:
    try:
        message.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
        if permanent(error):
            bounced = isinstance(error, smtplib.SMTPRecipientsRefused)
            raise Refused(f"{type(error).__name__}: {error}", bounced=bounced) from error
        raise
    except (smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError) as error:
        raise Unclear(f"{type(error).__name__}: {error}") from error
    except ValueError as error:
        # A header with a line break, an address that is none.
        raise Refused(f"{type(error).__name__}: {error}") from error


def message_of(delivery: Delivery, backend: BaseEmailBackend) -> AnymailMessage:
    """The mail a request asks for: "to", "from", "subject" and "text".

    It may also have "html" (the same for mail programs that show it), "headers", "reply_to", and "metadata", which a
    mail service gives back with what it tells of the mail.
    """
    request = delivery.request
    message = AnymailMessage(
        subject=request["subject"],
        body=request["text"],
        from_email=request["from"],
        to=[request["to"]],
        reply_to=[request["reply_to"]] if request.get("reply_to") else None,
        headers={**request.get("headers", {}), "Message-ID": message_id(delivery)},
        connection=backend,
        metadata=request.get("metadata", UNSET),
    )
    if request.get("html"):
        message.attach_alternative(request["html"], "text/html")
    return message


def close(backend: BaseEmailBackend) -> None:
    try:
        backend.close()
    except (OSError, smtplib.SMTPException) as error:
        logger.info("The mail server did not say goodbye: %s", error)


def permanent(error: smtplib.SMTPException) -> bool:
    """5xx is final, 4xx may be tried again."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _reason in error.recipients.values()]
    else:
        codes = [getattr(error, "smtp_code", 0)]
    return bool(codes) and all(500 <= code < 600 for code in codes)


def message_id(delivery: Delivery) -> str:
    """The same for every attempt, so that a mail sent twice is shown once."""
    _name, _at, domain = str(delivery.request["from"]).rpartition("@")
    digest = hashlib.sha256(delivery.key.encode()).hexdigest()[:32]
    # A header takes international domains only as mail servers write them.
    return f"<{digest}@{punycode(domain.strip('> ')) or 'localhost'}>"
