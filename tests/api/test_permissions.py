"""Who may call which route: a route that is not in the table fails the test."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import URLResolver, get_resolver

from crm.models import (
    Audience,
    Company,
    Contact,
    Conversation,
    Deal,
    EmailTemplate,
    Sequence,
    SubscriptionType,
    Survey,
    User,
)
from records.clock import database_now
from records.lists import keeping
from records.models import Scope
from records.object_types import object_types
from tests.api.conftest import SCOPES, ApiClient, client_of, person
from tests.api.test_workflows import make
from workflows.models import AIProvider, Delivery, Enrollment, Revision, Workflow
from workflows.outside import connecting
from workflows.webhooks import keeping as webhooks

RECORD = {"properties": {"name": "X"}}
PAGE_VIEW = {
    "event": "page_viewed",
    "object": "contact",
    "record": "{contact}",
    "properties": {"url": "headrace.test"},
}
WISHES = {"subscriptions": [{"type": "news", "status": "unsubscribed"}]}
KINDS = ("contact", "company", "deal", "ticket", "conversation", "task", "note")
VIEWER = {f"crm.view_{name}" for name in KINDS} | {
    "workflows.view_workflow", "workflows.view_enrollment", "workflows.view_delivery", "records.view_recordlist",
    "workflows.view_webhook", "workflows.view_connection", "workflows.view_auditentry", "workflows.view_aiprovider",
    "crm.view_emailtemplate", "crm.view_sequence", "crm.view_survey", "crm.view_audience",
}  # fmt: skip
EDITOR = VIEWER | {
    "crm.add_deal", "crm.change_deal", "crm.delete_deal", "crm.change_contact", "crm.change_conversation",
    "workflows.add_workflow",
    "workflows.change_workflow", "records.add_recordlist", "records.change_recordlist", "records.delete_recordlist",
    "workflows.add_webhook", "workflows.change_webhook", "workflows.delete_webhook",
}  # fmt: skip
PUBLISHER = EDITOR | {
    "workflows.publish_workflow", "workflows.delete_workflow", "workflows.change_delivery", "workflows.add_connection",
    "workflows.change_connection", "workflows.delete_connection", "workflows.add_aiprovider",
    "workflows.change_aiprovider", "workflows.delete_aiprovider",
}  # fmt: skip
PEOPLE = ("stranger", "viewer", "editor", "publisher", "superuser")
V, E, P, ANY = "viewer", "editor", "publisher", "stranger"

#: (method, route) → (scope it asks for, the least of PEOPLE who may, document). "{plural}" stands for every type's.
TABLE: dict[tuple[str, str], tuple[str, str, Any]] = {
    ("GET", "{plural}/"): ("records:read", V, None),
    ("POST", "{plural}/"): ("records:write", E, RECORD),
    ("POST", "{plural}/batch/"): ("records:write", E, {"records": [RECORD]}),
    ("GET", "{plural}/<int:id>/"): ("records:read", V, None),
    ("PATCH", "{plural}/<int:id>/"): ("records:write", E, RECORD),
    ("DELETE", "{plural}/<int:id>/"): ("records:write", E, None),
    ("POST", "{plural}/<int:id>/merge/"): ("records:write", E, {"loser": "{company}"}),
    ("GET", "{plural}/<int:id>/associations/"): ("records:read", V, None),
    ("POST", "{plural}/<int:id>/associations/"): ("records:write", E, {"type": "company", "id": "{company}"}),
    ("DELETE", "{plural}/<int:id>/associations/"): ("records:write", E, None),
    ("GET", "contacts/<int:id>/subscriptions/"): ("records:read", V, None),
    ("PUT", "contacts/<int:id>/subscriptions/"): ("records:write", E, WISHES),
    ("GET", "conversations/<int:id>/messages/"): ("records:read", V, None),
    ("POST", "conversations/<int:id>/messages/"): ("records:write", E, {"direction": "received", "body": "Hello"}),
    ("GET", "event-types/"): ("records:read", ANY, None),
    ("POST", "events/"): ("records:write", E, PAGE_VIEW),
    ("POST", "events/batch/"): (
        "records:write",
        E,
        {"events": [{**PAGE_VIEW, "record": {"email": "ann@example.com"}}]},
    ),
    ("GET", "lists/"): ("records:read", V, None),
    ("POST", "lists/"): ("records:write", E, {"name": "Chosen", "object": "deal"}),
    ("GET", "lists/<int:id>/"): ("records:read", V, None),
    ("PATCH", "lists/<int:id>/"): ("records:write", E, {"name": "Renamed"}),
    ("DELETE", "lists/<int:id>/"): ("records:write", E, None),
    ("GET", "lists/<int:id>/members/"): ("records:read", V, None),
    ("POST", "lists/<int:id>/members/"): ("records:write", E, {"add": ["{deal}"]}),
    ("GET", "object-types/"): ("records:read", ANY, None),
    ("GET", "catalog/"): ("workflows:read", ANY, None),
    ("GET", "workflows/"): ("workflows:read", V, None),
    ("POST", "workflows/"): ("workflows:write", E, {"name": "New", "object": "deal"}),
    ("GET", "workflows/<int:id>/"): ("workflows:read", V, None),
    ("PATCH", "workflows/<int:id>/"): ("workflows:write", E, {"name": "Renamed"}),
    ("DELETE", "workflows/<int:id>/"): ("workflows:publish", P, None),
    ("GET", "workflows/<int:id>/draft/"): ("workflows:read", V, None),
    ("PUT", "workflows/<int:id>/draft/"): ("workflows:write", E, {}),
    ("GET", "workflows/<int:id>/review/"): ("workflows:read", V, None),
    ("POST", "workflows/<int:id>/publish/"): ("workflows:publish", P, {"enroll_existing": False}),
    ("POST", "workflows/<int:id>/turn-on/"): ("workflows:publish", P, None),
    ("POST", "workflows/<int:id>/turn-off/"): ("workflows:publish", P, None),
    ("POST", "workflows/<int:id>/pause/"): ("workflows:publish", P, None),
    ("POST", "workflows/<int:id>/resume/"): ("workflows:publish", P, None),
    ("POST", "workflows/<int:id>/enroll/"): ("workflows:publish", P, {"records": ["{deal}"]}),
    ("GET", "workflows/<int:id>/enroll-matching/"): ("workflows:publish", P, None),
    ("POST", "workflows/<int:id>/enroll-matching/"): (
        "workflows:publish",
        P,
        {"criteria": {"all": [{"property": "name", "operator": "is_known"}]}},
    ),
    ("POST", "workflows/<int:id>/unenroll/"): ("workflows:publish", P, {"records": ["{deal}"]}),
    ("GET", "workflows/<int:id>/explain/"): ("workflows:read", V, None),
    ("GET", "workflows/<int:id>/performance/"): ("workflows:read", V, None),
    ("GET", "workflows/<int:id>/revisions/"): ("workflows:read", V, None),
    ("GET", "workflows/<int:id>/revisions/<int:number>/"): ("workflows:read", V, None),
    ("GET", "workflows/<int:id>/revisions/<int:number>/compare/<int:later>/"): ("workflows:read", V, None),
    ("GET", "audit/"): ("history:read", V, None),
    ("GET", "deliveries/"): ("history:read", V, None),
    ("GET", "deliveries/<int:id>/"): ("history:read", V, None),
    ("POST", "deliveries/<int:id>/retry/"): ("workflows:publish", P, None),
    ("POST", "deliveries/<int:id>/skip/"): ("workflows:publish", P, None),
    ("POST", "deliveries/<int:id>/mark-sent/"): ("workflows:publish", P, None),
    ("POST", "deliveries/retry/"): ("workflows:publish", P, {"state": "dead"}),
    ("POST", "deliveries/skip/"): ("workflows:publish", P, {"kind": "mail"}),
    ("POST", "deliveries/mark-sent/"): ("workflows:publish", P, {"workflow": "{workflow}"}),
    ("GET", "webhooks/"): ("workflows:read", V, None),
    ("POST", "webhooks/"): ("workflows:write", E, {"name": "Shop", "object": "contact"}),
    ("GET", "webhooks/<int:id>/"): ("workflows:read", V, None),
    ("PATCH", "webhooks/<int:id>/"): ("workflows:write", E, {"name": "Renamed"}),
    ("DELETE", "webhooks/<int:id>/"): ("workflows:write", E, None),
    ("POST", "webhooks/<int:id>/rotate/"): ("workflows:write", E, None),
    ("POST", "webhooks/<int:id>/sign/"): ("workflows:write", E, None),
    ("GET", "webhooks/<int:id>/requests/"): ("history:read", V, None),
    ("GET", "connections/"): ("workflows:read", V, None),
    ("POST", "connections/"): ("workflows:write", P, {"name": "Shop", "origin": "https://example.com"}),
    ("GET", "connections/<int:id>/"): ("workflows:read", V, None),
    ("PATCH", "connections/<int:id>/"): ("workflows:write", P, {"name": "Renamed"}),
    ("DELETE", "connections/<int:id>/"): ("workflows:write", P, None),
    ("POST", "connections/<int:id>/sign/"): ("workflows:write", P, None),
    ("GET", "workflows/<int:id>/move-matching/"): ("workflows:publish", P, None),
    ("POST", "workflows/<int:id>/move-matching/"): ("workflows:publish", P, {"step": "nudge"}),
    ("POST", "enrollments/<int:id>/move/"): ("workflows:publish", P, {"step": "nudge"}),
    ("POST", "enrollments/move/"): (
        "workflows:publish",
        P,
        {"workflow": "{workflow}", "step": "nudge", "enrollments": ["{enrollment}"]},
    ),
    ("GET", "ai-providers/"): ("workflows:read", V, None),
    ("POST", "ai-providers/"): ("workflows:write", P, {"name": "House", "connection": "shop", "model": "small-1"}),
    ("GET", "ai-providers/<int:id>/"): ("workflows:read", V, None),
    ("PATCH", "ai-providers/<int:id>/"): ("workflows:write", P, {"name": "Renamed"}),
    ("DELETE", "ai-providers/<int:id>/"): ("workflows:write", P, None),
    ("GET", "email-templates/"): ("workflows:read", V, None),
    ("GET", "email-templates/<int:id>/"): ("workflows:read", V, None),
    ("GET", "sequences/"): ("workflows:read", V, None),
    ("GET", "sequences/<int:id>/"): ("workflows:read", V, None),
    ("GET", "surveys/"): ("workflows:read", V, None),
    ("GET", "surveys/<int:id>/"): ("workflows:read", V, None),
    ("GET", "audiences/"): ("workflows:read", V, None),
    ("GET", "audiences/<int:id>/"): ("workflows:read", V, None),
    ("GET", "enrollments/"): ("history:read", V, None),
    ("GET", "enrollments/<int:id>/"): ("history:read", V, None),
    ("POST", "enrollments/<int:id>/retry/"): ("workflows:publish", P, None),
    ("POST", "enrollments/<int:id>/skip/"): ("workflows:publish", P, {"step": "nudge"}),
    ("POST", "enrollments/retry/"): ("workflows:publish", P, {"workflow": "{workflow}"}),
    ("POST", "enrollments/skip/"): ("workflows:publish", P, {"workflow": "{workflow}", "step": "nudge"}),
}
#: What only records of one type have.
OF_ONE_TYPE = ("/subscriptions/", "/messages/")
PLURALS = tuple(object_type.plural for object_type in object_types.values())


def routes(resolver: URLResolver, prefix: str = "") -> dict[str, set[str]]:
    """Every route of the API with the methods it takes, plurals of object types as "{plural}"."""
    found: dict[str, set[str]] = {}
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found |= {name: found.get(name, set()) | methods for name, methods in routes(pattern, route).items()}
        elif route.startswith("api/v1/") and hasattr(pattern.callback, "actions"):
            name = route.removeprefix("api/v1/")
            first, slash, rest = name.partition("/")
            own = rest.endswith(OF_ONE_TYPE)
            name = f"{{plural}}{slash}{rest}" if first in PLURALS and not own else name
            found[name] = {method.upper() for method in pattern.callback.actions if method != "head"}
    return found


def test_every_route_is_in_the_table() -> None:
    served = {(method, route) for route, methods in routes(get_resolver()).items() for method in methods}
    assert served == set(TABLE)


@pytest.fixture
def places(boss: User) -> dict[str, int]:
    workflow = make(client_of(boss))
    deal, company = Deal.objects.create(name="Big", amount=10), Company.objects.create(name="Acme")
    contact = Contact.objects.create(email="ann@example.com")
    SubscriptionType.objects.create(slug="news", name="News")
    enrollment = Enrollment.objects.create(
        workflow_id=workflow, revision=Workflow.objects.get().revisions.get(), record_id=deal.pk,
        enrolled_at="2026-01-01T00:00:00Z", cause={"kind": "manual"},
    )  # fmt: skip
    Revision.objects.create(
        workflow_id=workflow, number=7, definition=enrollment.revision.definition, published_at=database_now()
    )
    delivery = Delivery.objects.create(
        key="1:tell:0", kind="mail", enrollment_id=enrollment.pk, request={}, state="dead", created_at=database_now()
    )
    records = {"delivery": delivery.pk, "deal": deal.pk, "company": company.pk, "contact": contact.pk}
    chosen = keeping.create(object_types["deal"], "Chosen", now=database_now())
    records["conversation"] = Conversation.objects.create(subject="Hello").pk
    webhook = webhooks.create("Shop orders", "contact")
    found = {"workflow": workflow, **records, "enrollment": enrollment.pk, "list": chosen.pk, "webhook": webhook.pk}
    made = connecting.create({"name": "Shop", "origin": "https://example.com"}, by=boss, now=database_now())
    news = SubscriptionType.objects.get(slug="news")
    asset = {"name": "House", "slug": "house"}
    assets = {
        "ai-providers": AIProvider.objects.create(connection=made, model="m", **asset),
        "email-templates": EmailTemplate.objects.create(type=news, subject="Hi", body="<p>Hi</p>", **asset),
        "sequences": Sequence.objects.create(subscription=news, **asset), "surveys": Survey.objects.create(**asset),
        "audiences": Audience.objects.create(**asset),
    }  # fmt: skip
    return found | {"connection": made.pk} | {name: one.pk for name, one in assets.items()}


def call(client: ApiClient, method: str, route: str, document: Any, places: dict[str, int]) -> int:
    ids = {"l": places["list"], "w": places["workflow"], "e": places["enrollment"], "c": places["contact"]}
    ids |= {"c": places["conversation"]} if route.startswith("conversations/") else {}
    ids |= {"d": places["delivery"]} if route.startswith("deliveries/") else {}
    ids |= {"c": places["connection"]} if route.startswith("connections/") else {}
    ids |= {"w": places["webhook"]} if route.startswith("webhooks/") else {}
    own = places.get(route.partition("/")[0], ids.get(route[0], places["deal"]))
    path = route.replace("{plural}", "deals").replace("<int:id>", str(own))
    path = path.replace("<int:number>", "7").replace("<int:later>", "7")
    if route.endswith("explain/"):
        path += f"?record={places['deal']}"
    if isinstance(document, dict):
        document = {key: filled(value, places) for key, value in document.items()}
    return client.send(method, path, document).status_code


def filled(value: Any, places: dict[str, int]) -> Any:
    if isinstance(value, list):
        return [filled(one, places) for one in value]
    return places[value.strip("{}")] if isinstance(value, str) and value.startswith("{") else value


def member(name: str) -> User:
    if name == "superuser":
        return User.objects.create_superuser("super")
    return person(name, *{"stranger": set(), "viewer": VIEWER, "editor": EDITOR, "publisher": PUBLISHER}[name])


@pytest.mark.parametrize(("method", "route"), TABLE)
def test_nobody_gets_in_without_a_token(places: dict[str, int], method: str, route: str) -> None:
    assert call(ApiClient(), method, route, TABLE[method, route][2], places) == 401


@pytest.mark.parametrize(("method", "route"), TABLE)
def test_a_superusers_token_without_the_scope_is_refused(places: dict[str, int], method: str, route: str) -> None:
    scope, _least, document = TABLE[method, route]
    others = [name for name in SCOPES if name != scope]
    assert call(client_of(member("superuser"), *others), method, route, document, places) == 403
    assert len(others) == len(Scope.values) - 1


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize(("method", "route"), TABLE)
def test_a_token_does_what_its_owner_may(places: dict[str, int], name: str, method: str, route: str) -> None:
    scope, least, document = TABLE[method, route]
    status = call(client_of(member(name), scope), method, route, document, places)
    allowed = PEOPLE.index(name) >= PEOPLE.index(least)
    assert (status != 403) == allowed, status
    assert status not in (401, 404, 405, 500)
