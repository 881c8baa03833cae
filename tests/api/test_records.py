"""Records over the API: the same routes for every object type."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Deal, User
from records.associations import associate
from records.models import Change, PropertyDefinition
from records.object_types import object_types
from tests.api.conftest import ApiClient, client_of, person


def test_a_record_is_created_read_changed_and_deleted(api: ApiClient, boss: User) -> None:
    created = api.send("POST", "contacts/", {"properties": {"email": "Ann@Example.com", "owner": "boss"}})
    assert created.status_code == 201
    contact = created.document
    assert contact["properties"]["email"] == "ann@example.com"
    assert contact["properties"]["owner"] == "boss"
    assert set(contact) == {"id", "properties", "associations", "created_at", "updated_at"}
    assert created["Location"].endswith(f"/api/v1/contacts/{contact['id']}/")
    path = f"contacts/{contact['id']}/"
    assert api.send("GET", path).document == contact
    changed = api.send("PATCH", path, {"properties": {"first_name": "Ann", "owner": None}}).document
    assert (changed["properties"]["first_name"], changed["properties"]["owner"]) == ("Ann", None)
    assert api.send("DELETE", path).status_code == 204
    assert api.send("GET", path).status_code == 404
    assert Contact.objects.get().deleted_at is not None
    change = Change.objects.earliest("id")
    assert (change.source["kind"], change.actor_id) == ("api", boss.pk)


@pytest.mark.parametrize("slug", ["contact", "company", "deal", "ticket", "task", "note"])
def test_every_object_type_has_the_same_routes(api: ApiClient, slug: str) -> None:
    object_type = object_types[slug]
    name = object_type.name_property
    value = "a@b.se" if slug == "contact" else "A name"
    created = api.send("POST", f"{object_type.plural}/", {"properties": {name: value}})
    assert created.status_code == 201, created.document
    page = api.send("GET", f"{object_type.plural}/").document
    assert page["results"] == [created.document]
    assert (page["next"], page["previous"]) == (None, None)


def test_a_filter_finds_the_records_that_match_its_criteria(api: ApiClient) -> None:
    Deal.objects.bulk_create(Deal(name=f"Deal {n}", amount=n) for n in range(10))
    criteria = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 7}]}
    found = api.send("GET", f"deals/?filter={quote(json.dumps(criteria))}").document["results"]
    assert [deal["properties"]["amount"] for deal in found] == [8, 9]


@pytest.mark.parametrize("ordering", ["id", "-id", "amount", "-amount", "name", "-close_date", "-created_at", "owner"])
def test_pages_hold_every_record_once_in_both_directions(api: ApiClient, ordering: str) -> None:
    people = [person(f"p{n}") for n in range(2)]
    for n in range(13):
        amount = None if n % 4 == 0 else (n % 3) * 1.25
        Deal.objects.create(name=f"Deal {n % 5}", amount=amount, owner=None if n % 2 else people[n % 4 // 2])
    forwards, url = [], f"deals/?page_size=3&ordering={ordering}"
    last = None
    while url:
        page = api.send("GET", url).document
        forwards.append([deal["id"] for deal in page["results"]])
        last, url = page, page["next"]
    assert sorted(itertools.chain.from_iterable(forwards)) == sorted(Deal.objects.values_list("id", flat=True))
    backwards, url = [forwards[-1]], last["previous"]
    while url:
        page = api.send("GET", url).document
        backwards.insert(0, [deal["id"] for deal in page["results"]])
        url = page["previous"]
    assert backwards == forwards


def test_a_page_costs_the_same_queries_for_one_and_for_fifty_records(api: ApiClient) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.send("GET", "deals/?properties=name,owner,number_of_contacts").status_code == 200
        return len(queries)

    def add(count: int) -> None:
        for n in range(count):
            deal = Deal.objects.create(name=f"Deal {n}", owner=person(f"u{Deal.objects.count()}"))
            company = Company.objects.create(name=f"Company {n}")
            associate(object_types["deal"], object_types["company"], [(deal.pk, company.pk)])

    add(1)
    api.send("GET", "deals/")
    one = cost()
    add(49)
    assert cost() == one <= 14


def test_a_batch_upserts_by_a_unique_property_and_says_what_became_of_each_row(api: ApiClient) -> None:
    Contact.objects.create(email="old@example.com", first_name="Old")
    Contact.objects.create(email="same@example.com", first_name="Same")
    rows = [
        {"properties": {"email": "old@example.com", "first_name": "New"}},
        {"properties": {"email": "same@example.com", "first_name": "Same"}},
        {"properties": {"email": "more@example.com"}},
    ]
    reply = api.send("POST", "contacts/batch/", {"records": rows, "upsert_by": "email"})
    assert reply.status_code == 200, reply.document
    assert [one["status"] for one in reply.document["results"]] == ["updated", "unchanged", "created"]
    assert {key: reply.document[key] for key in ("created", "updated", "unchanged", "invalid")} == {
        "created": 1, "updated": 1, "unchanged": 1, "invalid": 0,
    }  # fmt: skip


def test_a_batch_costs_the_same_queries_for_one_and_for_four_hundred_rows(api: ApiClient) -> None:
    def cost(start: int, count: int) -> int:
        rows = [{"properties": {"email": f"c{start + n}@example.com", "owner": "boss"}} for n in range(count)]
        with CaptureQueriesContext(connection) as queries:
            reply = api.send("POST", "contacts/batch/", {"records": rows, "upsert_by": "email"})
        assert reply.document["created"] == count
        return len(queries)

    api.send("GET", "contacts/")
    assert cost(0, 1) == cost(1, 400)


def test_one_bad_row_stops_a_batch_unless_it_may_be_partial(api: ApiClient) -> None:
    rows = [{"properties": {"name": "Good"}}, {"properties": {"name": "Bad", "amount": "many"}}]
    refused = api.send("POST", "deals/batch/", {"records": rows})
    assert refused.status_code == 400
    assert refused.document["errors"][0]["path"] == "records.1.properties.amount"
    assert not Deal.objects.exists()
    partial = api.send("POST", "deals/batch/", {"records": rows, "partial": True}).document
    assert [one["status"] for one in partial["results"]] == ["created", "invalid"]
    assert partial["results"][1]["errors"][0]["path"] == "properties.amount"


def test_a_deal_has_one_primary_company_whoever_sends_another(api: ApiClient) -> None:
    first, second, third = (Company.objects.create(name=name).pk for name in "ABC")

    def primary(pk: int) -> dict[str, Any]:
        return {"type": "company", "id": pk, "label": "primary"}

    deal = api.send(
        "POST", "deals/", {"properties": {"name": "Big"}, "associations": [primary(second), primary(first)]}
    )
    plain = {"type": "company", "id": second, "label": ""}
    assert deal.status_code == 201
    path = f"deals/{deal.document['id']}/associations/"

    def linked() -> list[dict[str, Any]]:
        return sorted(api.send("GET", f"{path}?type=company").document["results"], key=lambda one: one["id"])

    assert linked() == [primary(first), plain], "the last of two is"
    assert api.send("POST", path, primary(third)).status_code == 201
    assert linked() == [primary(first) | {"label": ""}, plain, primary(third)]


def test_associations_are_made_listed_and_removed(api: ApiClient) -> None:
    company = Company.objects.create(name="Acme")
    row = {"properties": {"name": "Big"}, "associations": [{"type": "company", "id": company.pk, "label": "primary"}]}
    deal = api.send("POST", "deals/", row).document
    link = {"type": "company", "id": company.pk, "label": "primary"}
    assert link in deal["associations"]
    back = api.send("GET", f"companies/{company.pk}/associations/?type=deal").document["results"]
    assert {"type": "deal", "id": deal["id"], "label": "primary"} in back
    path = f"deals/{deal['id']}/associations/"
    other = Company.objects.create(name="Other")
    made = api.send("POST", path, {"type": "company", "id": other.pk})
    assert (made.status_code, made.document) == (201, {"type": "company", "id": other.pk, "label": ""})
    removed = api.send("DELETE", f"{path}?type=company&id={company.pk}&label=primary")
    assert removed.status_code == 204
    left = api.send("GET", f"deals/{deal['id']}/").document["associations"]
    assert link not in left
    other.delete()
    assert api.send("DELETE", f"{path}?type=company&id={company.pk}&label=nonsense").status_code == 400


def test_links_to_deleted_records_are_not_shown(api: ApiClient) -> None:
    deal, company = Deal.objects.create(name="Big"), Company.objects.create(name="Acme")
    associate(object_types["deal"], object_types["company"], [(deal.pk, company.pk)])
    api.send("DELETE", f"companies/{company.pk}/")
    assert api.send("GET", f"deals/{deal.pk}/").document["associations"] == []
    assert api.send("GET", f"deals/{deal.pk}/associations/").document["results"] == []


def test_what_one_may_not_see_is_neither_shown_nor_filtered_by_nor_linked(boss: User) -> None:
    deal, company = Deal.objects.create(name="Big"), Company.objects.create(name="Acme")
    associate(object_types["deal"], object_types["company"], [(deal.pk, company.pk)])
    seller = client_of(person("seller", "crm.view_deal", "crm.change_deal"))
    assert seller.send("GET", f"deals/{deal.pk}/").document["associations"] == []
    inside = [{"property": "name", "operator": "is_known"}]
    criteria = json.dumps({"all": [{"association": "company", "all": inside}]})
    refused = seller.send("GET", f"deals/?filter={quote(criteria)}")
    assert refused.status_code == 403, refused.document
    link = {"type": "company", "id": company.pk}
    assert seller.send("POST", f"deals/{deal.pk}/associations/", link).status_code == 403
    shown = seller.send("GET", "object-types/").document["results"]
    assert [one["slug"] for one in shown] == ["deal"]


def test_custom_properties_are_properties_like_others(api: ApiClient) -> None:
    PropertyDefinition.objects.create(
        object_type="deal", slug="product", label="Product", type="select",
        options=[{"value": "gtk_500", "label": "GTK 500"}, {"value": "mg", "label": "MG Special"}],
    )  # fmt: skip
    for product in ("GTK 500", "mg", None):
        made = api.send("POST", "deals/", {"properties": {"name": "X", "product": product}})
        assert made.status_code == 201
    found = api.send("GET", "deals/?ordering=-product&properties=product").document["results"]
    assert [deal["properties"] for deal in found] == [{"product": "mg"}, {"product": "gtk_500"}, {"product": None}]
    types = {one["slug"]: one for one in api.send("GET", "object-types/").document["results"]}
    product = next(prop for prop in types["deal"]["properties"] if prop["slug"] == "product")
    assert product["custom"] and product["schema"]["enum"] == ["gtk_500", "mg", None]


def test_a_repeated_post_with_its_key_is_answered_from_memory(api: ApiClient) -> None:
    row = {"properties": {"name": "Once"}}
    first = api.send("POST", "deals/", row, Idempotency_Key="k1")
    again = api.send("POST", "deals/", row, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.document == first.document
    assert again["Idempotent-Replayed"] == "true"
    assert Deal.objects.count() == 1
    other = api.send("POST", "deals/", {"properties": {"name": "Twice"}}, Idempotency_Key="k1")
    assert other.status_code == 409
    assert api.send("POST", "deals/", row, Idempotency_Key="k2").document["id"] != first.document["id"]


def test_a_refused_post_leaves_its_key_free(api: ApiClient) -> None:
    assert api.send("POST", "deals/", {"properties": {"amount": "x"}}, Idempotency_Key="k").status_code == 400
    assert api.send("POST", "deals/", {"properties": {"name": "Right"}}, Idempotency_Key="k").status_code == 201
