"""Merging by the API: rights, replies, and what is said of a record that is gone into another."""

from __future__ import annotations

import pytest

from crm.models import Contact, User
from records.models import Event
from tests.api.conftest import ApiClient, client_of, person

pytestmark = pytest.mark.django_db
MAY = ("crm.view_contact", "crm.change_contact", "crm.delete_contact")


@pytest.fixture
def two(db: None) -> tuple[int, int]:
    ann = Contact.objects.create(email="ann@example.com", city="Lund")
    return ann.pk, Contact.objects.create(email="anne@example.com", city="Oslo", job_title="CEO").pk


def test_a_merge_answers_with_what_stays(api: ApiClient, two: tuple[int, int]) -> None:
    winner, loser = two
    reply = api.send("POST", f"contacts/{winner}/merge/", {"loser": loser, "keep": {"city": "loser"}})
    assert reply.status_code == 200
    found = reply.document["properties"]
    assert (reply.document["id"], found["email"], found["city"], found["job_title"]) == (
        winner, "ann@example.com", "Oslo", "CEO",
    )  # fmt: skip


def test_the_other_says_what_it_went_into_whatever_is_asked(api: ApiClient, two: tuple[int, int]) -> None:
    winner, loser = two
    api.send("POST", f"contacts/{winner}/merge/", {"loser": loser})
    for method, path, document in (
        ("GET", f"contacts/{loser}/", None),
        ("PATCH", f"contacts/{loser}/", {"properties": {"city": "Rome"}}),
        ("DELETE", f"contacts/{loser}/", None),
        ("GET", f"contacts/{loser}/associations/", None),
        ("POST", f"contacts/{loser}/merge/", {"loser": winner}),
    ):
        reply = api.send(method, path, document)
        assert (reply.status_code, reply.document["merged_into"]) == (410, winner), method
        assert reply["Location"].endswith(f"/api/v1/contacts/{winner}/")
    again = api.send("POST", f"contacts/{winner}/merge/", {"loser": loser})
    assert (again.status_code, again.document["errors"][0]["path"]) == (400, "loser")
    row = {"id": loser, "properties": {"city": "Rome"}}
    batch = api.send("POST", "contacts/batch/", {"records": [row]})
    assert f"merged into the contact {winner}" in batch.document["errors"][0]["message"]


def test_whoever_merges_may_change_and_delete(two: tuple[int, int]) -> None:
    winner, loser = two
    for left_out in MAY[1:]:
        user: User = person(left_out.replace(".", "_"), *(right for right in MAY if right != left_out))
        assert client_of(user).send("POST", f"contacts/{winner}/merge/", {"loser": loser}).status_code == 403
    assert (
        client_of(person("ann", *MAY)).send("POST", f"contacts/{winner}/merge/", {"loser": loser}).status_code == 200
    )


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "loser"), ({"loser": "4"}, "loser"), ({"loser": 10**18}, "loser"), ({"loser": 4, "kept": {}}, "kept"),
        ({"loser": 4, "keep": ["city"]}, "keep"), ({"loser": 4, "keep": {"city": 1}}, "keep.city"),
        ({"loser": 4, "keep": {"city": "mine"}}, "keep.city"), ({"loser": 4, "keep": {"shoe": "loser"}}, "keep.shoe"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    api: ApiClient, two: tuple[int, int], document: object, path: str
) -> None:
    reply = api.send("POST", f"contacts/{two[0]}/merge/", document)
    assert (reply.status_code, reply.document["errors"][0]["path"]) == (400, path)


def test_events_sent_about_the_other_happen_to_what_it_went_into(api: ApiClient, two: tuple[int, int]) -> None:
    winner, loser = two
    api.send("POST", f"contacts/{winner}/merge/", {"loser": loser})
    sent = {"event": "page_viewed", "object": "contact", "record": loser, "properties": {"url": "a.test"}}
    assert api.send("POST", "events/", sent).status_code == 201
    assert Event.objects.get(event="page_viewed").record_id == winner
