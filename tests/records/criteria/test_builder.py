"""The criteria builder: its form field, and what it asks the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from crm.models import Deal, User
from records.criteria.widget import CriteriaField
from records.object_types import object_types

DOCUMENT = {"any": [{"all": [{"property": "name", "operator": "contains_any_of", "value": ['<Ann> & "Bo"']}]}]}


class Form(forms.Form):
    criteria = CriteriaField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["criteria"].aim(object_types["deal"])


@pytest.fixture
def staff(client: Client, ann: User) -> Client:
    ann.is_staff = True
    ann.save()
    ann.user_permissions.add(Permission.objects.get(codename="view_deal"))
    client.force_login(ann)
    return client


def test_the_field_takes_and_gives_the_same_document(db: None) -> None:
    form = Form({"criteria": json.dumps(DOCUMENT)})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["criteria"] == DOCUMENT
    assert form.fields["criteria"].to_json(DOCUMENT) == DOCUMENT
    assert Form({"criteria": ""}).is_valid()


def test_the_field_tells_each_fault_and_the_builder_gets_its_path(db: None) -> None:
    form = Form({"criteria": json.dumps({"all": [{"property": "colour", "operator": "is_known"}]})})
    assert "There is no property 'colour'" in form.errors["criteria"][0]
    assert form.fields["criteria"].problems[0].path == "all.0.property"
    assert "all.0.property" in str(form["criteria"])
    broken = Form({"criteria": "{"})
    assert not broken.is_valid() and "not valid JSON" in broken.errors["criteria"][0]


def test_the_builder_is_markup_without_inline_script_or_style(db: None) -> None:
    html = str(Form(initial={"criteria": DOCUMENT})["criteria"])
    assert "<script" not in html and "style=" not in html and "&lt;Ann&gt; &amp;" in html
    assert 'type="module"' in str(Form().media) and "records/criteria.css" in str(Form().media)


def test_the_catalog_names_properties_operators_and_associations(staff: Client) -> None:
    found = staff.get(reverse("records:criteria-catalog", args=["deal"])).json()
    stage = next(prop for prop in found["properties"] if prop["slug"] == "stage")
    assert stage["family"] == "select" and "select:is_any_of" in stage["operators"]
    assert found["operators"]["number:is_between"]["operands"][0]["name"] == "from"
    company = next(one for one in found["associations"] if one["slug"] == "company")
    told = {"slug": "company", "to": "company", "label": "Company", "labelled": True, "labels": []}
    assert company | told == company
    counted = next(prop for prop in found["properties"] if prop["slug"] == "number_of_companies")
    assert "number:has_ever_been_equal_to" not in counted["operators"]


def ask(client: Client, body: Any, kind: str = "deal") -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(reverse("records:criteria-count", args=[kind]), text, content_type="application/json")


@pytest.mark.detail(2)
def test_the_number_of_matches_comes_with_samples_and_the_sentence(staff: Client) -> None:
    Deal.objects.bulk_create(Deal(name=f"deal {i}") for i in range(7))
    document = {"all": [{"property": "name", "operator": "starts_with_any_of", "value": ["DEAL"]}]}
    found = ask(staff, {"criteria": document, "zone": "Europe/Stockholm"}).json()
    assert (found["summary"], len(found["samples"])) == ("7 deals match now", 5)
    assert found["sentence"] == "Name contains any of “DEAL”".replace("contains", "starts with")
    document["all"][0]["value"] = ["zzz"]
    assert ask(staff, {"criteria": document}).json()["why_none"].endswith("excludes all.")


def test_bad_criteria_get_their_problems_with_paths(staff: Client) -> None:
    answer = ask(staff, {"criteria": {"all": [{"property": "amount", "operator": "is_equal_to", "value": "x"}]}})
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, "all.0.value")
    for body in (
        "{",
        "[]",
        "null",
        {"criteria": DOCUMENT, "zone": "Mars"},
        {"criteria": DOCUMENT, "zone": 5},
        "[" * 5000,
    ):
        assert ask(staff, body).status_code == 400, body


def test_only_staff_who_may_see_the_records_are_answered(staff: Client, client: Client, ann: User) -> None:
    assert ask(staff, {"criteria": DOCUMENT}, "contact").status_code == 403
    assert ask(staff, {"criteria": DOCUMENT}, "planet").status_code == 404
    ann.is_staff = False
    ann.save()
    assert ask(staff, {"criteria": DOCUMENT}).status_code == 403
    client.logout()
    assert client.get(reverse("records:criteria-catalog", args=["deal"])).status_code == 403


def test_what_one_may_not_see_is_not_told_by_way_of_what_one_may(staff: Client, ann: User) -> None:
    document = {"all": [{"association": "contact", "all": [{"property": "email", "operator": "is_known"}]}]}
    answer = ask(staff, {"criteria": document})
    assert (answer.status_code, list(answer.json())) == (403, ["problems"])
    assert "records of the type “contact”, which you may not see" in answer.json()["problems"][0]["message"]
    on_the_way = {"all": [{"association": "contact", "all": [{"association": "deal", **DOCUMENT["any"][0]}]}]}
    assert ask(staff, {"criteria": on_the_way}).status_code == 403
    ann.user_permissions.add(Permission.objects.get(codename="view_contact"))
    assert ask(staff, {"criteria": document}).json()["count"] == 0
