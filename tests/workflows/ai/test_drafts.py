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
from workflows import drafting
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


def part_wished(client, workflow, part, wish=WISH):
    """The address of the page with a part of a workflow, once the provider has answered."""
    page = client.get(f"{ADDRESS}?workflow={workflow.pk}&part={part}").content.decode()
    assert workflow.name in page and "object_type" not in page
    found = client.post(f"{ADDRESS}?workflow={workflow.pk}&part={part}", {"wish": wish})
    assert found.status_code == 302, found.content.decode()
    requesting.send_due(database_now)
    return found["Location"]


def begun(user):
    kept = [step("first", "edit_record", property="city", value="Lund")]
    return drafting.create("Mine", "contact", user, {"object": "contact", "steps": kept})


def drafted(workflow):
    return Revision.objects.get(workflow=workflow).definition


@pytest.mark.covers("CRE-06")
def test_the_trigger_of_a_workflow_is_written_looked_at_and_taken_in(receiver, one, admin_client, admin_user):
    workflow = begun(admin_user)
    assert f"workflow={workflow.pk}&amp;part=trigger" in panel_of(admin_client, workflow, "trigger")
    receiver.answer = saying(openai(answer(DEFINITION)))
    address = part_wished(admin_client, workflow, "trigger")
    system = receiver.received[0].document["messages"][0]["content"]
    assert "Write only what enrolls records" in system and '"first"' in system
    page = admin_client.get(address).content.decode()
    assert "Use it in “Mine”" in page and "trigger" not in drafted(workflow), "looking changes nothing"
    opened = admin_client.post(f"{address}open/")["Location"]
    assert opened == f"/admin/workflows/workflow/{workflow.pk}/editor/?step=trigger"
    found = drafted(workflow)
    assert found["trigger"] == DEFINITION["trigger"] and [one["id"] for one in found["steps"]] == ["first"]
    revision = Revision.objects.get(workflow=workflow)
    drafting.undo(workflow, rev=revision.rev, user=admin_user, now=database_now())
    assert "trigger" not in drafted(workflow) or not drafted(workflow)["trigger"], "it is undone like any change"
    admin_client.post(f"{address}open/")
    assert Workflow.objects.count() == 1


@pytest.mark.covers("CRE-07")
def test_steps_are_written_for_a_workflow_and_added_at_its_end(receiver, one, admin_client, admin_user):
    workflow = begun(admin_user)
    page = admin_client.get(f"/admin/workflows/workflow/{workflow.pk}/editor/").content.decode()
    assert f"workflow={workflow.pk}&amp;part=steps" in page
    clash = [step("first", "delay", days=2), *DEFINITION["steps"][1:]]
    receiver.answer = saying(openai(answer({**DEFINITION, "steps": clash})))
    address = part_wished(admin_client, workflow, "steps")
    page = admin_client.get(address).content.decode()
    assert "Left out: the step “song”" in page
    opened = admin_client.post(f"{address}open/")["Location"]
    found = drafted(workflow)
    assert not found.get("trigger") or found["trigger"] != DEFINITION["trigger"], "only steps were asked for"
    assert [one["action"] for one in found["steps"]] == ["edit_record", "delay", "send_notification"]
    ids = [one["id"] for one in found["steps"]]
    assert ids[0] == "first" and len(set(ids)) == 3 and opened.endswith(f"?step={ids[1]}")
    assert admin_client.post(f"{address}open/").status_code == 302
    assert len(drafted(workflow)["steps"]) == 3, "taken in once"


@pytest.mark.covers("CRE-08")
def test_a_name_and_a_description_are_written_at_the_review(receiver, one, admin_client, admin_user):
    workflow = begun(admin_user)
    review = f"/admin/workflows/workflow/{workflow.pk}/review/"
    page = admin_client.get(review).content.decode()
    assert f"workflow={workflow.pk}&amp;part=words" in page
    receiver.answer = saying(openai(answer("")))
    address = part_wished(admin_client, workflow, "words")
    page = admin_client.get(address).content.decode()
    assert "Welcome customers" in page and "Calls new customers." in page
    assert admin_client.post(f"{address}open/")["Location"] == review
    workflow.refresh_from_db()
    assert (workflow.name, workflow.description) == ("Welcome customers", "Calls new customers.")
    page = admin_client.get(review).content.decode()
    assert "Welcome customers" in page and "Calls new customers." in page


@pytest.mark.parametrize("part", ["trigger", "steps", "words"])
def test_a_part_that_was_not_written_cannot_be_used(receiver, one, admin_client, admin_user, part):
    workflow = begun(admin_user)
    before = drafted(workflow)
    receiver.answer = saying(openai({"name": "", "description": "", "definition": "{}", "not_understood": []}))
    address = part_wished(admin_client, workflow, part)
    assert "The model wrote no" in admin_client.get(address).content.decode()
    assert admin_client.post(f"{address}open/")["Location"] == address
    assert drafted(workflow) == before


def test_a_part_is_only_for_who_may_change_the_workflow(receiver, one, admin_client, admin_user):
    workflow = begun(admin_user)
    viewer = person("viewer", "workflows.view_workflow", "workflows.use_aiprovider", "workflows.add_workflow")
    viewer.is_staff = True
    viewer.save()
    client = Client()
    client.force_login(viewer)
    address = f"{ADDRESS}?workflow={workflow.pk}&part="
    assert client.get(f"{address}steps").status_code == 403
    assert admin_client.get(f"{address}moon").status_code == 404
    assert admin_client.get(f"{ADDRESS}?workflow=0&part=steps").status_code == 404


def panel_of(client, workflow, name):
    return client.get(f"/admin/workflows/workflow/{workflow.pk}/editor/panel/?step={name}").content.decode()
