"""Events told by the API: one at a time or many, once each, about records that exist."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Contact
from records.models import CustomEventType, Event, PropertyDefinition
from tests.api.conftest import ApiClient

pytestmark = pytest.mark.django_db
VIEW = {"event": "page_viewed", "object": "contact", "properties": {"url": "example.com/pricing"}}


@pytest.fixture
def ann() -> int:
    return Contact.objects.create(email="ann@example.com", custom={"customer_no": "K1"}).pk


def test_an_event_is_recorded_once_for_its_id(api: ApiClient, ann: int) -> None:
    told = VIEW | {"record": ann, "id": "visit-1", "occurred_at": "2026-01-05T10:00:00+02:00"}
    first, second = (api.send("POST", "events/", told).document for _time in range(2))
    event = Event.objects.get()
    assert first == {"status": "recorded", "id": event.pk}
    assert second == {"status": "repeated", "id": None}
    assert (event.record_id, event.occurred_at.isoformat()) == (ann, "2026-01-05T08:00:00+00:00")
    assert event.source["kind"] == "api"


def test_the_record_is_named_by_its_id_or_a_unique_property(api: ApiClient, ann: int) -> None:
    number = {"object_type": "contact", "slug": "customer_no", "label": "Number", "type": "text", "unique": True}
    PropertyDefinition.objects.create(**number)
    for named in (ann, {"email": "ANN@example.com"}, {"customer_no": "K1"}):
        assert api.send("POST", "events/", VIEW | {"record": named}).status_code == 201, named
    assert Event.objects.filter(record_id=ann).count() == 3


@pytest.mark.parametrize(
    ("part", "path", "said"),
    [
        ({"record": 10**9}, "record", "There is no contact 1000000000"),
        ({"record": {"email": "nobody@example.com"}}, "record.email", "Create it first"),
        ({"record": {"city": "Lund"}}, "record.city", "does not name one of the contacts"),
        ({"record": {"email": "a@b.se", "id": 5}}, "record", "names no record"),
        ({"record": True}, "record", "names no record"),
        ({"event": "unheard_of"}, "event", "There is no event 'unheard_of'"),
        ({"event": "workflow_enrolled"}, "event", "Headrace itself tells of"),
        ({"object": "planet"}, "object", "There is no object type 'planet'"),
        ({"properties": {"url": "no page"}}, "properties.url", "is not a web address"),
        ({"properties": []}, "properties", "are a JSON object"),
        ({"occurred_at": "yesterday"}, "occurred_at", "is no instant"),
        ({"occurred_at": "2026-01-05T10:00:00"}, "occurred_at", "is no instant"),
        ({"occurred_at": "2999-01-05T10:00:00Z"}, "occurred_at", "lies in the future"),
        ({"occurred_at": "0001-01-01T00:00:00+05:00"}, "occurred_at", "“0001-01-01T00:00:00+05:00” lies before 1970"),
        ({"occurred_at": "1969-12-31T23:59:59Z"}, "occurred_at", "Send when it happened"),
        ({"colour": "red"}, "colour", "is not known here"),
    ],
)
def test_what_is_wrong_is_said_with_path_value_and_remedy(
    api: ApiClient, ann: int, part: dict[str, Any], path: str, said: str
) -> None:
    reply = api.send("POST", "events/", VIEW | {"record": ann} | part)
    assert reply.status_code == 400
    (fault,) = reply.document["errors"]
    assert fault["path"] == path
    assert said in fault["message"]
    assert not Event.objects.exists()


def test_a_batch_is_recorded_whole_or_what_is_valid(api: ApiClient, ann: int) -> None:
    good, bad = VIEW | {"record": ann}, VIEW | {"record": 10**9}
    clicked = {"event": "cta_clicked", "object": "contact", "record": {"email": "ann@example.com"}, "id": "c"}
    clicked |= {"properties": {"cta": "Buy"}}
    events = [good, bad, clicked, clicked, {"event": "page_viewed"}]
    whole = api.send("POST", "events/batch/", {"events": events[:4]})
    assert (whole.status_code, [fault["path"] for fault in whole.document["errors"]]) == (400, ["events.1.record"])
    assert not Event.objects.exists()
    found = api.send("POST", "events/batch/", {"events": events, "partial": True}).document
    assert [one["status"] for one in found["results"]] == ["recorded", "invalid", "recorded", "repeated", "invalid"]
    assert (found["recorded"], found["repeated"], found["invalid"]) == (2, 1, 2)
    assert found["results"][1]["errors"][0]["path"] == "record"
    assert Event.objects.count() == 2


def test_a_batch_has_a_limit(api: ApiClient, ann: int) -> None:
    events = [VIEW | {"record": ann}] * 1_001
    assert api.send("POST", "events/batch/", {"events": events}).status_code == 400
    assert api.send("POST", "events/batch/", {"events": events[:1_000]}).document["recorded"] == 1_000


def test_the_event_types_are_told_with_custom_ones(api: ApiClient) -> None:
    CustomEventType.objects.create(slug="licence_used", label="Licence used", object_type="company")
    found = {one["slug"]: one for one in api.send("GET", "event-types/").document["results"]}
    assert found["licence_used"]["custom"] and found["licence_used"]["object_types"] == ["company"]
    (url, *_others) = found["page_viewed"]["properties"]
    assert (url["slug"], url["type"], url["required"]) == ("url", "url", True)
    assert "workflow_enrolled" not in found
