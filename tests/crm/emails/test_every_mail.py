"""Mails of every kind, at a mail server that really takes them: headers, whom they reach, and the way out of them.

What is in a marketing email itself test_sending looks at.
"""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from crm.models import Contact, EmailTemplate, Sequence, Subscription, SubscriptionType, Survey, User
from crm.sequences import moving
from crm.sequences.enrolling import Sending
from crm.sequences.enrolling import enroll as put_in
from tests.crm.emails.conftest import Postbox
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.discussion import threads
from workflows.engine.taking_steps import run_due
from workflows.models import Delivery
from workflows.outbox import mails
from workflows.outbox.delivering import deliver

pytestmark = pytest.mark.django_db
#: A name that would be a header of its own, were it written as it is.
NAME = "Ann\r\nBcc: evil@example.com\r\n\r\n<script>"
ONE_OF_EACH = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
#: To contacts, and to people who work here.
TO_CONTACTS, TO_COLLEAGUES = ("email", "survey", "sequence"), ("copy", "internal", "comment")


@pytest.fixture
def amy(db: None) -> User:
    return User.objects.create_superuser("amy", "amy@ours.example", "x", first_name="Amy", last_name="Field")


@pytest.fixture
def ann(amy: User) -> Contact:
    return Contact.objects.create(
        email="ann@example.com", first_name=NAME, marketing_status="marketing", owner=amy, city="Malmö"
    )


def walk(ann: Contact, one: dict[str, Any]) -> None:
    enroll(make_workflow([one]), [ann.pk])
    run_due(NOW)


def email(ann: Contact, amy: User) -> None:
    walk(ann, step("s", "send_email", email="welcome"))


def copy(ann: Contact, amy: User) -> None:
    walk(ann, step("s", "send_internal_marketing_email", email="welcome", addresses="amy@ours.example"))


def internal(ann: Contact, amy: User) -> None:
    subject = "About {{ contact.first_name }} of {{ contact.city }}"
    walk(ann, step("s", "send_internal_email", to=["owner"], subject=subject, body="Hi {{ contact.first_name }}"))


def survey(ann: Contact, amy: User) -> None:
    care = SubscriptionType.objects.create(slug="care", name="Care", purpose="service")
    made = Survey.objects.create(
        slug="after", name="After", type=care, subject="How was it, {{ contact.first_name }}?",
        message="Hej {{ contact.first_name }}",
    )  # fmt: skip
    made.questions.create(kind="text", text="Why?", position=1)
    walk(ann, step("s", "send_survey", survey="after"))


def sequence(ann: Contact, amy: User) -> None:
    kind = SubscriptionType.objects.create(slug="direct", name="Direct")
    made = Sequence.objects.create(slug="hello", name="Hello", subscription=kind)
    made.steps.create(
        position=0, kind="email", subject="Hello {{ contact.first_name }}", body="I am {{ sender.first_name }}."
    )
    # A Wednesday: on weekends sequences rest.
    wednesday = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)
    put_in(made, {ann.pk: Sending(amy, "")}, now=wednesday)
    moving.work(wednesday)


def comment(ann: Contact, amy: User) -> None:
    cid = User.objects.create_superuser("cid", "cid@ours.example", "x", first_name="C\r\nBcc: x@example.com")
    workflow = make_workflow([step("s", "end")])
    threads.begin(workflow, "s", "Look at this, @amy", user=cid, now=NOW)


SENDING = {
    "email": email, "copy": copy, "internal": internal, "survey": survey, "sequence": sequence, "comment": comment,
}  # fmt: skip


def received(name: str, postbox: Postbox, ann: Contact, amy: User) -> EmailMessage:
    SENDING[name](ann, amy)
    while deliver(NOW + dt.timedelta(days=3)):
        pass
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    [(to, message)] = postbox.taken
    assert to == [message["To"].addresses[0].addr_spec] and len(message["To"].addresses) == 1
    return message


def test_every_kind_of_mail_is_sent_here() -> None:
    assert set(mails.kinds) == {"mail", "email", "survey", "sequence"}
    assert {*TO_CONTACTS, *TO_COLLEAGUES} == set(SENDING)


@pytest.mark.covers("COM-03", "COM-09", "COM-10", "COM-11", "EDT-03")
@pytest.mark.parametrize("name", SENDING)
def test_its_headers_are_those_of_a_mail_and_none_comes_from_a_value(
    name: str, postbox: Postbox, welcome: EmailTemplate, ann: Contact, amy: User
) -> None:
    message = received(name, postbox, ann, amy)
    assert {header: len(message.get_all(header, [])) for header in ONE_OF_EACH} == dict.fromkeys(ONE_OF_EACH, 1)
    assert message["Cc"] is None and message["Bcc"] is None
    assert message["To"].addresses[0].addr_spec == ("ann@example.com" if name in TO_CONTACTS else "amy@ours.example")
    assert not message.defects and "\n" not in message["Subject"] + message["From"]
    if name != "comment":
        assert "Ann Bcc: evil@example.com" in message["Subject"], "it is a text in the one line of the subject"
    assert message["Message-ID"].startswith("<") and parsedate_to_datetime(message["Date"]) is not None
    assert message["Reply-To"] == ("answers@example.com" if name in ("email", "copy") else None)
    html = message.get_body(("html",))
    assert "<script" not in (html.get_content() if html else "")


@pytest.mark.parametrize("name", TO_CONTACTS)
def test_a_contact_leaves_by_one_click_of_the_mail_program_and_by_the_link_in_the_text(
    name: str, postbox: Postbox, welcome: EmailTemplate, ann: Contact, amy: User, client: Any
) -> None:
    message = received(name, postbox, ann, amy)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message["List-Unsubscribe"].strip(" <>")
    assert urlsplit(address).scheme == "https"
    plain = message.get_body(("plain",)).get_content()
    assert address in plain.replace("\r\n", "\n"), "who reads the text only finds it there"
    path = urlsplit(address).path
    assert client.get(path).status_code == 200
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Subscription.objects.filter(contact=ann, status="unsubscribed").exists()


@pytest.mark.parametrize("name", TO_COLLEAGUES)
def test_a_mail_to_colleagues_has_no_way_out_of_a_contacts_subscription(
    name: str, postbox: Postbox, welcome: EmailTemplate, ann: Contact, amy: User
) -> None:
    message = received(name, postbox, ann, amy)
    assert message["List-Unsubscribe"] is None and message["List-Unsubscribe-Post"] is None
    assert "/preferences/" not in message.as_string()
