"""Text messages and WhatsApp templates go to contacts who have opted in, in the formats of their providers."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Contact, Deal, SubscriptionType, User
from crm.subscribing import Wish, set_status
from records.associations import associate
from records.models import Event
from tests.workflows import building
from tests.workflows.building import NOW, step
from tests.workflows.outside.receiver import receiving
from workflows.definitions import checking, parsing
from workflows.engine.taking_steps import run_due
from workflows.history.telling import path_of
from workflows.models import Delivery, Enrollment
from workflows.outbox import delivering, requesting, resending
from workflows.outbox.answers import Verdict
from workflows.outside import connecting
from workflows.outside.door import Outgoing
from workflows.simulation.simulating import simulate

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    """A provider of both kinds on this machine, with its connections and a subscription type for each channel."""
    with receiving() as found:
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        amy = User.objects.create(username="amy")
        shared = {"origin": found.url, "secret": "s3cret-token"}
        connecting.create({"name": "Twilio", "auth": "basic", "auth_name": "AC123", **shared}, by=amy, now=NOW)
        connecting.create({"name": "WhatsApp", "auth": "bearer", **shared}, by=amy, now=NOW)
        for channel in ("sms", "whatsapp"):
            SubscriptionType.objects.create(slug=f"{channel}_news", name=f"{channel} news", channel=channel)
        found.answer = answer
        yield found


def answer(request, line):
    made = {"sid": "SM1", "status": "queued"} if "Accounts" in request.path else {"messages": [{"id": "wamid.1"}]}
    return 201, {"Content-Type": "application/json"}, json.dumps(made).encode()


def contact(want="subscribed", **facts):
    made = Contact.objects.create(**{"email": f"c{Contact.objects.count()}@example.com", **facts})
    for slug in ("sms_news", "whatsapp_news"):
        if want:
            wish = Wish(SubscriptionType.objects.get(slug=slug), want, "consent")
            set_status([made.pk], wish, source="admin", now=NOW)
    return made


def sms(**params):
    own = {"connection": "twilio", "sender": "+15550001111", "message": "Hej {{ contact.first_name }}!"}
    return step("m", "send_sms", **{**own, "type": "sms_news", **params})


def whatsapp(**params):
    own = {"connection": "whatsapp", "sender": "106540352242922", "template": "order_shipped", "language": "en_US"}
    lines = "{{ contact.first_name | default: 'you' }}\nMonday"
    return step("m", "send_whatsapp", **{**own, "parameters": lines, "type": "whatsapp_news", **params})


def walked(one, *ids, object_type="contact"):
    """Enrollments as far as they get, with what is sent on the way."""
    workflow = building.make_workflow([one], object_type)
    made = building.enroll(workflow, ids)
    run_due(NOW)
    while send_due(NOW):
        run_due(NOW)
    return [Enrollment.objects.get(pk=each.pk) for each in made]


def send_due(now):
    return requesting.send_due(lambda: now)


def told(enrollment):
    return [str(line.sentence) for line in path_of(enrollment) if line.kind == "step"]


def problems(one, object_type="contact"):
    document = {"format": 1, "object": object_type, "trigger": {"kind": "manual"}, "steps": [one]}
    found = checking.errors(checking.problems(parsing.parse(document)))
    return {problem.path: str(problem.message) for problem in found}


@pytest.mark.covers("COM-13", "ACG-07", "EVT-32")
def test_a_text_message_goes_to_the_contact_in_the_providers_format(provider):
    ann = contact(first_name="Åsa", mobile="070-174 06 05", phone="+15552223333")
    assert problems(sms(country="SE")) == {}
    [made] = walked(sms(country="SE"), ann.pk)
    [got] = provider.received
    assert (got.method, got.path) == ("POST", "/2010-04-01/Accounts/AC123/Messages.json")
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(got.headers["authorization"].removeprefix("Basic ")) == b"AC123:s3cret-token"
    assert parse_qs(got.body.decode()) == {"To": ["+46701740605"], "From": ["+15550001111"], "Body": ["Hej Åsa!"]}
    assert got.headers["idempotency-key"].startswith("msg_")
    assert made.status == "completed"
    assert made.outputs["m"] == {"sent": 1, "message_id": "SM1", "number": "+46701740605"}
    assert told(made)[-1] == "Send SMS to +46701740605: “Hej Åsa!”"
    [event] = Event.objects.filter(event="sms_sent")
    assert (event.record_id, event.properties) == (ann.pk, {"message": "Hej Åsa!", "number": "+46701740605"})


@pytest.mark.covers("COM-12")
def test_a_template_goes_out_in_the_format_of_the_whatsapp_cloud_api(provider):
    ann = contact(mobile="+46 70 174 06 05")
    assert problems(whatsapp()) == {}
    [made] = walked(whatsapp(), ann.pk)
    [got] = provider.received
    assert (got.path, got.headers["authorization"]) == ("/v21.0/106540352242922/messages", "Bearer s3cret-token")
    texts = [{"type": "text", "text": "you"}, {"type": "text", "text": "Monday"}]
    assert got.document == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+46701740605", "type": "template",
        "template": {
            "name": "order_shipped", "language": {"code": "en_US"},
            "components": [{"type": "body", "parameters": texts}],
        },
    }  # fmt: skip
    assert made.outputs["m"]["message_id"] == "wamid.1"
    assert told(made)[-1] == "Send WhatsApp message to +46701740605: “order_shipped: you · Monday”"
    assert Event.objects.get(event="whatsapp_sent").record_id == ann.pk


@pytest.mark.covers("COM-12", "COM-13")
@pytest.mark.parametrize("one", [sms(), whatsapp()])
def test_who_has_not_opted_in_or_cannot_be_reached_is_skipped_with_the_reason(provider, one):
    people = [
        contact(None, mobile="+46701740605"), contact("unsubscribed", mobile="+46701740605"), contact(),
        contact(mobile="12"), contact(mobile="", phone="+46701740605"),
    ]  # fmt: skip
    made = walked(one, *(each.pk for each in people))
    name = "sms news" if one["action"] == "send_sms" else "whatsapp news"
    assert [told(each)[-1] for each in made[:4]] == [
        f"The contact is not subscribed to “{name}”, so nothing was sent.",
        f"The contact has unsubscribed from “{name}”, so nothing was sent.",
        "mobile / phone is blank.",
        "“12” is no phone number there can be, so nothing was sent. Correct it, or choose its country in the step.",
    ]
    assert made[4].outputs["m"]["sent"] == 1 and len(provider.received) == 1


@pytest.mark.covers("COM-13", "ACG-05")
def test_in_other_workflows_the_message_goes_to_associated_contacts_once_each_and_the_record_waits_for_all(provider):
    people = [contact(mobile=f"+4670174060{n}") for n in range(3)]
    silent = contact("unsubscribed", mobile="+46701740609")
    twin = contact(mobile="+46701740600")
    deal = Deal.objects.create(name="Big")
    associate("deal", "contact", [(deal.pk, each.pk) for each in [*people, silent, twin]])
    one = sms(of="contact", message="About {{ deal.name }}")
    assert problems(one, "deal") == {}
    made = building.enroll(building.make_workflow([one], "deal"), [deal.pk])[0]
    run_due(NOW)
    assert Delivery.objects.count() == 3 and provider.received == []
    first = Delivery.objects.order_by("pk").first()
    Delivery.objects.filter(pk=first.pk).update(due_at=NOW + dt.timedelta(minutes=1))
    assert send_due(NOW) == 2
    run_due(NOW)
    made.refresh_from_db()
    assert (made.status, made.due_at) == ("active", None)
    later = NOW + dt.timedelta(minutes=2)
    assert send_due(later) == 1
    run_due(later)
    made.refresh_from_db()
    assert made.status == "completed" and made.outputs["m"]["sent"] == 3
    assert told(made)[-1] == "Send SMS to 3 contacts: “About Big”"
    numbers = sorted(parse_qs(got.body.decode())["To"][0] for got in provider.received)
    assert numbers == ["+46701740600", "+46701740601", "+46701740602"]
    assert sorted(Event.objects.filter(event="sms_sent").values_list("record_id", flat=True)) == [
        each.pk for each in people
    ]


def test_what_passes_is_tried_again_and_what_is_refused_is_told_in_the_providers_words(provider):
    ann = contact(first_name="A", mobile="+46701740605")
    busy = json.dumps({"error": {"message": "(#130429) Rate limit hit", "code": 130429}}).encode()
    answers = [(400, {}, busy), (503, {}, b""), (429, {}, b"")]
    provider.answer = lambda request, line: answers.pop(0)
    workflow = building.make_workflow([whatsapp()])
    [made] = building.enroll(workflow, [ann.pk])
    run_due(NOW)
    for turn in range(3):
        assert send_due(NOW + dt.timedelta(hours=2 * turn)) == 1
        assert Delivery.objects.get().state == "pending"
    now = NOW + dt.timedelta(hours=6)
    assert len({got.headers["idempotency-key"] for got in provider.received}) == 1
    refused = {"error": {"message": "(#132001) Template name does not exist", "code": 132001}}
    provider.answer = lambda request, line: (404, {}, json.dumps(refused).encode())
    send_due(now)
    run_due(now)
    made.refresh_from_db()
    assert made.status == "completed"
    assert told(made)[-1] == (
        "The message to +46701740605 was not taken: The other system refused the request with 404, so it was not sent "
        "again. (#132001) Template name does not exist The record went on."
    )
    assert not Event.objects.filter(event="whatsapp_sent").exists()


@pytest.mark.parametrize("away", ["unsubscribed", "deleted"])
def test_a_message_that_is_tried_again_does_not_reach_who_has_left_meanwhile(away, provider):
    ann = contact(first_name="A", mobile="+46701740605")
    provider.answer = lambda request, line: (503, {}, b"")
    building.enroll(building.make_workflow([sms()]), [ann.pk])
    run_due(NOW)
    assert send_due(NOW) == 1 and Delivery.objects.get().state == "pending"
    if away == "deleted":
        Contact.objects.update(deleted_at=NOW)
    else:
        set_status([ann.pk], Wish(SubscriptionType.objects.get(slug="sms_news"), away), source="admin", now=NOW)
    later = NOW + dt.timedelta(hours=2)
    send_due(later)
    found = Delivery.objects.get()
    assert (found.state, found.done_at, len(provider.received)) == ("skipped", later, 1)
    assert {"unsubscribed": "has unsubscribed from", "deleted": "had been deleted"}[away] in found.last_error
    assert not Event.objects.filter(event="sms_sent").exists()


def waiting_for(one, provider):
    """A message in the outbox, and whose enrollment waits for it."""
    [made] = building.enroll(building.make_workflow([one]), [contact(mobile="+46701740605").pk])
    run_due(NOW)
    return made


@pytest.mark.covers("COM-12", "COM-13")
@pytest.mark.parametrize("one", [sms(), whatsapp()])
@pytest.mark.parametrize("way", ["line breaks", "worker dies"])
def test_a_message_that_may_have_been_taken_is_not_sent_again_by_itself(provider, one, way):
    made = waiting_for(one, provider)
    if way == "line breaks":
        provider.answer = lambda request, line: None
        send_due(NOW)
        assert len(provider.received) == 1
    else:
        Delivery.objects.update(state="sending", claimed_until=NOW - dt.timedelta(days=900), attempts=1)
        assert delivering.recover() == 1
    provider.answer = answer
    later = NOW + dt.timedelta(days=1)
    run_due(NOW)
    assert send_due(later) == 0
    found = Delivery.objects.get()
    assert found.state == "uncertain" and "sent again" in found.last_error.replace("sending it again", "sent again")
    boss = User.objects.create_superuser("boss")
    resending.mark_sent(Delivery.objects.all(), by=boss, now=later)
    run_due(later)
    made.refresh_from_db()
    assert (made.status, made.outputs["m"]["sent"]) == ("completed", 1)


def test_messages_that_leave_together_are_asked_about_and_settled_together(provider):
    people = [contact(mobile=f"+4670174060{n}") for n in range(6)]
    building.enroll(building.make_workflow([sms()]), [one.pk for one in people])
    run_due(NOW)
    waiting = list(Delivery.objects.order_by("pk"))
    token = uuid.uuid4()
    Delivery.objects.update(state="sending", claim=token, attempts=1)
    for one in waiting:
        one.claim, one.attempts = token, 1
    counts = []
    for some in (waiting[:1], waiting[1:]):
        with CaptureQueriesContext(connection) as captured:
            ready = requesting.prepared(some, NOW)
            taken = Verdict("done", answer={"status": 201, "outputs": {"id": "SM1"}})
            requesting.settle([(one, taken) for one in some], NOW)
        assert len(ready) == len(some) and all(isinstance(one.outgoing, Outgoing) for one in ready)
        counts.append(len(captured))
    assert counts[0] == counts[1], "for five as many statements as for one"
    run_due(NOW)
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"completed"}


def test_a_message_nobody_was_reached_with_is_tried_again(provider, monkeypatch):
    waiting_for(sms(), provider)

    def closed(_line, _place):
        raise ConnectionRefusedError(111, "Connection refused")

    with monkeypatch.context() as patched:
        patched.setattr("socket.socket.connect", closed)
        send_due(NOW)
    found = Delivery.objects.get()
    assert (found.state, provider.received) == ("pending", []) and "Connection refused" in found.last_error
    assert send_due(NOW + dt.timedelta(minutes=1)) == 1 and len(provider.received) == 1


def test_a_message_that_was_skipped_by_hand_lets_the_record_go_on(provider):
    ann = contact(first_name="A", mobile="+46701740605")
    [made] = building.enroll(building.make_workflow([sms()]), [ann.pk])
    run_due(NOW)
    boss = User.objects.create_superuser("boss", "boss@example.com", "pw")
    assert resending.skip(Delivery.objects.all(), by=boss, now=NOW) == 1
    run_due(NOW)
    made.refresh_from_db()
    assert made.status == "completed" and told(made)[-1] == "The message was not sent."


def test_a_message_that_comes_out_blank_or_too_long_is_not_sent(provider):
    ann = contact(job_title="x" * 110, mobile="+46701740605")
    [blank] = walked(sms(message="{{ contact.first_name }}"), ann.pk)
    assert told(blank)[-1] == "No message was sent: The message came out blank. The record went on."
    [long] = walked(sms(message="{{ contact.job_title }}" * 15), ann.pk)
    assert "1650 characters, 1600 at most" in told(long)[-1]
    [value] = walked(whatsapp(parameters="Hello\n{{ contact.first_name }}"), ann.pk)
    assert "Value 2 of the template came out blank" in told(value)[-1]
    assert provider.received == []


def test_a_test_shows_the_messages_and_sends_none(provider):
    ann = contact(first_name="Åsa", mobile="+46701740605")
    workflow = building.make_workflow([sms()])
    boss = User.objects.create_superuser("boss", "boss@example.com", "pw")
    found = simulate(workflow.live, ann.pk, user=boss, now=NOW)
    assert [(one.kind, one.to, one.text) for one in found.messages] == [("text message", "+46701740605", "Hej Åsa!")]
    assert provider.received == [] and not Delivery.objects.exists()


def test_a_provider_elsewhere_is_reached_by_its_own_path_account_and_sender(provider):
    ann = contact(first_name="A", mobile="+46701740605")
    walked(sms(path="/api/laml/2010-04-01", account="other-1", sender="MG" + "a" * 32), ann.pk)
    [got] = provider.received
    assert got.path == "/api/laml/2010-04-01/Accounts/other-1/Messages.json"
    assert parse_qs(got.body.decode())["MessagingServiceSid"] == ["MG" + "a" * 32]


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (sms(connection="nowhere"), "There is no connection 'nowhere'"),
        (sms(connection="whatsapp"), "signs in without a user name"),
        (sms(sender="not a sender!"), "“not a sender!” cannot send messages"),
        (sms(type="whatsapp_news"), "whatsapp_news"),
        (sms(type=""), "“Subscription type” is missing"),
        (sms(message="x" * 1_601), "1600"),
        (sms(message="{{ contact.nothing }}"), "nothing"),
        (sms(number="email"), "“email” cannot be chosen here"),
        (sms(path="/../x y"), "is no path"),
        (whatsapp(template="No Such"), "is no name of a template"),
        (whatsapp(language="English"), "is no language of a template"),
        (whatsapp(sender="+1555"), "is no phone number ID"),
        (whatsapp(parameters="x\n" * 21), "20 at most"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(provider, one, message):
    found = problems(one)
    assert any(message in problem for problem in found.values()), found
