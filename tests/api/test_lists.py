"""Lists over the API."""

from __future__ import annotations

import pytest

from crm.models import Company, Deal
from tests.api.conftest import ApiClient, client_of, person

pytestmark = pytest.mark.django_db

BIG = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 10}]}


def make(api: ApiClient, **facts: object) -> dict[str, object]:
    reply = api.send("POST", "lists/", {"name": "Chosen", "object": "deal", **facts})
    assert reply.status_code == 201, reply.document
    return reply.document


def test_active_lists_are_made_of_criteria_and_static_ones_of_ids(api: ApiClient) -> None:
    deals = Deal.objects.bulk_create([Deal(name="a", amount=5), Deal(name="b", amount=50)])
    active, static = make(api, name="Big", criteria=BIG), make(api)
    assert (active["kind"], active["members"], active["criteria"]) == ("active", 1, BIG)
    assert (static["kind"], static["members"], static["criteria"], static["slug"]) == ("static", 0, None, "chosen")
    moved = api.send("POST", f"lists/{static['id']}/members/", {"add": [deals[0].pk, deals[1].pk, 999999]})
    assert moved.document == {"added": 2, "removed": 0, "missing": [999999]}
    page = api.send("GET", f"lists/{static['id']}/members/?page_size=1").document
    rest = api.send("GET", page["next"]).document
    assert [member["id"] for member in page["results"] + rest["results"]] == [deal.pk for deal in deals]
    moved = api.send("POST", f"lists/{static['id']}/members/", {"remove": [deals[0].pk]})
    assert moved.document == {"added": 0, "removed": 1, "missing": []}
    assert [one["slug"] for one in api.send("GET", "lists/?kind=active").document["results"]] == ["big"]
    assert api.send("GET", "lists/?object=contact").document["results"] == []


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"object": "deal"}, "name", "required"),
        ({"name": "x", "object": "planet"}, "object", "Use one of"),
        ({"name": "x", "object": "deal", "slug": "Not A Slug"}, "slug", "small letters"),
        ({"name": "x", "object": "deal", "slug": "chosen"}, "slug", "Choose another"),
        ({"name": "x", "object": "deal", "kind": "active"}, "kind", "static when it has none"),
        ({"name": "x", "object": "deal", "criteria": {"all": []}}, "criteria.all", "empty"),
        ({"name": "x", "object": "deal", "criteria": BIG, "time_zone": "Mars"}, "time_zone", "Europe/Stockholm"),
        ({"name": "x", "object": "deal", "members": 3}, "members", "not known"),
    ],
)
def test_faults_are_named_with_path_and_remedy(
    api: ApiClient, document: dict[str, object], path: str, words: str
) -> None:
    make(api)
    reply = api.send("POST", "lists/", document)
    assert reply.status_code == 400
    assert [(fault["path"], words in fault["message"]) for fault in reply.document["errors"]] == [(path, True)]


def test_members_come_a_thousand_at_a_time(api: ApiClient) -> None:
    found = make(api)
    reply = api.send("POST", f"lists/{found['id']}/members/", {"add": list(range(1, 1002))})
    assert (reply.status_code, reply.document["errors"][0]["path"]) == (400, "add")


def test_an_active_list_takes_no_members_and_is_converted_for_good(api: ApiClient) -> None:
    deal = Deal.objects.create(name="a", amount=50)
    place = f"lists/{make(api, criteria=BIG)['id']}/"
    assert api.send("POST", f"{place}members/", {"add": [deal.pk]}).status_code == 400
    assert api.send("PATCH", place, {"kind": "static"}).document["kind"] == "static"
    assert api.send("PATCH", place, {"kind": "active"}).status_code == 400
    assert api.send("PATCH", place, {"criteria": BIG}).status_code == 400
    assert api.send("POST", f"{place}members/", {"remove": [deal.pk]}).document["removed"] == 1


def test_a_list_in_use_is_not_deleted(api: ApiClient) -> None:
    found = make(api)
    make(api, name="Those", criteria={"all": [{"list": "chosen", "operator": "is_member"}]})
    reply = api.send("DELETE", f"lists/{found['id']}/")
    assert reply.status_code == 400
    assert "used by the list “Those”" in reply.document["detail"]


def test_lists_of_records_one_may_not_see_stay_hidden(api: ApiClient) -> None:
    companies, deals = make(api, name="Firms", object="company"), make(api)
    Company.objects.create(name="Acme")
    client = client_of(person("ann", "crm.view_deal", "records.view_recordlist", "records.add_recordlist"))
    assert [one["id"] for one in client.send("GET", "lists/").document["results"]] == [deals["id"]]
    for path in (f"lists/{companies['id']}/", f"lists/{companies['id']}/members/"):
        assert client.send("GET", path).status_code == 403
    looking = {"all": [{"association": "company", **BIG, "all": [{"property": "name", "operator": "is_known"}]}]}
    assert client.send("POST", "lists/", {"name": "x", "object": "deal", "criteria": looking}).status_code == 403
