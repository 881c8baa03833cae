"""What steps ask, send and enroll in, through the API: providers are set up, the rest is looked at."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from crm.models import Audience, AudienceMember, Contact, EmailTemplate, Sequence, SubscriptionType, Survey, User
from records.clock import database_now
from tests.api.conftest import client_of, person
from workflows.models import AIProvider
from workflows.outside import connecting

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(boss: User) -> Any:
    facts = {"name": "House", "origin": "https://ai.example.com", "auth": "bearer", "secret": "hush-hush-0123"}
    connecting.create(facts, by=boss, now=database_now())
    return client_of(boss)


def test_a_provider_is_set_up_changed_and_deleted_and_its_key_is_in_no_reply(api):
    made = api.send("POST", "ai-providers/", {"name": "Small", "connection": "house", "model": "small-1"})
    assert made.status_code == 201, made.content
    first = made.json()
    assert (first["slug"], first["kind"], first["path"], first["is_default"]) == ("small", "openai", "/v1", True)
    second = api.send(
        "POST", "ai-providers/",
        {"name": "Large", "connection": "house", "model": "l", "kind": "anthropic", "is_default": True},
    ).json()  # fmt: skip
    listed = api.send("GET", "ai-providers/").json()["results"]
    assert [(one["slug"], one["is_default"]) for one in listed] == [("small", False), ("large", True)]
    changed = api.send("PATCH", f"ai-providers/{first['id']}/", {"searches": True, "longest": 50})
    assert (changed.json()["searches"], changed.json()["longest"], changed.json()["model"]) == (True, 50, "small-1")
    refused = api.send("DELETE", f"ai-providers/{second['id']}/")
    assert refused.status_code == 400, "others rest on the default one"
    assert api.send("DELETE", f"ai-providers/{first['id']}/").status_code == 204
    assert api.send("GET", f"ai-providers/{first['id']}/").status_code == 404
    assert "hush" not in json.dumps([first, second, listed]) and AIProvider.objects.count() == 1


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"name": "A", "connection": "nix", "model": "m"}, "connection"),
        ({"name": "A", "connection": "house"}, "model"),
        ({"name": "A", "connection": "house", "model": "m", "kind": "telepathy"}, "kind"),
        ({"name": "A", "connection": "house", "model": "m", "path": "v1?x"}, "path"),
        ({"name": "A", "connection": "house", "model": "m", "longest": 0}, "longest"),
        ({"name": "A", "connection": "house", "model": "m", "secret": "x"}, "secret"),
    ],
)
def test_what_is_no_provider_is_refused_by_name(api, document, path):
    answer = api.send("POST", "ai-providers/", document)
    assert answer.status_code == 400, answer.content
    assert path in [fault["path"] for fault in answer.json()["errors"]] and not AIProvider.objects.exists()


def test_who_may_not_see_connections_gives_none_to_a_provider(api):
    user = person("amy", "workflows.add_aiprovider", "workflows.view_aiprovider")
    answer = client_of(user).send("POST", "ai-providers/", {"name": "A", "connection": "house", "model": "m"})
    assert "that you may use" in answer.json()["errors"][0]["message"] and not AIProvider.objects.exists()


def test_emails_sequences_surveys_and_audiences_can_be_looked_at(api):
    news = SubscriptionType.objects.create(slug="news", name="News")
    EmailTemplate.objects.create(slug="hello", name="Hello", subject="Hi", body="<p>Hi</p>", type=news)
    sequence = Sequence.objects.create(slug="welcome", name="Welcome", subscription=news)
    sequence.steps.create(position=1, kind="task", subject="Call")
    sequence.steps.create(position=0, kind="email", subject="Hi", body="I am", days=2, at=dt.time(9))
    survey = Survey.objects.create(slug="care", name="Care", kind="effort", type=news)
    survey.questions.create(kind="choice", text="Why?", options=["A", "B"])
    audience = Audience.objects.create(slug="buyers", name="Buyers")
    ann = Contact.objects.create(email="a@example.com")
    AudienceMember.objects.create(audience=audience, contact_id=ann.pk, added_at=database_now())

    def one(kind):
        [found] = api.send("GET", f"{kind}/").json()["results"]
        assert api.send("GET", f"{kind}/{found['id']}/").json() == found
        return found

    email = one("email-templates")
    assert (email["slug"], email["subscription_type"], email["body"]) == ("hello", "news", "<p>Hi</p>")
    found = one("sequences")
    assert [(each["kind"], each["days"], each["at"]) for each in found["steps"]] == [
        ("email", 2, "09:00:00"), ("task", 0, None),
    ]  # fmt: skip
    assert found["time_zone"] == "UTC"
    asked = one("surveys")
    assert asked["questions"][0]["options"] == ["A", "B"] and survey.token not in json.dumps(asked)
    assert one("audiences")["members"] == 1


@pytest.mark.parametrize("kind", ["email-templates", "sequences", "surveys", "audiences", "ai-providers"])
def test_a_list_takes_as_many_statements_for_many_as_for_one(api, kind, django_assert_max_num_queries):
    news = SubscriptionType.objects.create(slug="news", name="News")
    connection = connecting.create({"name": "Two", "origin": "https://x.example.com"}, by=None, now=database_now())
    for n in range(12):
        facts = {"slug": f"s{n}", "name": f"N{n}"}
        EmailTemplate.objects.create(subject="Hi", body="<p>Hi</p>", type=news, **facts)
        Sequence.objects.create(subscription=news, **facts).steps.create(kind="email", subject="Hi")
        Survey.objects.create(**facts).questions.create(text="Why?")
        Audience.objects.create(connection=connection, **facts)
        AIProvider.objects.create(connection=connection, model="m", **facts)
    with django_assert_max_num_queries(12):
        assert len(api.send("GET", f"{kind}/").json()["results"]) == 12
