"""Whatever sends requests sends them by the one door: none of the ways out leads into the operator's own network.

Names are looked up by a resolver of the test's own, and every connection a thread with a request is about to make is
noted. What a name may stand for is tested with the door itself; here it is every way to the door.
"""

from __future__ import annotations

import datetime as dt
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crm.audiences import sending
from crm.models import Audience, AudienceChange, Company, Contact, Sequence, SubscriptionType, User
from crm.sequences import moving
from crm.sequences.enrolling import Sending
from crm.sequences.enrolling import enroll as put_in
from crm.subscribing import Wish, set_status
from records.associations import associate
from tests.workflows import building
from tests.workflows.actions.test_custom_code import code, main
from tests.workflows.building import NOW, step
from tests.workflows.outside.receiver import Receiver, receiving
from tests.workflows.outside.test_door import INTO_THE_HOUSE, PUBLIC, Resolver
from workflows.ai import drafts, providers
from workflows.code import trying
from workflows.code.running import run_waiting
from workflows.engine.taking_steps import run_due
from workflows.history.telling import path_of
from workflows.models import AIProvider, Connection, Delivery, Enrollment
from workflows.outbox import requesting
from workflows.outside import connecting
from workflows.registries import actions

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=1)
REMEDY = "An administrator can allow it with WEBHOOK_ALLOWED_HOSTS."
#: Connections that were about to be made for a request: where to.
connected: list[tuple[str, int]] = []


def note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and threading.current_thread().name.startswith(("request", "fetch")):
        connected.append(arguments[1][:2])


sys.addaudithook(note)


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """What names stand for in these tests, also for whoever does not ask for a resolver of their own."""
    found = Resolver()
    connected.clear()
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", found)
        yield found


@pytest.fixture
def ann(db: None) -> Contact:
    made = Contact.objects.create(email="ann@example.com", first_name="Ann", mobile="+46701740605")
    for channel in ("sms", "whatsapp"):
        kind = SubscriptionType.objects.create(slug=channel, name=channel, channel=channel)
        set_status([made.pk], Wish(kind, "subscribed", "consent"), source="admin", now=NOW)
    return made


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("boss", "boss@example.com", "x")


def connection(origin: str, **facts: Any) -> Connection:
    """A connection as it stands in the database, whatever was checked when it was made."""
    made = connecting.create({"name": "C", "origin": "https://api.example.com", **facts}, by=None, now=NOW)
    Connection.objects.filter(pk=made.pk).update(origin=origin)
    return made


def provider(origin: str, kind: str = "openai") -> None:
    AIProvider.objects.all().delete()
    AIProvider.objects.create(
        name="M", slug="m", kind=kind, connection=connection(origin), model="m", is_default=True, searches=True
    )


def walk(ann: Contact, one: dict[str, Any]) -> Callable[[], str]:
    """Enroll in a step that asks another system; gives what the history says of it in the end."""
    [made] = building.enroll(building.make_workflow([one]), [ann.pk])
    run_due(NOW)

    def said() -> str:
        while run_due(LATER):
            pass
        lines = path_of(Enrollment.objects.get(pk=made.pk))
        return str([line.sentence for line in lines if line.kind == "step"][-1])

    return said


def webhook(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    return walk(ann, step("s", "send_webhook", method="POST", url=f"{origin}/x", wait=True))


def webhook_of_a_connection(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    slug = connection(origin).slug
    return walk(ann, step("s", "send_webhook", method="POST", url="/x", connection=slug, wait=True))


def sms(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    slug = connection(origin, auth="basic", auth_name="AC1", secret="word").slug
    facts = {"connection": slug, "sender": "+15550001111", "message": "Hi", "type": "sms"}
    return walk(ann, step("s", "send_sms", **facts))


def whatsapp(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    facts = {"sender": "106540352242922", "template": "hello", "language": "en", "type": "whatsapp"}
    return walk(ann, step("s", "send_whatsapp", connection=connection(origin).slug, **facts))


def asking(action: str, **params: Any) -> Callable[[Contact, str, User], Callable[[], str]]:
    def ask(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
        provider(origin)
        return walk(ann, step("s", action, **params))

    return ask


def anthropic(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    provider(origin, "anthropic")
    return walk(ann, step("s", "ask_ai", prompt="Who?"))


def draft(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    provider(origin)
    wish = drafts.ask("When a contact comes, wait a day.", "contact", by=admin, now=NOW)
    return lambda: drafts.outcome(wish, by=admin).why


def company(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    provider(origin)
    associate("contact", "company", [(ann.pk, Company.objects.create(name="Acme").pk)])
    return walk(ann, step("s", "research_company", of="company", known=["name"]))


def agent(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    """The prospecting agent asks for each email."""
    provider(origin)
    kind = SubscriptionType.objects.create(slug="direct", name="Direct")
    made = Sequence.objects.create(slug="agent", name="Agent", subscription=kind, is_agent=True, workdays=False)
    made.steps.create(position=0, kind="written", body="Write to {{ contact.first_name }}")
    put_in(made, {ann.pk: Sending(admin, "")}, now=NOW)
    moving.work(NOW)
    return lambda: Delivery.objects.get(kind="webhook").last_error


def audience(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    made = Audience.objects.create(name="A", slug="a", connection=connection(origin))
    AudienceChange.objects.create(audience=made, kind="add", email="x" * 64, at=NOW - dt.timedelta(minutes=5))
    sending.work(NOW)
    return lambda: Audience.objects.get().batch.last_error


def script(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    said = walk(ann, code("s", main(f"await fetch({json.dumps(origin + '/x')});")))
    run_waiting(NOW)
    return said


def script_that_is_tried(ann: Contact, origin: str, admin: User) -> Callable[[], str]:
    tried = trying.try_code({"code": main(f"await fetch({json.dumps(origin + '/x')});")}, {"inputFields": {}}, {})
    return lambda: tried.problem


#: Every way by which a request can leave.
WAYS: dict[str, Callable[[Contact, str, User], Callable[[], str]]] = {
    "send_webhook": webhook, "send_webhook by a connection": webhook_of_a_connection, "send_sms": sms,
    "send_whatsapp": whatsapp, "ask_ai": asking("ask_ai", prompt="Who?"), "ask_ai of Anthropic's kind": anthropic,
    "research": asking("research", prompt="Who?"),
    "enrich_record": asking("enrich_record", properties=["city"], known=["email"]),
    "fill_property": asking("fill_property", property="city", prompt="Where?", known=["email"]),
    "research_company": company, "the prospecting agent": agent,
    "summarise_record": asking("summarise_record", length="sentence"),
    "a workflow drafted by AI": draft, "an audience": audience,
    "custom_code": script, "custom_code that is tried": script_that_is_tried,
}  # fmt: skip


def sent(now: dt.datetime = NOW) -> int:
    return requesting.send_due(lambda: now)


def test_every_action_that_waits_for_others_is_one_of_the_ways() -> None:
    """A new action that asks another system belongs here; these wait for nobody outside."""
    from tests.workflows.actions.test_actions_contract import WAITING

    asking_others = {slug for slug in WAITING if not slug.startswith("delay")} | {"send_sms", "send_whatsapp"}
    assert asking_others <= set(WAYS) and {way for way in WAYS if way in actions} == asking_others


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_an_address_or_a_name_of_the_own_network(way: str, ann: Contact, admin: User) -> None:
    said = WAYS[way](ann, "https://127.0.0.1", admin)
    sent()
    assert "127.0.0.1 (this machine itself)" in said() and REMEDY in said()
    assert connected == []


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_a_public_name_that_stands_for_an_address_of_the_own_network(
    way: str, ann: Contact, admin: User, resolver: Resolver
) -> None:
    said = WAYS[way](ann, "https://inside.example.com", admin)
    sent()
    assert "inside.example.com:443 is 10.0.0.7 (a private network)" in said() and REMEDY in said()
    assert "inside.example.com" in resolver.asked and connected == []


@pytest.mark.parametrize("way", [way for way in WAYS if "tried" not in way])
def test_a_name_that_means_something_else_a_moment_later_leads_nowhere_on_any_way(
    way: str, ann: Contact, admin: User, resolver: Resolver
) -> None:
    """Public at first, where the guard of all tests refuses the connection; this machine when it is tried again."""
    resolver.turns["rebind.example.com"] = [PUBLIC, "127.0.0.1"]
    origin = "https://rebind.example.com"
    if way == "custom_code":
        twice = "try { await fetch(u); } catch (e) {} await fetch(u);"
        said = walk(ann, code("s", main(f"const u = {json.dumps(origin)}; {twice}")))
        run_waiting(NOW)
    else:
        said = WAYS[way](ann, origin, admin)
        sent()
        found = Delivery.objects.get()
        assert found.state == "pending" and f"wanted to connect to {PUBLIC}" in found.last_error
        sent(LATER)
    assert "127.0.0.1 (this machine itself)" in said()
    assert connected == [] and resolver.asked.count("rebind.example.com") == 2


@pytest.mark.parametrize("way", WAYS)
def test_no_way_follows_a_redirect_into_the_own_network(way: str, ann: Contact, admin: User, settings: Any) -> None:
    with receiving() as receiver:
        settings.WEBHOOK_ALLOWED_HOSTS = [receiver.place]
        receiver.answer = lambda request, line: (307, {"Location": "https://inside.example.com/latest/"}, b"")
        said = WAYS[way](ann, receiver.url, admin)
        sent()
        assert "307" in said() or "10.0.0.7 (a private network)" in said(), said()
        assert len(receiver.received) == 1 and {port for _host, port in connected} == {port_of(receiver)}


def port_of(receiver: Receiver) -> int:
    return int(receiver.place.rpartition(":")[2])


def test_every_closed_name_is_refused_where_the_outbox_sends(ann: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, as requests that have come into the outbox whatever checked them before."""
    monkeypatch.setattr(requesting, "PER_LANE", 20)
    request = {"method": "POST", "connection": "", "outputs": [], "host": "x", "headers": {}, "body": "{}"}
    Delivery.objects.bulk_create(
        Delivery(
            key=f"k{n}", kind="webhook", lane=host, due_at=NOW, created_at=NOW,
            request={**request, "url": f"https://{host}/"},
        )
        for n, host in enumerate(INTO_THE_HOUSE)
    )  # fmt: skip
    while sent():
        pass
    sent(NOW + dt.timedelta(seconds=3))
    ends = list(Delivery.objects.values_list("state", "last_error"))
    assert {state for state, _error in ends} == {"dead"} and all(REMEDY in error for _state, error in ends)
    assert connected == [] and len(ends) == len(INTO_THE_HOUSE)


def test_the_providers_own_form_refuses_what_no_request_may_go_to(admin: User) -> None:
    for path in ("//169.254.169.254/", "/../..\\x", "@127.0.0.1/"):
        made = AIProvider(name="M", slug="m", connection=connection("https://models.example.com"), model="m")
        with pytest.raises(Exception, match="path"):
            providers.save(made, {"path": path})
