"""Choosing users: a list while there are few of them, a search by name where there are thousands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal, User
from records import people
from records.vocabulary import read_once
from tests.api.conftest import person
from workflows.step_forms.forms import UserField, UsersField
from workflows.step_forms.params import ParamsForm, StepContext

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client: Client) -> User:
    user = User.objects.create_superuser("ann", first_name="Ann", last_name="Berg")
    client.force_login(user)
    return user


@pytest.fixture
def many(ann: User, monkeypatch: pytest.MonkeyPatch) -> list[User]:
    """More people than a list can show; the last of them has left."""
    monkeypatch.setattr(people, "FEW", 3)
    names = [
        ("bo", "Bo", "Lind"),
        ("cy", "Cy", "Lind"),
        ("di", "Di", "Falk"),
        ("ed", "Ed", "Ek"),
        ("flo", "Flo", "Gone"),
    ]
    made = [User.objects.create(username=name, first_name=first, last_name=last) for name, first, last in names]
    User.objects.filter(username="flo").update(is_active=False)
    return made


def found(client: Client, text: str) -> list[str]:
    return [one["value"] for one in client.get(reverse("records:people"), {"q": text}).json()["people"]]


def test_people_are_found_by_every_word_of_their_names_by_whoever_may_see_records(
    many: list[User], client: Client
) -> None:
    assert found(client, "lind") == ["bo", "cy"] and found(client, "LIN cy") == ["cy"]
    assert found(client, "") == [] and found(client, "flo") == [], "neither all nor who has left"
    assert client.get(reverse("records:people") + "?q=lind%00").status_code in (200, 400)
    for user, status in ((person("clerk", "crm.view_deal", is_staff=True), 200), (person("new", is_staff=True), 403)):
        client.force_login(user)
        assert client.get(reverse("records:people"), {"q": "bo"}).status_code == status
    client.logout()
    assert client.get(reverse("records:people"), {"q": "bo"}).status_code == 403


def test_a_record_with_thousands_of_users_has_a_search_for_its_owner_and_no_list(
    many: list[User], client: Client
) -> None:
    deal = Deal.objects.create(name="Big", owner=many[0])
    url = reverse("admin:crm_deal_change", args=[deal.pk])
    page = client.get(url).content.decode()
    assert "Di Falk" not in page and page.count(f'data-people="{reverse("records:people")}"') == 2, "its own, a task's"
    assert re.search(r'<input type="text" name="owner" value="bo"[^>]*data-people', page)
    sent = dict(re.findall(r'<input type="hidden" name="(initial-[a-z_]+)" value="([^"]*)"', page))
    assert sent["initial-owner"] == "bo"
    form = {"name": "Big", "initial-name": "Big", **sent}
    page = client.post(url, form | {"owner": "nobody"}).content.decode()
    assert "There is no user “nobody”. Use the username of an existing user." in page
    assert client.post(url, form | {"owner": "di"}).status_code == 302
    deal.refresh_from_db()
    assert deal.owner == many[2]


def test_a_record_keeps_its_owner_who_has_left(ann: User, client: Client) -> None:
    gone = User.objects.create(username="gone", is_active=False)
    deal = Deal.objects.create(name="Big", owner=gone)
    page = client.get(reverse("admin:crm_deal_change", args=[deal.pk])).content.decode()
    assert f'<option value="{gone.pk}" selected>gone (not active)</option>' in page


def test_the_owner_filter_searches_where_there_are_many_and_keeps_the_other_filters(
    many: list[User], client: Client
) -> None:
    for name, owner in (("Bos", many[0]), ("Dis", many[2]), ("Nobodys", None)):
        Deal.objects.create(name=name, owner=owner)
    url = reverse("admin:crm_deal_changelist")

    def names(query: str) -> set[str]:
        page = client.get(f"{url}?{query}").content.decode()
        return {name for name in ("Bos", "Dis", "Nobodys") if f">{name}</a>" in page}

    page = client.get(f"{url}?q=s").content.decode()
    assert "Di Falk" not in page.split("<tbody>")[0] and '<input type="hidden" name="q" value="s">' in page
    assert re.search(r'name="owner"[^>]*data-people', page)
    assert (names("owner=di"), names(f"owner={many[0].pk}"), names("owner=none")) == ({"Dis"}, {"Bos"}, {"Nobodys"})
    assert names("owner=nobody-at-all") == set()
    assert "<strong>Di Falk</strong>" in client.get(f"{url}?owner=di").content.decode()


class Handing(ParamsForm):
    to = UserField()
    others = UsersField(required=False)


def handing(document: dict[str, Any]) -> Handing:
    from workflows.definitions.parsing import parse

    empty = {"format": 1, "name": "", "object": "deal", "trigger": {"kind": "manual"}, "steps": []}
    return Handing(document=document, context=StepContext(parse(empty), None))


def test_steps_take_users_by_name_where_there_are_many(many: list[User], django_assert_max_num_queries: Any) -> None:
    form = handing({"to": "cy", "others": ["owner", "bo", "flo", "x"]})
    messages = [problem.message for problem in form.problems()]
    assert messages == [
        "There is no active user “flo”. Use the username of an active user.",
    ]
    assert handing({"to": "owner", "others": ["bo"]}).problems() == []
    drawn = str(form["to"]) + str(form["others"])
    assert "Di Falk" not in drawn and 'value="cy"' in drawn
    assert re.findall(r'<input type="checkbox"[^>]*value="(\w+)"[^>]*checked', drawn) == ["owner", "bo", "flo", "x"]
    assert "Bo Lind" in drawn and "flo (not active)" in drawn and drawn.count("data-people") == 2
    with django_assert_max_num_queries(4), read_once():
        handing({"to": "cy", "others": ["bo", "di"]}).problems()


def test_the_builder_of_filters_is_told_where_to_search(many: list[User], client: Client) -> None:
    told = client.get(reverse("records:criteria-catalog", args=["deal"])).json()
    assert (told["users"], told["people_url"]) == ([], reverse("records:people"))
    User.objects.exclude(username="ann").delete()
    told = client.get(reverse("records:criteria-catalog", args=["deal"])).json()
    assert (told["users"], told["people_url"]) == ([{"value": "ann", "label": "Ann Berg"}], "")
