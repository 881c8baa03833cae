"""What is wrong is refused with a sentence that names place, value and remedy, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from crm.models import Company, Contact, Deal
from records.associations import associate
from records.object_types import object_types
from tests.api.conftest import ApiClient
from tests.api.test_workflows import STEPS, definition, make

#: Written by every request with a token, not by the request itself.
OTHER_TABLES = {"records_apitoken"}


def rows() -> dict[str, int]:
    """How many rows every table has."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - OTHER_TABLES
        counts = (f"SELECT '{table}', count(*) FROM \"{table}\"" for table in sorted(tables))
        cursor.execute(" UNION ALL ".join(counts))
        return dict(cursor.fetchall())


@pytest.fixture
def world(api: ApiClient) -> dict[str, int]:
    """A few records and a workflow to do wrong by."""
    deal, company = Deal.objects.create(name="Big", amount=10), Company.objects.create(name="Acme")
    contact = Contact.objects.create(email="ann@example.com")
    Contact.objects.create(email="bob@example.com")
    associate(object_types["deal"], object_types["company"], [(deal.pk, company.pk)])
    return {"deal": deal.pk, "company": company.pk, "contact": contact.pk, "workflow": make(api)}


def check(
    api: ApiClient, method: str, path: str, document: Any, status: int, place: str, *told: str, **headers: Any
) -> None:
    """The request is refused with this status; some error names the place and says all that is `told`."""
    before = rows()
    reply = api.send(method, path, document, **headers)
    assert reply.status_code == status, (reply.status_code, reply.document)
    assert reply["Content-Type"].startswith("application/problem+json")
    problem = reply.document
    assert {"type", "title", "status", "detail", "errors"} <= problem.keys()
    assert problem["detail"]
    errors = problem["errors"] or [{"path": "", "message": problem["detail"]}]
    matching = [error["message"] for error in errors if error["path"] == place]
    assert matching, (place, errors)
    for words in told:
        assert any(words in message for message in matching), (words, matching)
    assert rows() == before


def properties(**values: Any) -> dict[str, Any]:
    return {"properties": values}


#: name → (properties of a new deal, path of the fault, words of the message)
BAD_VALUES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "unknown property": ({"name": "X", "colour": "red"}, "properties.colour", ("colour",)),
    "number in words": ({"name": "X", "amount": "many"}, "properties.amount", ("many", "1234.5")),
    "arabic digits": ({"name": "X", "amount": "٣"}, "properties.amount", ("٣", "1234.5")),
    "number overflow": ({"name": "X", "amount": 10**17}, "properties.amount", ("100000000000000000",)),
    "a list for a number": ({"name": "X", "amount": [1]}, "properties.amount", ("[1]",)),
    "true for a number": ({"name": "X", "amount": True}, "properties.amount", ("True",)),
    "an object for text": ({"name": {"a": 1}}, "properties.name", ("Send a string",)),
    "required left out": ({"amount": 1}, "properties.name", ()),
    "required blank": ({"name": "  "}, "properties.name", ()),
    "text too long": ({"name": "x" * 251}, "properties.name", ("250", "251")),
    "invalid date": ({"name": "X", "close_date": "2026-02-30"}, "properties.close_date", ("2026-02-30", "2026-11-22")),
    "another order of date": ({"name": "X", "close_date": "31/12/2026"}, "properties.close_date", ("31/12/2026",)),
    "number for a date": ({"name": "X", "close_date": 5}, "properties.close_date", ("5",)),
    "enum not in list": ({"name": "X", "pipeline": "nowhere"}, "properties.pipeline", ("nowhere",)),
    "unknown user": ({"name": "X", "owner": "nobody"}, "properties.owner", ("nobody", "username")),
    "read-only property": ({"name": "X", "created_at": "2020-01-01"}, "properties.created_at", ()),
    "own id": ({"name": "X", "id": 7}, "properties.id", ()),
    "calculated property": ({"name": "X", "number_of_contacts": 7}, "properties.number_of_contacts", ()),
    "mass assignment": ({"name": "X", "deleted_at": None}, "properties.deleted_at", ("deleted_at",)),
    "custom as a whole": ({"name": "X", "custom": {"a": 1}}, "properties.custom", ("custom",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_VALUES)
@pytest.mark.parametrize("way", ["create", "change", "batch"])
def test_a_bad_value_is_refused(api: ApiClient, world: dict[str, int], name: str, way: str) -> None:
    values, place, told = BAD_VALUES[name]
    if way == "create":
        check(api, "POST", "deals/", {"properties": values}, 400, place, *told)
    elif way == "batch":
        batch = {"records": [{"properties": {"name": "Good"}}, {"properties": values}]}
        check(api, "POST", "deals/batch/", batch, 400, f"records.1.{place}", *told)
    elif name != "required left out":
        check(api, "PATCH", f"deals/{world['deal']}/", {"properties": values}, 400, place, *told)


#: name → (body, path of the fault, words of the message); sent as a new deal
BROKEN: dict[str, tuple[bytes, str, tuple[str, ...]]] = {
    "not JSON": (b'{"properties": \n {"name": }}', "", ("line 2 column 11",)),
    "cut off": (b'{"properties": {"name": "X"', "", ("line 1 column",)),
    "NaN": (b'{"properties": {"name": "X", "amount": NaN}}', "properties.amount", ("NaN", "finite number")),
    "Infinity": (b'{"properties": {"amount": -Infinity}}', "properties.amount", ("-Infinity",)),
    "1e400": (b'{"properties": {"amount": 1e400}}', "properties.amount", ("1e400", "too large")),
    "5,000 digits": (b'{"properties": {"amount": ' + b"9" * 5000 + b"}}", "properties.amount", ("5000 digits",)),
    "duplicate key": (b'{"properties": {"name": "A", "name": "B"}}', "properties.name", ("appears twice",)),
    "byte order mark": (b'\xef\xbb\xbf{"properties": {"name": "X"}}', "", ("byte order mark",)),
    "not UTF-8": (b'{"properties": {"name": "\xff"}}', "", ("byte 25 is 0xff",)),
    "UTF-16": ('{"properties": {"name": "X"}}'.encode("utf-16-le"), "", ("not JSON",)),
    "NUL": (b'{"properties": {"name": "a\\u0000b"}}', "properties.name", ("NUL character", "a␀b")),
    "NUL in a key": (b'{"properties": {"na\\u0000me": "b"}}', "properties.na␀me", ("NUL character",)),
    "half a surrogate": (b'{"properties": {"name": "\\ud800"}}', "properties.name", ("surrogate",)),
    "a raw line break in a text": (b'{"properties": {"name": "a\nb"}}', "", ("line 1 column",)),
    "nested 10,000 deep": (b'{"properties": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "", ("150 levels",)),
    "nested 200 deep": (b'{"properties": ' + b"[" * 200 + b"]" * 200 + b"}", "", ("150 levels",)),
    "a list": (b"[]", "", ("JSON object", "[]")),
    "a number": (b"7", "", ("JSON object", "7")),
    "null": (b"null", "", ("JSON object", "null")),
    "nothing": (b"{}", "properties.name", ()),
    "unknown key": (b'{"properties": {"name": "X"}, "is_superuser": true}', "is_superuser", ("properties",)),
    "properties as a list": (b'{"properties": [1]}', "properties", ("[1]",)),
    "an id of its own": (b'{"id": 5, "properties": {"name": "X"}}', "id", ("associations",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_document_is_refused(api: ApiClient, world: dict[str, int], name: str) -> None:
    body, place, told = BROKEN[name]
    check(api, "POST", "deals/", body, 400, place, *told)


@pytest.mark.parametrize(
    ("link", "place", "told"),
    [
        ({"type": "planet", "id": 1}, "associations.0.type", ("planet", "company")),
        ({"type": "company", "id": 999_999}, "associations.0.id", ("999999",)),
        ({"type": "company", "id": "one"}, "associations.0.id", ('"one"',)),
        ({"type": "company", "id": True}, "associations.0.id", ("true",)),
        ({"type": "company", "id": 2**63}, "associations.0.id", (str(2**63),)),
        ({"type": "company", "id": 1, "labels": []}, "associations.0.labels", ("label",)),
        ({"type": "company", "id": 1, "label": 5}, "associations.0.label", ("5",)),
        ("company", "associations.0", ('"company"',)),
    ],
)
def test_a_bad_association_is_refused(
    api: ApiClient, world: dict[str, int], link: Any, place: str, told: tuple[str, ...]
) -> None:
    check(api, "POST", "deals/", {**properties(name="X"), "associations": [link]}, 400, place, *told)
    alone = place.removeprefix("associations.0").lstrip(".")
    check(api, "POST", f"deals/{world['deal']}/associations/", link, 400, alone, *told)


def test_a_record_linked_with_itself_is_refused(api: ApiClient, world: dict[str, int]) -> None:
    link = {"type": "deal", "id": world["deal"]}
    check(api, "POST", f"deals/{world['deal']}/associations/", link, 400, "id", "itself")


def filter_of(document: Any) -> str:
    return f"deals/?filter={quote(document if isinstance(document, str) else json.dumps(document))}"


def leaf(**changes: Any) -> dict[str, Any]:
    return {"all": [{"property": "amount", "operator": "is_greater_than", "value": 1} | changes]}


def nested(depth: int) -> dict[str, Any]:
    document = leaf()
    for _level in range(depth):
        document = {"all": [document]}
    return document


MANY = {"all": [{"property": "amount", "operator": "is_known"}] * 251}
#: name → (query of the list of deals, path of the fault, words of the message)
BAD_QUERIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "filter not JSON": (filter_of("{all:"), "filter", ("line 1 column 2",)),
    "filter a number": (filter_of("5"), "filter", ("5",)),
    "unknown property": (filter_of(leaf(property="colour")), "filter.all.0.property", ("colour",)),
    "unknown operator": (filter_of(leaf(operator="resembles")), "filter.all.0.operator", ("resembles",)),
    "operator of another type": (filter_of(leaf(operator="contains")), "filter.all.0.operator", ("contains",)),
    "wrong type of value": (filter_of(leaf(value="many")), "filter.all.0.value", ("many",)),
    "unknown key": (filter_of(leaf(colour="red")), "filter.all.0.colour", ()),
    "251 filters": (filter_of(MANY), "filter.all.250", ("more than 250",)),
    "eleven levels": (filter_of(nested(11)), "filter" + ".all.0" * 10, ("10",)),
    "unknown association": (
        filter_of({"all": [{"association": "planet", "all": []}]}), "filter.all.0.association", ("planet",),
    ),
    "unknown user": (
        filter_of(leaf(property="owner", operator="is_any_of", value=["nobody"])), "filter.all.0.value", ("nobody",),
    ),
    "two kinds of group": (filter_of({"all": [], "any": []}), "filter", ()),
    "bad cursor": ("deals/?cursor=abc", "cursor", ("abc", "next")),
    "cursor of another order": ("deals/?cursor=WyJuYW1lIiwxLCJ4IixmYWxzZV0&ordering=-name", "cursor", ("next",)),
    "cursor with a NUL": ("deals/?cursor=WyJuYW1lIiwxLCJcdTAwMDAiLGZhbHNlXQ&ordering=name", "cursor", ("next",)),
    "page size 0": ("deals/?page_size=0", "page_size", ("0", "200")),
    "page size 201": ("deals/?page_size=201", "page_size", ("201", "200")),
    "page size in words": ("deals/?page_size=many", "page_size", ("many",)),
    "ordering by nothing known": ("deals/?ordering=colour", "ordering", ("colour", "amount")),
    "ordering by a lookup": ("deals/?ordering=owner__password", "ordering", ("owner__password",)),
    "unknown parameter": ("deals/?stage=won", "stage", ("filter",)),
    "unknown property to show": ("deals/?properties=name,colour", "properties", ("colour", "amount")),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_QUERIES)
def test_a_bad_query_is_refused(api: ApiClient, world: dict[str, int], name: str) -> None:
    path, place, told = BAD_QUERIES[name]
    check(api, "GET", path, None, 400, place, *told)


#: name → (batch of contacts, path of the fault, words of the message)
BAD_BATCHES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "1,001 rows": ({"records": [properties(email="x@y.se")] * 1001}, "records", ("1000", "1001")),
    "no rows": ({"records": []}, "records", ("1 to 1000",)),
    "no records": ({}, "records", ("required",)),
    "records as an object": ({"records": {"a": 1}}, "records", ('{"a": 1}',)),
    "a row that is text": ({"records": ["x"]}, "records.0", ('"x"',)),
    "upsert by a property that is not unique": (
        {"records": [properties(email="x@y.se")], "upsert_by": "city"}, "upsert_by", ("city", "email"),
    ),
    "upsert by nothing known": (
        {"records": [properties(email="x@y.se")], "upsert_by": "colour"}, "upsert_by", ("colour", "email"),
    ),
    "upsert by a number": ({"records": [properties(email="x@y.se")], "upsert_by": 5}, "upsert_by", ("5",)),
    "an id that is not there": (
        {"records": [{"id": 999_999, **properties(city="Lund")}]}, "records.0.id", ("999999",),
    ),
    "a unique value that is taken": (
        {"records": [properties(email="ann@example.com")]}, "records.0.properties.email", ("ann@example.com",),
    ),
    "the same unique value twice": (
        {"records": [properties(email="x@y.se"), properties(email="x@y.se")]}, "records.1.properties.email",
        ("x@y.se",),
    ),
    "an email that is none": ({"records": [properties(email="x")]}, "records.0.properties.email", ("“x”",)),
    "partial in words": (
        {"records": [properties(email="x@y.se")], "partial": "yes"}, "partial", ('"yes"', "true or false"),
    ),
    "an unknown key": ({"records": [properties(email="x@y.se")], "mode": "all"}, "mode", ("upsert_by",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_bad_batch_is_refused(api: ApiClient, world: dict[str, int], name: str) -> None:
    document, place, told = BAD_BATCHES[name]
    check(api, "POST", "contacts/batch/", document, 400, place, *told)


def step(**changes: Any) -> dict[str, Any]:
    return {"id": "one", "action": "delay", "params": {"days": 1}} | changes


def branches(*inside: Any) -> dict[str, Any]:
    return {"id": "split", "action": "branch", "branches": list(inside)}


def deep(levels: int) -> dict[str, Any]:
    found = step(id="bottom")
    for level in range(levels):
        found = {"id": f"b{level}", "action": "branch", "branches": [{"name": "x", "steps": [found]}]}
    return found


#: name → (keys of a definition, path of the fault in it, words of the message)
BAD_DEFINITIONS: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "unknown key": ({"state": "on"}, "state", ("steps",)),
    "another format": ({"format": 2}, "format", ("2", "Use 1")),
    "unknown trigger": ({"trigger": {"kind": "telepathy"}}, "trigger.kind", ("telepathy", "filter")),
    "a trigger in words": ({"trigger": "filter"}, "trigger.kind", ("manual",)),
    "steps as an object": ({"steps": {"a": 1}}, "steps", ("list",)),
    "a step that is text": ({"steps": ["x"]}, "steps.0", ("'x'",)),
    "unknown action": ({"steps": [step(action="teleport")]}, "steps.0.action", ("teleport", "delay")),
    "unknown key of a step": ({"steps": [step(lease_token=1)]}, "steps.0.lease_token", ("params",)),
    "a step id with bad characters": ({"steps": [step(id="Ö $")]}, "steps.0.id", ("Ö $", "small letters")),
    "no step id": ({"steps": [{"action": "delay"}]}, "steps.0.id", ("None",)),
    "duplicate step id": ({"steps": [step(), step()]}, "steps.1.id", ("one", "steps.0")),
    "branches on a step that has none": (
        {"steps": [step(branches=[{"name": "x", "steps": []}])]}, "steps.0.branches", ("Remove them",),
    ),
    "a branch without branches": ({"steps": [branches()]}, "steps.0.branches", ("at least one",)),
    "unknown key of a branch": (
        {"steps": [branches({"name": "x", "steps": [], "when": 1})]}, "steps.0.branches.0.when", ("criteria",),
    ),
    "params as a list": ({"steps": [step(params=[1])]}, "steps.0.params", ("[1]",)),
    "1,001 steps": ({"steps": [step(id=f"s{n}") for n in range(1001)]}, "steps", ("1000", "1001")),
    "nested 22 branches deep": (
        {"steps": [deep(22)]}, "steps.0" + ".branches.0.steps.0" * 20 + ".branches.0.steps", ("20",),
    ),
    "settings as a text": ({"settings": "none"}, "settings", ()),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_DEFINITIONS)
def test_a_bad_definition_is_refused_as_a_new_workflow_and_as_a_draft(
    api: ApiClient, world: dict[str, int], name: str
) -> None:
    changes, place, told = BAD_DEFINITIONS[name]
    document = definition(**changes)
    body = {"name": "Bad", "object": "deal", "definition": document}
    check(api, "POST", "workflows/", body, 400, f"definition.{place}", *told)
    path = f"workflows/{world['workflow']}/draft/"
    check(api, "PUT", path, document, 400, place, *told, If_Match='"0"')


CONTACT_LEAF = {"all": [{"property": "colour", "operator": "is_known"}]}
#: name → (keys of a definition that can be kept as a draft, path of what keeps it from being published, words)
UNPUBLISHABLE: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "a step not set up": ({"steps": [step(params={})]}, "steps.0.params", ()),
    "go-to a step that is missing": (
        {"steps": [step(), {"id": "jump", "action": "go_to", "params": {"step": "nowhere"}}]}, "steps.1.params.step",
        ("nowhere",),
    ),
    "no steps": ({"steps": []}, "steps", ("at least one",)),
    "no filters": ({"trigger": {"kind": "filter"}}, "trigger.criteria", ("at least one",)),
    "an unknown property in the trigger": (
        {"trigger": {"kind": "filter", "criteria": CONTACT_LEAF}}, "trigger.criteria.all.0.property", ("colour",),
    ),
    "between, reversed": (
        {"trigger": {"kind": "filter", "criteria": leaf(operator="is_between", value=9, upper=1)}},
        "trigger.criteria.all.0", (),
    ),
    "a negative delay": ({"steps": [step(params={"days": -1})]}, "steps.0.params.days", ()),
    "a delay of 10,000 years": ({"steps": [step(params={"days": 3_650_000})]}, "steps.0.params.days", ()),
    "an unknown property to edit": (
        {"steps": [step(action="edit_record", params={"property": "colour", "value": 1})]}, "steps.0.params.property",
        ("colour",),
    ),
    "an unknown setting of an action": (
        {"steps": [step(params={"days": 1, "weeks": 2})]}, "steps.0.params.weeks", ("days",),
    ),
}  # fmt: skip


@pytest.mark.covers("PLH-01", "PLH-04")
@pytest.mark.parametrize("name", UNPUBLISHABLE)
def test_an_unfinished_draft_is_kept_but_not_published(api: ApiClient, world: dict[str, int], name: str) -> None:
    changes, place, told = UNPUBLISHABLE[name]
    path = f"workflows/{world['workflow']}/"
    kept = api.send("PUT", f"{path}draft/", definition(**changes), If_Match='"0"')
    assert kept.status_code == 200, kept.document
    review = api.send("GET", f"{path}review/").document
    assert not review["ready"]
    found = [problem["path"] for problem in review["problems"] if problem["path"].startswith(place)]
    assert found, review["problems"]
    check(api, "POST", f"{path}publish/", {"enroll_existing": False}, 400, found[0], *told)


Bad = tuple[str, str, Any, int, str, tuple[str, ...]]
WORKFLOW = "workflows/{workflow}/"
#: name → (method, path, document, status, path of the fault, words of the message)
OTHERS: dict[str, Bad] = {
    "no workflow name": ("POST", "workflows/", {"object": "deal"}, 400, "name", ("required",)),
    "a long workflow name": ("POST", "workflows/", {"name": "x" * 201, "object": "deal"}, 400, "name", ("200", "xxx")),
    "an unknown object type": (
        "POST", "workflows/", {"name": "X", "object": "planet"}, 400, "object", ("planet", "deal"),
    ),
    "a status set by hand": ("PATCH", WORKFLOW, {"status": "on"}, 400, "status", ("folder",)),
    "a name that is a number": ("PATCH", WORKFLOW, {"name": 5}, 400, "name", ("5",)),
    "publishing without a choice": ("POST", WORKFLOW + "publish/", {}, 400, "enroll_existing", ("required",)),
    "publishing with a choice in words": (
        "POST", WORKFLOW + "publish/", {"enroll_existing": "yes"}, 400, "enroll_existing", ('"yes"',),
    ),
    "an unknown way for those inside": (
        "POST", WORKFLOW + "publish/", {"enroll_existing": True, "in_flight": "drop"}, 400, "in_flight", ("drop",),
    ),
    "enrolling nobody": ("POST", WORKFLOW + "enroll/", {"records": []}, 400, "records", ("[]",)),
    "enrolling names": ("POST", WORKFLOW + "enroll/", {"records": ["Ann"]}, 400, "records.0", ('"Ann"',)),
    "enrolling 1,001": ("POST", WORKFLOW + "enroll/", {"records": list(range(1, 1002))}, 400, "records", ("1000",)),
    "enrolling a huge id": ("POST", WORKFLOW + "enroll/", {"records": [2**63]}, 400, "records.0", (str(2**63),)),
    "explaining a name": ("GET", WORKFLOW + "explain/?record=Ann", None, 400, "record", ("Ann",)),
    "an unknown status": ("GET", "enrollments/?status=lost", None, 400, "status", ("lost",)),
    "enrollments of a name": ("GET", "enrollments/?workflow=x", None, 400, "workflow", ("x",)),
    "an id that is not there": ("GET", "deals/999999", None, 404, "", ()),
    "a record that is not there": ("PATCH", "deals/999999/", {"properties": {"name": "X"}}, 404, "", ()),
    "a huge id": ("GET", f"deals/{10**30}/", None, 404, "", ()),
    "a huge workflow id": ("GET", f"workflows/{10**30}/", None, 404, "", ()),
    "no slash at the end": ("POST", "deals", {"properties": {"name": "X"}}, 404, "", ("slash",)),
    "an unknown object type's records": ("GET", "planets/", None, 404, "", ("/api/v1/schema/",)),
    "a method there is not": ("DELETE", "deals/", None, 405, "", ("DELETE",)),
    "another method there is not": ("PUT", "deals/1/", {}, 405, "", ("PUT",)),
    "options": ("OPTIONS", "deals/", None, 405, "", ("OPTIONS",)),
    "which association to remove": ("DELETE", "deals/{deal}/associations/", None, 400, "type", ("?type=company",)),
    "an association that is not there": (
        "DELETE", "deals/{deal}/associations/?type=company&id=999999", None, 400, "id", ("999999",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_bad_requests_are_refused(api: ApiClient, world: dict[str, int], name: str) -> None:
    method, path, document, status, place, told = OTHERS[name]
    check(api, method, path.format(**world), document, status, place, *told)


@pytest.mark.parametrize(
    ("etag", "status", "place"),
    [(None, 428, "If-Match"), ('"7"', 409, "If-Match"), ("seven", 400, "If-Match"), ("*", 400, "If-Match")],
)
def test_a_draft_is_not_replaced_blindly(
    api: ApiClient, world: dict[str, int], etag: str | None, status: int, place: str
) -> None:
    headers = {"If_Match": etag} if etag else {}
    document = definition(steps=STEPS[:1])
    check(api, "PUT", f"workflows/{world['workflow']}/draft/", document, status, place, **headers)


def test_a_document_of_10_mb_is_refused_unread(api: ApiClient, world: dict[str, int]) -> None:
    body = b'{"properties": {"name": "' + b"x" * 10_000_000 + b'"}}'
    check(api, "POST", "deals/", body, 413, "", "5242880", "in parts")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"]
)
def test_what_is_not_json_is_refused(api: ApiClient, world: dict[str, int], content_type: str) -> None:
    before = rows()
    reply = api.generic("POST", "/api/v1/deals/", b"name=X", content_type=content_type)
    assert reply.status_code == 415
    problem = json.loads(reply.content)
    assert "Content-Type: application/json" in problem["detail"] and content_type.split(";")[0] in problem["detail"]
    assert rows() == before


def test_a_document_in_chunks_is_refused(api: ApiClient, world: dict[str, int]) -> None:
    reply = api.generic("POST", "/api/v1/deals/", b"", headers={"Transfer-Encoding": "chunked"})
    assert reply.status_code == 411
    assert "Content-Length" in json.loads(reply.content)["detail"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_unusable_idempotency_key_is_refused(api: ApiClient, world: dict[str, int], key: str) -> None:
    headers = {"Idempotency_Key": key}
    check(api, "POST", "deals/", properties(name="X"), 400, "Idempotency-Key", "255", **headers)


def test_an_error_of_ours_is_told_without_its_insides(
    api: ApiClient, world: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> Callable[[], None]:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("records.api.record_views.render", broken)
    api.raise_request_exception = False
    reply = api.send("GET", "deals/")
    assert reply.status_code == 500
    assert reply.document["type"] == "urn:headrace:problem:internal"
    assert "swordfish" not in reply.content.decode()
