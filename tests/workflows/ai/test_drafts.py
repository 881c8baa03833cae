"""Workflows drafted by AI: what the model is told, what of its answer is kept, and that a person opens it."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from records.clock import database_now
from records.models import PropertyDefinition
from tests.api.conftest import person
from tests.workflows.ai.speaking import anthropic, openai, provider, saying
from tests.workflows.building import step
from workflows.ai import drafts
from workflows.models import AIDraft, AIUse, Delivery, Revision, Workflow
from workflows.outbox import requesting

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/workflows/aiprovider/drafts/"
WISH = "When a contact becomes a customer, wait two days, then notify the owner and play a song."
DEFINITION = {
    "trigger": {"kind": "filter", "criteria": {"any": [{"all": [
        {"property": "lifecycle_stage", "operator": "is_any_of", "value": ["customer"]}
    ]}]}},
    "steps": [
        step("wait", "delay", days=2),
        step("tell", "send_notification", users=["owner"], title="Call {{ contact.first_name }}"),
        step("song", "play_song", title="Hej"),
    ],
}  # fmt: skip


def answer(definition, **more):
    written = definition if isinstance(definition, str) else json.dumps(definition)
    facts = {"name": "Welcome customers", "description": "Calls new customers.", "not_understood": ["Playing a song"]}
    return {**facts, "definition": written, **more}


def wished(client, wish=WISH, kind="contact"):
    """The address of the draft's page, once the provider has answered."""
    found = client.post(ADDRESS, {"object_type": kind, "wish": wish})
    assert found.status_code == 302, found.content.decode()
    requesting.send_due(database_now)
    return found["Location"]


@pytest.mark.covers("CRE-03", "CRE-04", "CRE-05")
def test_a_wish_becomes_a_draft_that_a_person_opens_and_nothing_goes_live(receiver, both, admin_client):
    reply = openai if both == "openai" else anthropic
    receiver.answer = saying(reply(answer(DEFINITION)))
    page = admin_client.get(ADDRESS).content.decode()
    assert "The condition first, then what to do" in page
    address = wished(admin_client)
    assert not Workflow.objects.exists(), "a page is looked at without making anything"
    page = admin_client.get(address).content.decode()
    for text in (
        "Welcome customers",
        "Calls new customers.",
        "Playing a song",
        "Left out: the step “song”. There is no action &#x27;play_song&#x27;.",
        "2 steps",
    ):
        assert text in page
    opened = admin_client.post(f"{address}open/")
    workflow = Workflow.objects.get()
    assert opened["Location"] == f"/admin/workflows/workflow/{workflow.pk}/editor/"
    assert admin_client.get(opened["Location"]).status_code == 200
    assert (workflow.name, workflow.description, workflow.status) == (
        "Welcome customers", "Calls new customers.", "off",
    )  # fmt: skip
    draft = Revision.objects.get(workflow=workflow)
    assert draft.published_at is None and workflow.live is None
    assert [one["id"] for one in draft.definition["steps"]] == ["wait", "tell"]
    assert draft.definition["trigger"] == DEFINITION["trigger"]
    assert admin_client.post(f"{address}open/")["Location"] == opened["Location"], "opened again it is the same one"
    assert AIUse.objects.get().executions == 1


def test_the_model_is_told_the_vocabulary_and_no_values_of_records(receiver, one, admin_client):
    PropertyDefinition.objects.create(
        object_type="contact", slug="diagnosis", label="Diagnosis", type="text", sensitive=True
    )
    receiver.answer = saying(openai(answer(DEFINITION)))
    wished(admin_client)
    [got] = receiver.received
    system, user = (message["content"] for message in got.document["messages"])
    assert user == WISH
    told = json.loads(system.partition("The vocabulary: ")[2].partition("\nAnswer with one JSON")[0])
    actions = {one["slug"]: one for one in told["actions"]}
    assert {"edit_record", "send_notification", "delay", "branch", "ask_ai"} <= actions.keys()
    assert "title" in actions["send_notification"]["settings"]
    properties = {one["slug"]: one for one in told["properties"]}
    assert "customer" in properties["lifecycle_stage"]["options"] and "diagnosis" not in properties
    assert "is_any_of" in told["operators"]["select"]
    assert "record_created" in {one["slug"] for one in told["events"]}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (answer("Sorry, I cannot."), "wrote no definition that can be read"),
        (answer("[1, 2]"), "wrote no definition that can be read"),
        ({"name": "x"}, "wrote no definition that can be read"),
        (answer('{"steps": [{"id": "\\u0000"}]}'), "wrote no definition that can be read"),
        (answer('{"steps": ["\\ud800"]}'), "wrote no definition that can be read"),
        (answer('{"steps": [NaN]}'), "wrote no definition that can be read"),
        (answer(f'{{"steps": {"[" * 300}{"]" * 300}}}'), "wrote no definition that can be read"),
        ({**answer(""), "definition": {"steps": json.loads("[" * 160 + "]" * 160)}}, "can be read"),
    ],
)
def test_what_is_no_definition_is_said_and_cannot_be_opened(receiver, one, admin_client, values, sentence):
    receiver.answer = saying(openai(values))
    address = wished(admin_client)
    assert sentence in admin_client.get(address).content.decode()
    assert admin_client.post(f"{address}open/")["Location"] == address
    assert not Workflow.objects.exists()


@pytest.mark.parametrize(
    "definition",
    [
        {"trigger": {"kind": "moon"}, "steps": [{"id": "BAD ID", "action": "end"}, step("ok", "end")]},
        {"trigger": {"kind": "filter", "criteria": 5}, "steps": [step("ok", "end"), "x"]},
        {"steps": [step("ok", "end"), step("ok", "end"), {"id": "b", "action": "branch", "branches": "no"}]},
    ],
)
def test_parts_that_cannot_be_read_are_left_out_and_said(receiver, one, admin_client, definition):
    receiver.answer = saying(openai(answer(definition, not_understood="nothing")))
    address = wished(admin_client)
    assert "Left out: " in admin_client.get(address).content.decode()
    admin_client.post(f"{address}open/")
    [left] = Revision.objects.get().definition["steps"]
    assert left["id"] == "ok"


def test_a_draft_holds_only_what_its_person_may_use_and_is_seen_by_nobody_else(receiver, one, admin_client):
    rights = ("workflows.add_workflow", "workflows.view_workflow", "workflows.change_workflow")
    people = [person("maker", *rights, "workflows.use_aiprovider"), person("other", *rights)]
    client, other = Client(), Client()
    for one_client, who in zip((client, other), people, strict=True):
        who.is_staff = True
        who.save()
        one_client.force_login(who)
    code = step("code", "custom_code", code="exports.main = async () => ({});")
    receiver.answer = saying(openai(answer({"steps": [code, step("end", "end")]})))
    address = wished(client)
    page = client.get(address).content.decode()
    assert "You may not use “Custom code” in workflows" in page
    client.post(f"{address}open/")
    assert [one["id"] for one in Revision.objects.get().definition["steps"]] == ["end"]
    assert other.get(ADDRESS).status_code == 403
    assert admin_client.get(address).status_code == 404, "a wish is for who wrote it"


def test_without_a_provider_or_over_the_months_number_the_page_says_so(receiver, admin_client, settings, admin_user):
    page = admin_client.get(ADDRESS).content.decode()
    assert "No AI provider is set up" in page and "disabled" in page
    page = admin_client.post(ADDRESS, {"object_type": "contact", "wish": WISH}).content.decode()
    assert "No AI provider is set up" in page
    provider(receiver.url, admin_user)
    settings.AI_MONTHLY_LIMIT = 0
    page = admin_client.post(ADDRESS, {"object_type": "contact", "wish": WISH}).content.decode()
    assert "drafts by AI are used up" in page
    assert not AIDraft.objects.exists() and not Delivery.objects.exists()


def test_the_page_waits_for_the_answer_and_says_what_failed(receiver, one, admin_client):
    receiver.answer = saying((401, {}, b'{"error": {"message": "bad key"}}'))
    address = admin_client.post(ADDRESS, {"object_type": "contact", "wish": WISH})["Location"]
    assert 'hx-trigger="every 2s"' in admin_client.get(address).content.decode()
    assert admin_client.post(f"{address}open/")["Location"] == address
    requesting.send_due(database_now)
    part = admin_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "refused the key" in part and "<html" not in part and "hx-trigger" not in part
    assert drafts.outcome(AIDraft.objects.get(), by=None).document == {}
