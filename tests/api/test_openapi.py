"""The OpenAPI document is valid, complete, and true."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft202012Validator

from crm.models import Company, Contact, Conversation, Deal, SubscriptionType, User
from records.associations import associate
from records.clock import database_now
from records.object_types import object_types
from tests.api.conftest import ApiClient
from tests.api.test_permissions import PAGE_VIEW, PLURALS, TABLE, WISHES
from tests.api.test_workflows import definition, make, publish
from workflows.models import Delivery, Enrollment

MESSAGE = {
    "direction": "sent", "body": "We are on it.", "author": "boss", "at": "2026-03-01T10:00:00Z", "key": "m-1",
}  # fmt: skip


@pytest.fixture
def schema(api: ApiClient) -> dict[str, Any]:
    reply = api.generic("GET", "/api/v1/schema/")
    assert reply.status_code == 200
    return yaml.safe_load(reply.content)


def test_the_document_is_valid_without_a_warning(db: None, tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_nobody_without_a_token_reads_it(db: None) -> None:
    assert ApiClient().generic("GET", "/api/v1/schema/").status_code == 401


def plurals(route: str) -> tuple[str, ...]:
    """The object types that have a route; only some can be merged."""
    if route.endswith("/merge/"):
        return tuple(kind.plural for kind in object_types.values() if kind.mergeable)
    return PLURALS if "{plural}" in route else ("",)


@pytest.mark.covers("CPL-19")
def test_every_route_is_described_with_its_problems(schema: dict[str, Any]) -> None:
    described = {
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, methods in schema["paths"].items()
        for method in methods
    }
    served = {
        (method, re.sub(r"<int:(\w+)>", r"{\1}", route).replace("{plural}", plural))
        for method, route in TABLE
        for plural in plurals(route)
    }
    assert described == served
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            problems = {"401", "403", "429"} | ({"404"} if "{id}" in path else set())
            assert problems <= operation["responses"].keys(), (method, path)
            assert operation["security"] == [{"bearer": []}]


def test_replies_are_as_the_document_says(api: ApiClient, schema: dict[str, Any], boss: User) -> None:
    deal = Deal.objects.create(name="Big", amount=6000, owner=boss, close_date="2026-03-01")
    company = Company.objects.create(name="Acme")
    associate(object_types["deal"], object_types["company"], [(deal.pk, company.pk)])
    listed = api.send("POST", "lists/", {"name": "First", "object": "deal"}).document["id"]
    workflow = make(api)
    publish(api, workflow, existing=True)
    draft = make(api, "Draft")
    contact = Contact.objects.create(email="ann@example.com").pk
    conversation = Conversation.objects.create(subject="Hello").pk
    SubscriptionType.objects.create(slug="news", name="News")
    dead = Delivery.objects.create(
        key="1:tell:0", kind="mail", enrollment_id=Enrollment.objects.get().pk, request={}, state="dead",
        created_at=database_now(),
    ).pk  # fmt: skip
    calls = [
        ("GET", "deals/", "", None),
        ("GET", "deals/{id}/", f"deals/{deal.pk}/", None),
        ("GET", "deals/{id}/associations/", f"deals/{deal.pk}/associations/", None),
        ("POST", "deals/", "", {"properties": {"name": "New", "amount": 1.5}}),
        ("PATCH", "deals/{id}/", f"deals/{deal.pk}/", {"properties": {"name": "Newer"}}),
        ("POST", "deals/batch/", "", {"records": [{"properties": {}}], "partial": True}),
        ("GET", "contacts/{id}/subscriptions/", f"contacts/{contact}/subscriptions/", None),
        ("PUT", "contacts/{id}/subscriptions/", f"contacts/{contact}/subscriptions/", WISHES),
        ("GET", "conversations/{id}/messages/", f"conversations/{conversation}/messages/", None),
        ("POST", "conversations/{id}/messages/", f"conversations/{conversation}/messages/", MESSAGE),
        ("GET", "object-types/", "", None),
        ("GET", "event-types/", "", None),
        ("POST", "events/", "", PAGE_VIEW | {"record": {"email": "ann@example.com"}}),
        ("POST", "events/", "", PAGE_VIEW | {"record": 999999}),
        (
            "POST",
            "events/batch/",
            "",
            {
                "events": [PAGE_VIEW | {"record": contact}, PAGE_VIEW | {"record": contact, "event": "unheard_of"}],
                "partial": True,
            },
        ),
        ("GET", "lists/", "", None),
        ("POST", "lists/", "", {"name": "Chosen", "object": "deal"}),
        ("GET", "lists/{id}/", f"lists/{listed}/", None),
        ("PATCH", "lists/{id}/", f"lists/{listed}/", {"name": "Renamed"}),
        ("POST", "lists/{id}/members/", f"lists/{listed}/members/", {"add": [deal.pk, 999999], "remove": [999998]}),
        ("GET", "lists/{id}/members/", f"lists/{listed}/members/", None),
        ("DELETE", "lists/{id}/", f"lists/{listed}/", None),
        ("GET", "catalog/", "", None),
        ("GET", "workflows/", "", None),
        ("POST", "workflows/", "", {"name": "Another", "object": "deal", "definition": definition()}),
        ("GET", "workflows/{id}/", f"workflows/{draft}/", None),
        ("GET", "workflows/{id}/draft/", f"workflows/{draft}/draft/", None),
        ("GET", "workflows/{id}/review/", f"workflows/{workflow}/review/", None),
        ("POST", "workflows/{id}/publish/", f"workflows/{draft}/publish/", {"enroll_existing": True}),
        ("POST", "workflows/{id}/turn-off/", f"workflows/{draft}/turn-off/", None),
        ("POST", "workflows/{id}/enroll/", f"workflows/{workflow}/enroll/", {"records": [deal.pk]}),
        ("GET", "workflows/{id}/explain/", f"workflows/{workflow}/explain/?record={deal.pk}", None),
        ("GET", "deliveries/", "", None),
        ("GET", "deliveries/{id}/", f"deliveries/{dead}/", None),
        ("POST", "deliveries/{id}/retry/", f"deliveries/{dead}/retry/", None),
        ("POST", "deliveries/{id}/retry/", f"deliveries/{dead}/retry/", None),
        ("POST", "deliveries/skip/", "", {"workflow": workflow, "deliveries": [dead]}),
        ("POST", "deliveries/skip/", "", {}),
        ("GET", "enrollments/", "", None),
        ("GET", "enrollments/{id}/", f"enrollments/{Enrollment.objects.first().pk}/", None),
        (
            "POST",
            "workflows/{id}/enroll-matching/",
            f"workflows/{workflow}/enroll-matching/",
            {"criteria": {"all": [{"property": "name", "operator": "is_known"}]}},
        ),
        ("GET", "workflows/{id}/enroll-matching/", f"workflows/{workflow}/enroll-matching/", None),
        (
            "POST",
            "enrollments/move/",
            "",
            {
                "workflow": workflow,
                "step": "wait",
                "enrollments": [Enrollment.objects.first().pk],
                "preview": True,
            },
        ),
        ("POST", "enrollments/{id}/move/", f"enrollments/{Enrollment.objects.first().pk}/move/", {"step": "wait"}),
        ("POST", "workflows/{id}/move-matching/", f"workflows/{workflow}/move-matching/", {"step": "halve"}),
        ("GET", "workflows/{id}/move-matching/", f"workflows/{workflow}/move-matching/", None),
        ("POST", "workflows/{id}/unenroll/", f"workflows/{workflow}/unenroll/", {"records": [deal.pk]}),
        ("GET", "deals/{id}/", "deals/999999/", None),
        ("POST", "deals/", "", {"properties": {"name": 5, "amount": "x"}}),
    ]
    for method, route, path, document in calls:
        reply = api.send(method, path or route, document)
        operation = schema["paths"][f"/api/v1/{route}"][method.lower()]
        assert str(reply.status_code) in operation["responses"], (method, route, reply.document)
        if reply.status_code == 204:
            assert reply.document is None and "content" not in operation["responses"]["204"]
            continue
        (described,) = operation["responses"][str(reply.status_code)]["content"].values()
        faults = list(
            Draft202012Validator(described["schema"] | {"components": schema["components"]}).iter_errors(
                reply.document
            )
        )
        assert not faults, (method, route, faults[0].message)
        if document is not None:
            body = operation["requestBody"]["content"]["application/json"]["schema"]
            if reply.status_code < 300:
                Draft202012Validator(body | {"components": schema["components"]}).validate(document)
