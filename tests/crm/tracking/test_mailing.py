"""What mail services tell of emails, as they really post it."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from anymail.inbound import AnymailInboundMessage
from anymail.signals import AnymailInboundEvent, inbound

from crm.models import Contact, Hit, MarketingEmail, Subscription, SubscriptionType
from crm.tracking.recording import record_hits
from records.clock import database_now
from records.models import Event

pytestmark = pytest.mark.django_db
AT = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
SECRET = "mail:correct horse"
AUTHORIZED = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


@pytest.fixture
def ann(db):
    return Contact.objects.create(email="ann@example.com")


def postmark(client: Any, record: str, message: str = "m-1", headers: Any = AUTHORIZED, **facts: Any) -> int:
    sent = {
        "RecordType": record, "MessageID": message, "Recipient": "Ann@Example.com", "Tag": "",
        "Metadata": {"email": "May", "subject": "News in May", "kind": "automated"}, **facts,
    }  # fmt: skip
    answer = client.post(
        "/anymail/postmark/tracking/", json.dumps(sent), content_type="application/json", headers=headers
    )
    record_hits(database_now())
    return int(answer.status_code)


def told() -> list[str]:
    return list(Event.objects.order_by("id").values_list("event", flat=True))


@pytest.mark.covers("EVT-07", "EVT-08", "EVT-09", "EVT-10")
def test_sent_delivered_opened_and_clicked_are_told_once_each(client, ann):
    for _again in range(2):
        assert postmark(client, "Delivery", DeliveredAt=AT) == 200
        assert postmark(client, "Open", ReceivedAt=AT) == 200
        assert postmark(client, "Click", ReceivedAt=AT, OriginalLink="https://example.com/a") == 200
    assert sorted(told()) == ["email_clicked", "email_delivered", "email_opened", "email_sent"]
    facts = Event.objects.get(event="email_clicked").properties
    assert facts == {"email": "May", "subject": "News in May", "kind": "automated", "link": "https://example.com/a"}
    assert MarketingEmail.objects.get().name == "May"


@pytest.mark.covers("CPL-20")
def test_an_email_the_privacy_proxy_of_a_mail_program_opens_is_told_as_opened_by_a_machine(client, ann):
    assert postmark(client, "Open", ReceivedAt=AT, UserAgent="Mozilla/5.0") == 200
    assert postmark(client, "Open", "m-2", ReceivedAt=AT, UserAgent="Mozilla/5.0 (Macintosh) AppleWebKit/605.1") == 200
    opened = Event.objects.filter(event="email_opened").order_by("id").values_list("properties", flat=True)
    assert [facts.get("by_machine") for facts in opened] == [True, None]


@pytest.mark.covers("EVT-12")
def test_a_bounce_says_whether_it_lasts_and_why(client, ann):
    facts = {"Email": "ann@example.com", "BouncedAt": AT, "ID": 42, "Details": "no such mailbox"}
    postmark(client, "Bounce", Type="HardBounce", TypeCode=1, **facts)
    bounce = Event.objects.get(event="email_bounced").properties
    assert bounce["bounce"] == "hard" and "mailbox" in bounce["reason"]


def test_who_complains_gets_no_more_marketing_mail(client, ann):
    SubscriptionType.objects.all().delete()
    SubscriptionType.objects.create(slug="news", name="News")
    facts = {"Email": "ann@example.com", "BouncedAt": AT, "ID": 43, "TypeCode": 512}
    postmark(client, "SpamComplaint", Type="SpamComplaint", **facts)
    assert "email_marked_as_spam" in told()
    assert Subscription.objects.get().status == "unsubscribed"


@pytest.mark.covers("EVT-11")
def test_a_reply_is_told_of_the_email_it_answers(client, ann):
    postmark(client, "Delivery", message="abc@mail.example", DeliveredAt=AT)
    answers = [("Re: anything", "<abc@mail.example>"), ("Re: News in May", ""), ("Hello", "")]
    for number, (subject, answered) in enumerate(answers):
        sent = {
            "From": "ann@example.com", "FromFull": {"Email": "ann@example.com", "Name": "", "MailboxHash": ""},
            "To": "us@example.com", "ToFull": [{"Email": "us@example.com", "Name": "", "MailboxHash": ""}],
            "Subject": subject, "TextBody": "Yes", "MessageID": f"in-{number}", "Date": "",
            "Headers": [{"Name": "Message-ID", "Value": f"<r{number}@x>"}, {"Name": "In-Reply-To", "Value": answered}],
            "Attachments": [],
        }  # fmt: skip
        for _again in range(2):
            answer = client.post(
                "/anymail/postmark/inbound/", json.dumps(sent), content_type="application/json", headers=AUTHORIZED
            )
            assert answer.status_code == 200
    record_hits(database_now())
    replies = Event.objects.filter(event="email_replied").values_list("properties", flat=True)
    assert [facts["email"] for facts in replies] == ["May", "May"]


@pytest.mark.parametrize(
    ("headers", "count"),
    [({"Auto-Submitted": "auto-replied; note=x"}, 0), ({"X-Autoreply": "yes"}, 0), ({"Auto-Submitted": "no"}, 1)],
)
def test_a_notice_of_absence_is_no_reply(client, ann, headers, count):
    postmark(client, "Delivery", message="abc@mail.example", DeliveredAt=AT)
    message = AnymailInboundMessage.construct(
        from_email="ann@example.com", to="us@example.com", subject="Away: News in May", text="Back on Monday",
        headers={"In-Reply-To": "<abc@mail.example>", "Message-ID": "<r@x>", **headers},
    )  # fmt: skip
    event = AnymailInboundEvent(event_type="inbound", message=message)
    inbound.send(None, event=event, esp_name="Postmark")
    record_hits(database_now())
    assert Event.objects.filter(event="email_replied").count() == count


def test_mail_without_a_name_and_to_nobody_we_know_is_not_told(client, ann):
    postmark(client, "Delivery", DeliveredAt=AT, Metadata={})
    postmark(client, "Delivery", DeliveredAt=AT, Recipient="nobody@example.com")
    assert told() == [] and not Hit.objects.exists()
    postmark(client, "Delivery", DeliveredAt=AT, Metadata={}, Tag="June")
    assert Event.objects.filter(event="email_delivered").get().properties == {"email": "June"}


@pytest.mark.filterwarnings("ignore:Your Anymail webhooks are insecure")
def test_nobody_tells_of_mails_without_the_secret(client, settings, ann):
    wrong = {"Authorization": "Basic " + base64.b64encode(b"mail:guess").decode()}
    assert postmark(client, "Delivery", headers=wrong) == 400
    assert postmark(client, "Delivery", headers={}) == 400
    # A service whose own keys are not set cannot be called.
    assert client.post("/anymail/mailgun/tracking/", {}, headers=AUTHORIZED).status_code == 404
    assert client.post("/anymail/nothing/", {}, headers=AUTHORIZED).status_code == 404
    settings.ANYMAIL = {}
    assert postmark(client, "Delivery") == 404
    assert not Hit.objects.exists() and told() == []
