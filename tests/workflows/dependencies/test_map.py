"""The map of dependencies: exact in what is live and in drafts, and closed to who may not see a workflow (CPL-15)."""

from __future__ import annotations

import csv
import io
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import EmailTemplate, Sequence, SubscriptionType, User
from records.clock import database_now
from records.lists import keeping as lists
from records.models import Access, PropertyDefinition
from records.object_types import object_types
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import BIG, RAISE, RENAME, changed, made, member, published
from workflows import drafting
from workflows.dependencies import keeping, mapping, reading, using
from workflows.dependencies.mapping import Asked
from workflows.lifecycle import publishing
from workflows.models import Revision, Workflow
from workflows.outside import connecting

pytestmark = pytest.mark.django_db
MAP = "/admin/workflows/workflow/map/"


def named(name: str, object_type: str = "contact", **parts: Any) -> Workflow:
    document = {"format": 1, "object": object_type, "trigger": {"kind": "manual"}, "steps": [], **parts}
    return drafting.create(name, object_type, boss(), document)


def told(user: Any = None, **asked: Any) -> set[tuple[str, str, str, str, str]]:
    """The map's lines as (workflow, state, way, kind, key)."""
    found = mapping.map_for(user or boss(), Asked(**asked)).lines
    return {(line.workflow.name, line.state, line.way, line.thing.kind, line.thing.key) for line in found}


def step(step_id: str, action: str, **params: Any) -> dict[str, Any]:
    return {"id": step_id, "action": action, "params": params}


@pytest.mark.covers("CPL-15")
def test_whatever_a_workflow_reads_changes_and_names_is_on_the_map():
    now = database_now()
    PropertyDefinition.objects.create(object_type="contact", slug="tier", label="Tier", type="text")
    lists.create(object_types["contact"], "Customers", now=now)
    lists.create(object_types["contact"], "Rivals", now=now)
    news = SubscriptionType.objects.create(slug="news", name="News")
    EmailTemplate.objects.create(slug="welcome", name="Welcome", type=news, subject="Hi", body="<p>Hi</p>")
    Sequence.objects.create(slug="chase", name="Chase", subscription=news)
    connecting.create({"name": "Shop", "origin": "https://shop.example.com"}, by=boss(), now=now)
    other = named("Other")
    big = {"all": [{"property": "stage", "operator": "is_any_of", "value": ["won"]}]}
    named(
        "All of it",
        trigger={"kind": "filter", "criteria": {"all": [
            {"property": "lifecycle_stage", "operator": "is_any_of", "value": ["customer"]},
            {"list": "customers", "operator": "is_member"},
            {"association": "deal", **big},
            {"subscription": "news", "operator": "is_subscribed"},
        ]}},
        suppress=["rivals"],
        goal={"all": [{"property": "city", "operator": "is_known"}]},
        unenroll={"others": [other.pk]},
        steps=[
            step("mail", "send_email", email="welcome"),
            step("hook", "send_webhook", method="POST", connection="shop", url="/in", body="none"),
            step("set", "edit_record", property="tier", copy_from="contact.city"),
            step("sequence", "enroll_in_sequence", sequence="chase"),
            {"id": "split", "action": "branch", "params": {}, "branches": [
                {"name": "Rich", "criteria": {"all": [{"property": "lead_score", "operator": "is_greater_than",
                                                       "value": 5}]},
                 "steps": [step("jump", "go_to_workflow", workflow=str(other.pk))]},
                {"name": "None", "steps": []},
            ]},
        ],
    )  # fmt: skip
    found = {(way, kind, key) for name, state, way, kind, key in told() if name == "All of it" and state == "draft"}
    assert found >= {
        ("reads", "property", "contact.lifecycle_stage"), ("names", "list", "customers"), ("names", "list", "rivals"),
        ("reads", "property", "deal.stage"), ("reads", "stage", "deal.stage.won"),
        ("names", "subscription_type", "news"), ("reads", "property", "contact.city"), ("names", "email", "welcome"),
        ("names", "connection", "shop"), ("changes", "property", "contact.tier"), ("names", "sequence", "chase"),
        ("reads", "property", "contact.lead_score"), ("names", "workflow", str(other.pk)),
    }  # fmt: skip
    assert not {key for _way, kind, key in found if kind == "action"}
    assert {name for name, *_rest in told(thing=("list", "rivals"))} == {"All of it"}
    jump = next(
        line for line in mapping.map_for(boss(), Asked(thing=("workflow", str(other.pk)))).lines if line.way == "names"
    )
    assert [words for _step, words in jump.places] == ["Goal and unenrollment", "6. Enroll in another workflow"]


def test_every_edit_changes_the_map_at_once_and_only_that_version_is_read_again():
    workflow = published(RENAME)
    for _number in range(3):
        made(RAISE)
    assert keeping.refresh() == 4 and keeping.refresh() == 0
    changed(workflow, RENAME, RAISE, by=boss())
    assert keeping.refresh() == 1
    assert {line for line in told(workflow=workflow.pk) if line[2] == "changes"} == {
        ("W", "both", "changes", "property", "deal.name"),
        ("W", "draft", "changes", "property", "deal.amount"),
    }
    # However it is written: a definition is compared, nobody has to tell of it.
    draft = Revision.objects.get(workflow=workflow, published_at=None)
    Revision.objects.filter(pk=draft.pk).update(definition={**draft.definition, "steps": [RAISE]})
    assert ("W", "live", "changes", "property", "deal.name") in told(workflow=workflow.pk)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    assert {line for line in told(workflow=workflow.pk) if line[2] == "changes"} == {
        ("W", "live", "changes", "property", "deal.amount")
    }
    Workflow.objects.update(deleted_at=database_now())
    assert told() == set()


def test_a_definition_that_cannot_be_read_is_named_and_what_it_says_is_on_the_map():
    workflow = made(RAISE)
    criteria = {"all": [{"property": "stage", "operator": "is_any_of", "value": ["won"]}]}
    broken = {"object": "deal", "trigger": {"kind": "filter", "criteria": criteria}, "steps": [{"action": "nothing"}]}
    Revision.objects.filter(workflow=workflow).update(definition=broken)
    found = mapping.map_for(boss(), Asked())
    assert [one.pk for one in found.unreadable] == [workflow.pk]
    assert ("W", "draft", "reads", "property", "deal.stage") in told()
    assert all(use.kind == reading.UNREADABLE for use in reading.uses_in(["nonsense"]))


@pytest.mark.parametrize("asked", ["property:amount", "stage:won", "workflow:x", "event:", "x"])
def test_what_is_no_thing_is_used_by_nobody(admin_client: Client, asked: str):
    made(RAISE)
    page = admin_client.get("/admin/workflows/workflow/", {"uses": asked})
    assert (page.status_code, len(page.context["cl"].result_list)) == (200, 0)
    assert admin_client.get(MAP, {"thing": asked}).status_code == 200


@pytest.mark.covers("PRM-09")
def test_a_closed_workflow_is_nowhere_on_the_map_in_the_search_and_in_used_by():
    hidden, open_one = published(RAISE, trigger={"kind": "filter", "criteria": BIG}), made(RENAME)
    Workflow.objects.filter(pk=hidden.pk).update(name="Secret")
    Workflow.objects.filter(pk=open_one.pk).update(name="Open")
    jump = step("jump", "go_to_workflow", workflow=str(hidden.pk))
    Workflow.objects.filter(pk=made(RENAME, jump).pk).update(name="Leads there")
    ann = member("ann", Access.NONE)
    assert {name for name, *_rest in told(ann)} == {"Open", "Leads there"}
    keys = {(kind, key) for _name, _state, _way, kind, key in told(ann)}
    assert ("property", "deal.amount") not in keys and ("workflow", str(hidden.pk)) not in keys
    assert using.users_told("property", "deal.amount", ann) == ["1 workflow you have no access to"]
    assert using.users_told("property", "deal.amount", boss()) == ["the workflow “Secret”"]
    client = Client()
    client.force_login(ann)
    for query in ("", f"?workflow={hidden.pk}", "?thing=property:deal.amount", "?q=secret", "?format=csv",
                  f"?thing=workflow:{hidden.pk}"):  # fmt: skip
        assert "Secret" not in client.get(MAP + query).content.decode()
    for query in ("?q=secret", "?uses=property:deal.amount", f"?uses=workflow:{hidden.pk}", "?step=change_number"):
        page = client.get("/admin/workflows/workflow/" + query).content.decode()
        assert "Secret" not in page and "Leads there" not in page
    nobody = User.objects.create_user("nobody", is_staff=True)
    client.force_login(nobody)
    assert client.get(MAP).status_code == 403


def test_the_page_draws_what_is_asked_for_and_gives_it_as_a_file(admin_client: Client):
    one = published(RAISE, trigger={"kind": "filter", "criteria": BIG})
    Workflow.objects.filter(pk=one.pk).update(name="=Raise")
    page = unescape(admin_client.get(MAP).content.decode())
    assert "Picture of the dependencies" in page and "=Raise changes Amount (deal)" in page
    assert "=Raise reads Amount (deal)" in page and "style=" not in page.partition('<svg class="map-svg"')[2]
    about = unescape(admin_client.get(MAP + "?thing=property:deal.amount&zoom=50").content.decode())
    assert "About “Amount (deal)”" in about and 'aria-current="true">50 %' in about
    rows = list(csv.reader(io.StringIO(admin_client.get(MAP + "?format=csv&way=changes").content.decode())))
    assert rows[0][:4] == ["workflow", "status", "version", "does"]
    assert rows[1] == ["'=Raise", "on", "live", "changes", "property", "Amount (deal)", "deal.amount",
                       "1. Increase or decrease a number"]  # fmt: skip
    empty = admin_client.get(MAP + "?q=nothing+has+this+name").content.decode()
    assert "Nothing depends on it" in empty and '<svg class="map-svg"' not in empty
    for rubbish in ("?workflow=x", "?thing=:", "?thing=nothing:x", "?zoom=9", "?page=99", "?kind=%27"):
        assert admin_client.get(MAP + rubbish).status_code == 200


def test_the_map_costs_as_many_queries_for_forty_workflows_as_for_four():
    user = boss()

    def queries(count: int) -> int:
        for _number in range(count):
            made(RAISE, RENAME, step("jump", "go_to_workflow", workflow="1"))
        keeping.refresh()
        with CaptureQueriesContext(connection) as found:
            assert len(mapping.map_for(user, Asked()).lines) >= 3 * count
        return len(found)

    assert queries(4) == queries(36)


def test_a_connection_an_email_a_sequence_and_a_stage_in_use_stay_and_say_why(admin_client: Client):
    from crm.models import Pipeline, Stage

    criteria = {"all": [{"property": "stage", "operator": "is_any_of", "value": ["engaging"]}]}
    named("Wins", "deal", trigger={"kind": "filter", "criteria": criteria})
    news = SubscriptionType.objects.create(slug="news", name="News")
    Sequence.objects.create(slug="chase", name="Chase", subscription=news)
    named("Chases", steps=[step("chase", "enroll_in_sequence", sequence="chase")])
    sequence = Sequence.objects.get()
    page = unescape(admin_client.get(reverse("admin:crm_sequence_change", args=[sequence.pk])).content.decode())
    assert "It is used by the workflow “Chases”. Remove it there before you delete it." in page
    assert (
        admin_client.post(reverse("admin:crm_sequence_delete", args=[sequence.pk]), {"post": "yes"}).status_code == 403
    )
    pipeline = Pipeline.objects.get(object_type="deal")
    stages = list(Stage.objects.filter(pipeline=pipeline).order_by("position"))
    data = {"label": pipeline.label, "object_type": "deal", "slug": pipeline.slug, "position": 0,
            "stages-TOTAL_FORMS": len(stages), "stages-INITIAL_FORMS": len(stages)}  # fmt: skip
    for i, one in enumerate(stages):
        data |= {f"stages-{i}-id": one.pk, f"stages-{i}-pipeline": pipeline.pk, f"stages-{i}-label": one.label,
                 f"stages-{i}-slug": one.slug, f"stages-{i}-position": i, f"stages-{i}-probability": one.probability,
                 f"stages-{i}-outcome": one.outcome}  # fmt: skip
    wanted = next(i for i, one in enumerate(stages) if one.slug == "engaging")
    answer = admin_client.post(
        reverse("admin:crm_pipeline_change", args=[pipeline.pk]), data | {f"stages-{wanted}-DELETE": "on"}
    )
    assert "used by the workflow “Wins”" in unescape(answer.content.decode())
    assert Stage.objects.filter(slug="engaging").exists()
    free = next(i for i, one in enumerate(stages) if one.slug == "lost")
    admin_client.post(reverse("admin:crm_pipeline_change", args=[pipeline.pk]), data | {f"stages-{free}-DELETE": "on"})
    assert not Stage.objects.filter(slug="lost").exists()
