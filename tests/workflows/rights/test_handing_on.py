"""What a person may not do with a workflow they do not do by way of another one either (PRM-05 to PRM-09)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from crm.models import User
from records.clock import database_now
from records.criteria.catalog import catalog
from records.models import Access
from records.object_types import object_types
from records.problems import DocumentError
from tests.api.conftest import client_of
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import RAISE, RENAME, changed, document, made, member, published
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.editor.panels import Panel
from workflows.editor.trigger_panel import TriggerForm
from workflows.lifecycle import publishing
from workflows.models import Workflow
from workflows.rights.handing_on import targets
from workflows.rights.opening import access_to, levels

pytestmark = pytest.mark.django_db


def into(workflow: Workflow, step: str = "into") -> dict[str, Any]:
    return {"id": step, "action": "go_to_workflow", "params": {"workflow": str(workflow.pk)}}


def each_into(workflow: Workflow) -> dict[str, Any]:
    return {
        "id": "each", "action": "for_each_associated",
        "params": {"association": "deal", "workflow": str(workflow.pk)},
    }  # fmt: skip


def until(workflow: Workflow) -> dict[str, Any]:
    params = {"event": "workflow_completed", "workflow": str(workflow.pk), "max_wait": {"days": 1}}
    return {"id": "until", "action": "delay_until_event", "params": params}


def is_in(workflow: Workflow) -> dict[str, Any]:
    return {"any": [{"all": [{"workflow": workflow.pk, "operator": "is_enrolled"}]}]}


def named(workflow: Workflow, name: str) -> Workflow:
    Workflow.objects.filter(pk=workflow.pk).update(name=name)
    return workflow


def refusal(*steps: dict[str, Any], by: User, **more: Any) -> tuple[str, str]:
    """Where, and with which sentence, a new workflow of these steps is refused."""
    with pytest.raises(DocumentError) as refused:
        drafting.create("W", "deal", by, document(*steps) | more)
    (problem,) = refused.value.problems
    assert problem.code == "forbidden"
    return problem.path, problem.message


@pytest.mark.covers("PRM-05")
@pytest.mark.parametrize("live", [True, False], ids=["live", "draft"])
def test_who_may_not_edit_a_property_does_not_enroll_in_a_workflow_that_changes_it(live) -> None:
    una, vic = member("una", Access.NONE), member("vic", Access.VIEW)
    target = named(published(RAISE) if live else made(RAISE), "Raises")
    path, message = refusal(RENAME, into(target), by=vic)
    assert path == "steps.1.params" and "in “Raises”, which you may only read" in message
    path, message = refusal(into(target), by=una)
    assert path == "steps.0.params" and "no access" in message and "Raises" not in message
    harmless = published(RENAME)
    workflow = made(into(harmless), by=vic)
    with pytest.raises(DocumentError):
        changed(workflow, into(target), by=vic)
    found = checking.errors(checking.problems(parse(document(RENAME, into(target))), user=vic))
    assert ("steps.1.params", "forbidden") in [(problem.path, problem.code) for problem in found]
    assert changed(workflow, into(target), by=boss()).revision.rev == 1


@pytest.mark.covers("PRM-05")
def test_neither_for_each_associated_record() -> None:
    vic, target = member("vic", Access.VIEW), published(RAISE)
    api = client_of(vic)
    definition = document(each_into(target)) | {"object": "contact"}
    reply = api.send("POST", "workflows/", {"name": "New", "object": "contact", "definition": definition})
    assert (reply.status_code, reply.document["errors"][0]["path"]) == (400, "definition.steps.0.params")


@pytest.mark.covers("PRM-08")
def test_a_workflow_that_enrolls_in_one_over_others_is_only_read_by_who_may_not_change_the_last() -> None:
    una, vic, eve = member("una", Access.NONE), member("vic", Access.VIEW), member("eve", None)
    last = published(RAISE)
    middle = published(into(last))
    first, other = published(into(middle)), published(RENAME)
    for person in (una, vic):
        assert [access_to(one, person) for one in (first, middle, other)] == [Access.VIEW, Access.VIEW, Access.EDIT]
        assert levels(person) == {first.pk: Access.VIEW, middle.pk: Access.VIEW, last.pk: access_to(last, person)}
        refusal(into(first), by=person)
        with pytest.raises(PermissionDenied):
            changed(first, RENAME, by=person)
    assert levels(eve) == {} and access_to(first, boss()) == Access.EDIT
    changed(middle, RENAME, by=boss())
    publishing.publish(middle, by=boss(), now=database_now(), enroll_existing=False)
    assert access_to(first, vic) == Access.EDIT


def test_circles_of_workflows_have_an_end() -> None:
    vic = member("vic", Access.VIEW)
    first = published(RENAME)
    second = published(into(first), RAISE)
    changed(first, into(second), by=boss())
    assert targets() == {first.pk: {second.pk}, second.pk: {first.pk}}
    assert access_to(first, vic) == access_to(second, vic) == Access.VIEW


@pytest.mark.covers("PRM-08")
def test_nor_are_records_taken_out_of_a_workflow_one_may_not_change() -> None:
    vic, target = member("vic", Access.VIEW), named(published(RAISE), "Raises")
    path, message = refusal(RENAME, by=vic, unenroll={"others": [target.pk]})
    assert path == "unenroll.others.0" and "“Raises”" in message
    taker = drafting.create("W", "deal", boss(), document(RENAME) | {"unenroll": {"others": [target.pk]}})
    assert access_to(taker, vic) == Access.VIEW


def pickers(user: User) -> dict[str, str]:
    """The HTML, or JSON, of everything in the editor that offers workflows."""
    step, wait = into(Workflow(pk=0)), until(Workflow(pk=0))
    door = parse(document(RENAME) | {"unenroll": {"others": []}})
    return {
        "go to": str(Panel(parse(document(step)), "into", user=user).form["workflow"]),
        "wait": Panel(parse(document(wait)), "until", user=user).form.as_p(),
        "door": str(TriggerForm(None, door, user=user).door["chosen"]),
        "filter": str(catalog(object_types["deal"], user)["kinds"]),
    }


@pytest.mark.covers("PRM-09")
def test_pickers_do_not_tell_the_names_of_workflows_that_are_closed_to_a_person() -> None:
    una, vic = member("una", Access.NONE), member("vic", Access.VIEW)
    named(published(RAISE), "Secret one"), named(published(RENAME), "Open one")
    for place, offered in pickers(una).items():
        assert "Open one" in offered and "Secret one" not in offered, place
    for place, offered in pickers(boss()).items():
        assert "Open one" in offered and "Secret one" in offered, place
    (option,) = [part for part in pickers(vic)["go to"].split("<option") if "Secret one" in part]
    assert "disabled" in option and "you may only read it" in option
    assert "Secret one" not in pickers(vic)["door"], "records could be taken out"


@pytest.mark.covers("PRM-08")
def test_nor_out_of_all_others_where_one_of_them_may_not_be_changed() -> None:
    vic, eve = member("vic", Access.VIEW), member("eve", None)
    everywhere = {"unenroll": {"others": "all"}}
    drafting.create("Before", "deal", vic, document(RENAME) | everywhere)
    published(RAISE)
    path, message = refusal(RENAME, by=vic, **everywhere)
    assert path == "unenroll.others" and "one of which you may not change" in message
    drafting.create("Free", "deal", eve, document(RENAME) | everywhere)
    taker = drafting.create("Taker", "deal", boss(), document(RENAME) | everywhere)
    publishing.publish(taker, by=boss(), now=database_now(), enroll_existing=False)
    assert (access_to(taker, vic), access_to(taker, eve)) == (Access.VIEW, Access.EDIT)
    with pytest.raises(PermissionDenied):
        changed(taker, RAISE, by=vic)


@pytest.mark.covers("PRM-09")
def test_filters_and_delays_do_not_ask_a_closed_workflow_who_is_in_it() -> None:
    una, vic = member("una", Access.NONE), member("vic", Access.VIEW)
    target = published(RENAME, RAISE)
    for more in ({"goal": is_in(target)}, {"trigger": {"kind": "filter", "criteria": is_in(target)}}):
        assert "no access" in refusal(RENAME, by=una, **more)[1]
        drafting.create("W", "deal", vic, document(RENAME) | more)
    assert refusal(until(target), by=una)[0] == "steps.0.params"
    client = Client()
    for person, status in ((una, 403), (vic, 200)):
        client.force_login(person)
        sent = client.post(
            reverse("records:criteria-count", args=["deal"]), {"criteria": is_in(target)}, "application/json"
        )
        assert sent.status_code == status
    told = client_of(una).send("GET", f"deals/?filter={quote(json.dumps(is_in(target)))}")
    assert told.status_code == 403 and "you have no access to" in told.document["detail"]


def test_what_others_brought_in_keeps_nobody_from_changing_the_rest() -> None:
    una, target = member("una", Access.NONE), published(RAISE)
    workflow = drafting.create("W", "deal", boss(), document(RENAME) | {"goal": is_in(target)})
    after = document(RENAME, RENAME | {"id": "again"}) | {"goal": is_in(target)}
    found = drafting.replace(workflow, after, drafting.draft_of(workflow).rev, user=una, now=database_now())
    assert found.revision.rev == 1
