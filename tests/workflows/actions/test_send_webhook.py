"""Webhooks go out: as the step says, at least once, signed, and what is answered is there for later steps."""

from __future__ import annotations

import datetime as dt
import json
import threading
from urllib.parse import quote_plus

import pytest
from django.test import Client
from django.urls import reverse
from standardwebhooks import Webhook as Receiving

from crm.models import Contact, User
from records.clock import database_now
from records.models import PropertyDefinition
from tests.api.conftest import person
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from tests.workflows.outside.receiver import receiving
from workflows.definitions import checking, parsing
from workflows.engine.taking_steps import run_due
from workflows.engine.waiting import look
from workflows.history.telling import path_of
from workflows.models import Delivery, Enrollment, StepExecution
from workflows.outbox import answers, delivering, requesting, resending
from workflows.outside import connecting, door
from workflows.processes.ticking import tick
from workflows.registries import actions
from workflows.simulation.simulating import simulate
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(days=2)


@pytest.fixture
def receiver(settings):
    with receiving() as found:
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        yield found


@pytest.fixture
def contact(db):
    amy = User.objects.create(username="amy", email="amy@example.com")
    return Contact.objects.create(
        email="ann@example.com", first_name='Ann", "admin": true, "x": "', lead_score=7, owner=amy, city="Malmö/Ö"
    )


def send(contact, *more, now=NOW, **params):
    """One contact through a step that sends, as far as it gets now."""
    workflow = make_workflow([step("hook", "send_webhook", **params), *more])
    [enrollment] = enroll(workflow, [contact.pk])
    run_due(now)
    return enrollment


def send_due(now=NOW):
    return requesting.send_due(lambda: now)


def answering(status, body=b"", **headers):
    return lambda request, line: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def told(enrollment):
    """The sentences of its history's steps."""
    enrollment = Enrollment.objects.get(pk=enrollment.pk)
    return [str(line.sentence) for line in path_of(enrollment) if line.kind == "step"]


@pytest.mark.covers("DOP-15", "DOP-16")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_chosen_properties_and_fixed_values_go_out_as_json(receiver, contact, method):
    values = {"source": "Headrace", "greeting": "Hej {{ contact.email }}", "points": "{{ contact.lead_score }}"}
    enrollment = send(
        contact, method=method, url=f"{receiver.url}/in", properties=["email", "lead_score", "owner", "phone"],
        values=values, headers={"X-City": "{{ contact.city }}"},
    )  # fmt: skip
    assert receiver.received == [], "the step itself talks to nobody"
    assert send_due() == 1 and send_due() == 0
    [got] = receiver.received
    assert (got.method, got.path, got.headers["content-type"]) == (method, "/in", "application/json")
    assert got.headers["x-city"] == "Malmö/Ö"
    assert got.document == {
        "email": "ann@example.com", "lead_score": 7, "owner": "amy", "phone": None,
        "source": "Headrace", "greeting": "Hej ann@example.com", "points": 7,
    }  # fmt: skip
    enrollment.refresh_from_db()
    assert enrollment.status == "completed"
    assert told(enrollment) == [f"{method} request to {receiver.place} was handed over to be sent"]
    [delivery] = Delivery.objects.all()
    assert (delivery.state, delivery.answer["status"], delivery.attempts) == ("done", 200, 1)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.covers("DOP-16")
def test_get_and_delete_carry_the_values_in_the_address(receiver, contact, method):
    contact.custom = {}
    contact.save()
    url = f"{receiver.url}/c/{{{{ contact.city }}}}?a=1"
    send(contact, method=method, url=url, properties=["email", "phone"], values={"x": "1 & 2"})
    send_due()
    [got] = receiver.received
    assert (got.method, got.body) == (method, b"")
    assert got.path == "/c/Malm%C3%B6%2F%C3%96?a=1&email=ann%40example.com&phone=&x=1+%26+2"


def test_all_properties_are_sent_but_sensitive_ones(receiver, contact):
    for slug, sensitive in (("diagnosis", True), ("tier", False)):
        PropertyDefinition.objects.create(
            object_type="contact", slug=slug, label=slug, type="text", sensitive=sensitive
        )
    Contact.objects.filter(pk=contact.pk).update(custom={"diagnosis": "secret", "tier": "gold"})
    send(contact, method="POST", url=receiver.url, body="all")
    send_due()
    [got] = receiver.received
    assert (got.document["tier"], got.document["id"], got.document["email"]) == ("gold", contact.pk, contact.email)
    assert "diagnosis" not in got.document and b"secret" not in got.body


@pytest.mark.covers("DOP-16")
def test_a_template_is_json_whatever_the_values_are(receiver, contact):
    template = json.dumps({
        "name": "{{ contact.first_name }}", "list": [1, "{{ contact.lead_score }}", {"deep": "{{ contact.phone }}"}],
        "text": "{{ contact.lead_score }} points", "kept": "{{ contact.phone | default: 'none' }}", "plain": True,
    })  # fmt: skip
    send(contact, method="POST", url=receiver.url, body="json", template=template)
    send_due()
    assert receiver.received[0].document == {
        "name": contact.first_name, "list": [1, 7, {"deep": None}], "text": "7 points", "kept": "none", "plain": True,
    }  # fmt: skip


@pytest.mark.covers("DOP-17")
def test_requests_are_signed_as_an_independent_library_checks_and_again_at_each_attempt(receiver, contact, admin_user):
    shop = connecting.create({"name": "Shop", "origin": receiver.url}, by=admin_user, now=NOW)
    first = connecting.sign(shop, now=NOW)
    receiver.answer = answering(503)
    # The library looks at its own clock.
    now = database_now()
    send(contact, method="POST", url="/in", connection="shop", properties=["first_name", "city"])
    Delivery.objects.update(due_at=now)
    send_due(now)
    second = connecting.sign(shop, now=now)
    Delivery.objects.update(due_at=now)
    assert look().requests == now
    send_due(now)
    once, again = receiver.received
    for secret, got in ((first, once), (first, again), (second, again)):
        assert Receiving(secret).verify(got.body, got.headers)["city"] == "Malmö/Ö"
    assert once.headers["webhook-id"] == again.headers["webhook-id"] == again.headers["idempotency-key"]
    assert once.body == again.body
    with pytest.raises(Exception, match="signature"):
        Receiving(second).verify(once.body, once.headers)


@pytest.mark.covers("DOP-17")
def test_a_connection_signs_in_and_its_secret_is_nowhere_else(receiver, contact, admin_user):
    facts = {"origin": receiver.url, "secret": "hush-hush-0123"}
    for name, auth, auth_name in (("Head", "header", "X-Key"), ("Query", "query", "key"), ("Bear", "bearer", "")):
        connecting.create({**facts, "name": name, "auth": auth, "auth_name": auth_name}, by=admin_user, now=NOW)
        send(contact, method="POST", url=f"{receiver.url}/{name}?a=b", connection=name.lower(), properties=["email"])
    send_due()
    head, query, bear = sorted(receiver.received, key=lambda got: "HQB".index(got.path[1]))
    assert head.headers["x-key"] == "hush-hush-0123" and query.path == "/Query?a=b&key=hush-hush-0123"
    assert bear.headers["authorization"] == "Bearer hush-hush-0123"
    assert "hush" not in json.dumps(list(Delivery.objects.values()), default=str)


@pytest.mark.parametrize(
    ("auth", "name", "secret"),
    [
        ("header", "X-Key", "hush-hush-0123"), ("query", "key", "hush & hush/0123"), ("bearer", "", 'hush"hush-0123'),
        ("basic", "amy", "hüsh-hush-0123"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_secret_the_other_side_sends_back_can_be_read_nowhere(
    receiver, contact, admin_user, auth, name, secret, status
):
    receiver.answer = lambda request, line: (
        status, {}, json.dumps({"path": request.path, "headers": request.headers, "plain": secret}).encode()
    )  # fmt: skip
    facts = {"origin": receiver.url, "name": "Echo", "auth": auth, "auth_name": name, "secret": secret}
    connecting.create(facts, by=admin_user, now=NOW)
    outputs = [
        {"name": "told", "path": "headers.authorization", "type": "text"},
        {"name": "path", "path": "path", "type": "text"}, {"name": "plain", "path": "plain", "type": "text"},
    ]  # fmt: skip
    enrollment = send(contact, method="POST", url="/echo", connection="echo", outputs=outputs)
    send_due()
    run_due(NOW)
    [got] = receiver.received
    sent = got.headers.get("authorization", "").partition(" ")[2] or got.headers.get("x-key") or got.path
    enrollment.refresh_from_db()
    kept = json.dumps(
        [*Delivery.objects.values(), enrollment.outputs, *StepExecution.objects.values()],
        default=str,
        ensure_ascii=False,
    )
    assert "•••" in kept, "the answer is kept, but for the secret"
    for text in (secret, sent.partition("key=")[2] or sent, quote_plus(secret), json.dumps(secret)[1:-1]):
        assert text not in kept and json.dumps(text)[1:-1] not in kept


def test_a_connections_secret_goes_to_its_own_host_only(receiver, contact, admin_user):
    made = connecting.create(
        {"name": "Shop", "origin": receiver.url, "auth": "bearer", "secret": "s"}, by=admin_user, now=NOW
    )
    enrollment = send(contact, method="POST", url="https://example.com/", connection="shop", properties=["email"])
    assert "sends to no other host" in told(enrollment)[0]
    # Moved after a request was made, and deleted.
    other = send(contact, method="POST", url=f"{receiver.url}/x", connection="shop", properties=["email"])
    connecting.change(made, {"origin": "https://example.com", "secret": "t"}, by=admin_user, now=NOW)
    send_due()
    assert "sends to no other host" in Delivery.objects.get(enrollment_id=other.pk).last_error
    assert receiver.received == []


@pytest.mark.covers("DOP-15", "ACG-07")
def test_values_of_the_answer_are_there_for_later_steps(receiver, contact):
    outputs = [
        {"name": "score", "path": "data.0.score", "type": "number"}, {"name": "vip", "path": "vip", "type": "boolean"},
        {"name": "since", "path": "since", "type": "date"}, {"name": "none", "path": "no.where", "type": "text"},
        {"name": "odd", "path": "vip", "type": "number"},
    ]  # fmt: skip
    receiver.answer = answering(201, b'{"data": [{"score": 12.5}], "vip": true, "since": "2026-01-02"}')
    enrollment = send(
        contact,
        step("copy", "edit_record", property="city", value="{{ output.hook.score }}/{{ output.hook.status }}"),
        step("note", "edit_record", property="job_title", value="{{ output.hook.vip }} {{ output.hook.odd }}."),
        method="POST", url=receiver.url, properties=["email"], outputs=outputs,
    )  # fmt: skip
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.due_at, log_of(enrollment)) == ("active", None, [("hook", "waiting")])
    send_due(NOW)
    enrollment.refresh_from_db()
    assert enrollment.due_at == NOW
    run_due(NOW)
    enrollment.refresh_from_db()
    contact.refresh_from_db()
    assert (enrollment.status, contact.city, contact.job_title) == ("completed", "12.5/201", "Yes .")
    assert enrollment.outputs["hook"] == {
        "status": 201, "score": 12.5, "vip": True, "since": "2026-01-02", "none": None, "odd": None,
    }  # fmt: skip
    place = receiver.place
    assert told(enrollment)[:2] == [
        f"POST request to {place}: waits for the answer",
        f"POST request to {place}: answered with 201. Left blank, as they did not fit: odd",
    ]


@pytest.mark.parametrize(
    "body", [b"", b"no JSON", b"[" * 50_000, b'{"a": ' + b"1" * 70_000 + b"}", b"\xff\x00\xfe", b"NaN"]
)
def test_answers_that_are_no_json_leave_the_values_blank(receiver, contact, body):
    receiver.answer = answering(200, body)
    enrollment = send(contact, method="POST", url=receiver.url, outputs=[{"name": "a", "path": "a", "type": "number"}])
    send_due()
    run_due(NOW)
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.outputs["hook"]) == ("completed", {"status": 200, "a": None})
    assert len(Delivery.objects.get().answer["body"]) <= answers.SHOWN


@pytest.mark.covers("DOP-19", "DOP-21")
def test_what_may_pass_is_tried_for_nearly_three_days_under_the_same_key_and_then_given_up(receiver, contact):
    receiver.answer = answering(500)
    enrollment = send(contact, method="POST", url=receiver.url, wait=True)
    now, waits = NOW, []
    while send_due(now):
        found = Delivery.objects.get()
        if found.state != "pending":
            break
        waits.append((found.due_at - now).total_seconds())
        now = found.due_at
    assert all(0.9 <= wait / planned <= 1.1 for wait, planned in zip(waits, answers.BACKOFF, strict=True))
    assert 60 * 3_600 < sum(waits) < 76 * 3_600
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    assert len(receiver.received) == len(answers.BACKOFF) + 1 and found.state == "dead"
    run_due(now)
    enrollment.refresh_from_db()
    assert enrollment.status == "completed" and log_of(enrollment)[-1] == ("hook", "failed")
    assert "answered with 500. It was sent 10 times, so it was given up. The record went on." in told(enrollment)[-1]


@pytest.mark.covers("DOP-19")
@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 408, 410, 422, 451])
def test_what_is_refused_is_not_sent_again(receiver, contact, status):
    receiver.answer = answering(status, Location="https://example.com/")
    send(contact, method="POST", url=receiver.url)
    send_due()
    found = Delivery.objects.get()
    assert (found.state, found.answer["status"], found.attempts) == ("dead", status, 1)
    assert str(status) in found.last_error and send_due(LATER) == 0


@pytest.mark.covers("DOP-19")
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("9999999", 86_400),
        ("0", 4.5),
        ("Mon, 23 Nov 2026 09:10:00 GMT", 600),
        ("soon", 4.5),
        ("-5", 4.5),
    ],
)
def test_too_many_requests_are_sent_again_when_the_receiver_says(receiver, contact, header, seconds):
    receiver.answer = answering(429, Retry_After=header)
    send(contact, method="POST", url=receiver.url)
    send_due()
    found = Delivery.objects.get()
    assert found.state == "pending" and seconds <= (found.due_at - NOW).total_seconds() <= max(seconds, 5.5)


@pytest.mark.covers("DOP-18")
def test_the_bounds_are_those_of_the_specification(receiver, contact, monkeypatch):
    assert (requesting.BOUNDS.connect, requesting.BOUNDS.whole) == (3.0, 33.0), "3 s to connect, 30 s to answer"
    over = threading.Event()
    monkeypatch.setattr(requesting, "BOUNDS", door.Bounds(whole=0.2))
    receiver.answer = lambda request, line: over.wait(20) and None
    send(contact, method="POST", url=receiver.url)
    send_due()
    over.set()
    found = Delivery.objects.get()
    assert found.state == "pending" and found.last_error == f"{receiver.place} did not answer in time."


@pytest.mark.covers("LIM-13", "DOP-20")
def test_about_twenty_a_second_leave_and_a_connection_can_allow_less(receiver, admin_user, settings):
    connecting.create(
        {"name": "Slow", "origin": receiver.url, "limit_count": 3, "limit_per": "minute"}, by=admin_user, now=NOW
    )
    ids = [one.pk for one in Contact.objects.bulk_create(Contact(email=f"c{n}@example.com") for n in range(30))]
    enroll(make_workflow([step("hook", "send_webhook", method="POST", url=receiver.url)]), ids)
    enroll(make_workflow([step("hook", "send_webhook", method="POST", url="/slow", connection="slow")]), ids[:8])
    while run_due(NOW):
        pass
    assert send_due() == 20
    second = NOW + dt.timedelta(seconds=1.01)
    assert send_due(second) == 13 and len([got for got in receiver.received if got.path == "/slow"]) == 3
    assert send_due(second) == 0
    assert send_due(NOW + dt.timedelta(seconds=61)) == 3
    settings.WORKFLOW_DELIVERY_LIMITS = {"webhook": "0/second"}
    with pytest.raises(ValueError, match="no limit"):
        send_due(LATER)


def test_what_the_limit_of_all_requests_keeps_back_has_not_used_up_that_of_its_connection(
    receiver, admin_user, settings
):
    settings.WORKFLOW_DELIVERY_LIMITS = {"webhook": "2/minute"}
    connecting.create(
        {"name": "Slow", "origin": receiver.url, "limit_count": 4, "limit_per": "hour"}, by=admin_user, now=NOW
    )
    ids = [one.pk for one in Contact.objects.bulk_create(Contact(email=f"c{n}@example.com") for n in range(9))]
    enroll(make_workflow([step("hook", "send_webhook", method="POST", url="/slow", connection="slow")]), ids)
    while run_due(NOW):
        pass
    sent = [send_due(NOW + dt.timedelta(seconds=61 * turn)) for turn in range(4)]
    assert sent == [2, 2, 0, 0], "four in the hour, two of them in a minute"


@pytest.mark.covers("DOP-20")
def test_a_receiver_that_hangs_keeps_nobody_waiting_but_its_own(receiver, contact, settings):
    """Eight requests hang or wait in their lane while all others are sent."""
    over, inside = threading.Event(), threading.Semaphore(0)
    with receiving() as slow:
        settings.WEBHOOK_ALLOWED_HOSTS = [receiver.place, slow.place]

        def hang(request, line):
            inside.release()
            over.wait(20)
            return 200, {}, b""

        def count(request, line):
            if len(receiver.received) == 8:
                # All have come here although none of the others has been answered.
                for _one in range(requesting.PER_LANE):
                    assert inside.acquire(timeout=60)
                assert not inside.acquire(blocking=False)
                over.set()
            return 200, {}, b""

        slow.answer, receiver.answer = hang, count
        ids = [one.pk for one in Contact.objects.bulk_create(Contact(email=f"c{n}@example.com") for n in range(8))]
        for url in (slow.url, receiver.url):
            enroll(make_workflow([step("hook", "send_webhook", method="POST", url=url)]), ids)
        while run_due(NOW):
            pass
        assert send_due() == 16
    assert len(slow.received) == len(receiver.received) == 8


def test_addresses_of_the_own_network_are_refused_when_a_request_leaves(contact, monkeypatch):
    """The name was harmless when the workflow was published; nobody is asked about it but the one who sends."""

    def resolve(host, port, **options):
        return [(2, 1, 6, "", ("10.0.0.7", port))]

    monkeypatch.setattr(door.socket, "getaddrinfo", resolve)
    enrollment = send(contact, method="POST", url="https://inside.example.com/", wait=True)
    send_due()
    run_due(NOW)
    [_waiting, failed] = told(enrollment)
    assert "is 10.0.0.7 (a private network). An administrator can allow it with WEBHOOK_ALLOWED_HOSTS" in failed
    assert Delivery.objects.get().attempts == 1


@pytest.mark.covers("DOP-21")
def test_a_request_whose_sender_died_is_sent_again_under_its_key(receiver, contact):
    send(contact, method="POST", url=receiver.url)
    sent = requesting.claim(NOW, 5, requesting.Counter())
    assert len(sent) == 1 and send_due(LATER) == 0
    Delivery.objects.update(claimed_until=NOW - dt.timedelta(days=9_000))
    assert delivering.recover() == 1
    assert send_due(LATER) == 1 and Delivery.objects.get().state == "done"
    # The one that was thought dead writes nothing any more.
    requesting.settle([(sent[0], answers.Verdict("dead", "x"))], NOW)
    assert Delivery.objects.get().state == "done"


@pytest.mark.parametrize(("verb", "state"), [("skip", "skipped"), ("mark_sent", "done")])
def test_a_person_can_let_a_record_go_on(receiver, contact, admin_user, verb, state):
    receiver.answer = answering(500 if verb == "skip" else 404)
    enrollment = send(contact, method="POST", url=receiver.url, wait=True)
    if verb == "mark_sent":
        Delivery.objects.update(state="dead")
    else:
        send_due()
    getattr(resending, verb)(Delivery.objects.all(), by=admin_user, now=NOW)
    run_due(NOW)
    enrollment.refresh_from_db()
    assert (enrollment.status, Delivery.objects.get().state) == ("completed", state)
    assert told(enrollment)[-1] in (
        "The request was not sent, so there is no answer.",
        f"POST request to {receiver.place}: somebody marked it as sent",
    )


@pytest.mark.covers("ACG-12")
def test_what_follows_a_failure_is_what_the_step_says(receiver, contact):
    receiver.answer = answering(404)
    hook = step("hook", "send_webhook", method="POST", url=receiver.url) | {"on_failure": {"then": "stop", "retry": 2}}
    document = {"format": 1, "object": "contact", "steps": [hook]}
    found = parsing.parse(document).by_id["hook"]
    assert found.stops
    [enrollment] = enroll(make_workflow([hook]), [contact.pk])
    now = NOW
    for _turn in range(8):
        run_due(now)
        send_due(now)
        now += dt.timedelta(minutes=5)
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.ended_reason) == ("failed", "not_taken")
    assert len(receiver.received) == 1 + found.retries
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1


def test_a_simulation_sends_nothing_and_shows_what_it_would_send(receiver, contact, admin_user):
    workflow = make_workflow([
        step("hook", "send_webhook", method="POST", url=f"{receiver.url}/x", properties=["email"], wait=True),
        step("note", "edit_record", property="city", value="Lund"),
    ])  # fmt: skip
    result = simulate(workflow.live, contact.pk, user=admin_user, now=NOW)
    assert [(line.step, line.outcome) for line in result.lines if line.step] == [
        ("hook", "waiting"), ("hook", "skipped"), ("note", "success"),
    ]  # fmt: skip
    [message] = result.messages
    assert (message.kind, message.subject, message.to) == ("webhook", "POST", f"{receiver.url}/x")
    assert json.loads(message.text) == {"email": "ann@example.com"}
    assert receiver.received == [] and not Delivery.objects.exists()


def problems(**params):
    document = {"format": 1, "object": "contact", "steps": [step("hook", "send_webhook", **params)]}
    definition = parsing.parse(document)
    return actions["send_webhook"].problems(definition.steps[0].params, StepContext(definition, definition.steps[0]))


FINE = {"method": "POST", "url": "https://example.com/x"}


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"method": "TRACE"}, "method", "TRACE"),
        ({"url": ""}, "url", "missing"),
        ({"url": "https://127.0.0.1:22/"}, "url", "Port 22"),
        ({"url": "http://example.com/"}, "url", "https"),
        ({"url": "file:///etc/passwd"}, "url", "https://"),
        ({"url": "https://user:word@example.com/"}, "url", "connection"),
        ({"url": "https://{{ contact.city }}/"}, "url", "host"),
        ({"url": "https://example.com{{ contact.city }}/"}, "url", "host"),
        ({"url": "{{ contact.city }}"}, "url", "host"),
        ({"url": "https://example.com/{{ contact.wrong }}"}, "url", "contact.wrong"),
        ({"url": "/x"}, "url", "no host"),
        ({"connection": "nobody"}, "connection", "nobody"),
        ({"properties": ["email", "password"]}, "properties", "password"),
        ({"values": {"a": "{{ ''.__class__ }}"}}, "values", "token"),
        ({"values": {"a": "{{ contact.owner.password }}"}}, "values", "contact.owner.password"),
        ({"values": {"a": "{{ contact.email }}{% include 'x' %}"}}, "values", "cannot stand"),
        ({"values": {"a": 5}}, "values", "not text"),
        ({"values": ["x"]}, "values", "names with texts"),
        ({"values": {str(n): "x" for n in range(51)}}, "values", "50 at most"),
        ({"headers": {"Host": "x"}}, "headers", "Host"),
        ({"headers": {"X-A\r\nB": "x"}}, "headers", "header"),
        ({"headers": {"webhook-id": "x"}}, "headers", "written by Headrace"),
        ({"headers": {"Authorization": "Bearer x"}}, "headers", "connection"),
        ({"body": "json", "template": '{"a": {{ contact.email }}}'}, "template", "line 1, column 8"),
        ({"body": "json", "template": '{"a": NaN}'}, "template", "NaN"),
        ({"body": "json", "template": "[" * 3_000}, "template", "JSON"),
        ({"body": "json", "template": "[" * 30 + "]" * 30}, "template", "20 levels"),
        ({"body": "json", "template": '{"{{ contact.email }}": 1}'}, "template", "name"),
        ({"body": "json", "template": '["{{ contact.wrong }}"]'}, "template", "contact.wrong"),
        ({"body": "json"}, "template", "missing"),
        ({"body": "json", "method": "GET", "template": "{}"}, "body", "json"),
        ({"body": "xml"}, "body", "xml"),
        ({"outputs": [{"name": "status", "path": "x"}]}, "outputs", "taken"),
        ({"outputs": [{"name": "A", "path": "x"}]}, "outputs", "small letters"),
        ({"outputs": [{"name": "a", "path": ""}]}, "outputs", "no place"),
        ({"outputs": [{"name": "a", "path": "x", "type": "user"}]}, "outputs", "user"),
        ({"outputs": [{"name": "a", "path": "x"}] * 2}, "outputs", "taken"),
        ({"outputs": [{"name": f"a{n}", "path": "x"} for n in range(21)]}, "outputs", "20 at most"),
        ({"lease_token": 1}, "lease_token", "not a setting"),
    ],
)
def test_what_cannot_be_sent_is_not_published(params, path, words):
    found = problems(**{**FINE, **params})
    assert [problem.path for problem in found][:1] == [path], found
    assert any(words in str(problem.message) for problem in found), found


def test_what_is_fine_is_published_and_all_that_is_sent_is_read(admin_user):
    assert problems(**FINE) == []
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": [step(
        "hook", "send_webhook", **FINE | {"url": "https://example.com/{{ contact.city }}"}, properties=["email"],
        values={"a": "{{ contact.phone }}"}, headers={"X-A": "{{ contact.job_title }}"},
    )]}  # fmt: skip
    assert checking.reads(parsing.parse(document)) >= {
        "contact.city", "contact.email", "contact.phone", "contact.job_title",
    }  # fmt: skip
    document["steps"][0]["params"] = {**FINE, "body": "all"}
    assert len(checking.reads(parsing.parse(document))) > 10
    document["steps"][0]["params"] = {**FINE, "body": "json", "template": '["{{ contact.last_name }}"]'}
    assert "contact.last_name" in checking.reads(parsing.parse(document))


def test_only_who_may_see_connections_brings_one_into_a_workflow(receiver, admin_user):
    connecting.create({"name": "Shop", "origin": receiver.url}, by=admin_user, now=NOW)
    document = {"format": 1, "object": "contact", "steps": [step("hook", "send_webhook", method="POST", url="/x")]}
    definition = parsing.parse(document)
    for permissions, shown in (((), False), (("workflows.view_connection",), True)):
        editor = person(f"editor{len(permissions)}", *permissions)
        context = StepContext(definition, definition.steps[0], editor)
        form = actions["send_webhook"].Params(document={}, context=context)
        assert any(value == "shop" for value, _label in form.fields["connection"].choices) == shown


def test_the_tick_sends_requests_too(receiver, contact):
    enrollment = send(contact, method="POST", url=receiver.url, wait=True)
    assert tick(NOW).deliveries == 1
    enrollment.refresh_from_db()
    assert enrollment.status == "completed"


def test_the_page_of_deliveries_shows_where_it_went_and_escapes_the_answer(receiver, contact):
    receiver.answer = answering(404, b"<script>alert(1)</script>")
    send(contact, method="POST", url=f"{receiver.url}/x", properties=["email"])
    send_due()
    boss = User.objects.create_superuser("boss")
    client = Client()
    client.force_login(boss)
    shown = client.get(reverse("admin:workflows_delivery_changelist")).content.decode()
    assert f"{receiver.url}/x" in shown
    page = client.get(reverse("admin:workflows_delivery_change", args=[Delivery.objects.get().pk])).content.decode()
    assert "404" in page and "<script>alert" not in page


def test_one_record_whose_text_would_be_too_long_keeps_no_request_of_the_others_back(receiver):
    PropertyDefinition.objects.create(object_type="contact", slug="story", label="Story", type="multi_line")
    stories = ("short", "x" * 60_000, "short")
    people = [
        Contact.objects.create(email=f"c{n}@example.com", custom={"story": story}) for n, story in enumerate(stories)
    ]
    values = {"all": "{{ contact.story }}" * 30}
    made = enroll(
        make_workflow([step("hook", "send_webhook", method="POST", url=receiver.url, values=values)]),
        [one.pk for one in people],
    )
    run_due(NOW)
    send_due()
    assert [got.document["all"] for got in receiver.received] == ["short" * 30] * 2
    assert "more than 1048576 characters" in told(made[1])[-1]
