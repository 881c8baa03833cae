"""The outline: the canvas as a nested list, and every operation on it as a plain form."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.workflows.drafting.test_drafting import document, ids
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.editor.layout import layout
from workflows.editor.outline import Reading, outline
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    return drafting.create("Draft", "contact", None, document())


@pytest.fixture
def address(workflow: Workflow) -> str:
    return reverse("admin:workflow_outline", args=[workflow.pk])


def steps(page: str) -> list[str]:
    return re.findall(r'id="s-([\w-]+)"', page)


def offered(page: str) -> list[dict[str, Any]]:
    return [json.loads(unescape(value)) for value in re.findall(r'name="op" value="([^"]+)"', page)]


def drafted(workflow: Workflow) -> list[str]:
    return ids(drafting.draft_of(workflow).definition)


def send(client: Client, address: str, workflow: Workflow, op: dict[str, Any]) -> str:
    data = {"op": json.dumps(op), "rev": drafting.draft_of(workflow).rev}
    return client.post(address, data, follow=True).content.decode()


@pytest.mark.detail(18)
def test_it_tells_every_step_once_in_the_order_and_with_the_numbers_of_the_canvas() -> None:
    definition = parse(document())
    told = outline(definition, Reading("/editor/"))
    boxes = layout(definition).boxes
    assert steps(told) == [box.id for box in boxes]
    assert [int(number) for number in re.findall(r'outline-number">(\d+)\.', told)] == [
        box.number for box in boxes[1:]
    ]
    assert told.count("<ol") == told.count("</ol>") == 3
    assert offered(told) == []


def test_its_places_are_those_of_the_canvas() -> None:
    definition = parse(document())
    told = outline(definition, Reading("/editor/", editable=True, adding=True))
    assert re.findall(r'href="\?at=([\w.]+)"', told) == [plus.at for plus in layout(definition).pluses]
    moving = outline(definition, Reading("/editor/", editable=True, moving="wait"))
    assert [op["to"] for op in offered(moving)] == [plus.at for plus in layout(definition).pluses]


def test_every_operation_it_offers_can_be_carried_out() -> None:
    before = document()
    for reading in (Reading("", editable=True), Reading("", editable=True, moving="wait")):
        ops = offered(outline(parse(before), reading))
        assert ops
        for op in ops:
            drafting.changed(before, op)
    whole = offered(outline(parse(before), Reading("", editable=True)))
    assert {"op": "delete", "step": "split", "keep": 0} in whole
    assert {"op": "move", "step": "split", "to": "steps.3"} in whole


def test_steps_are_added_moved_and_deleted_without_a_script(
    workflow: Workflow, address: str, admin_client: Client
) -> None:
    page = admin_client.get(address + "?at=steps.1.branches.0.steps.1").content.decode()
    sent = re.findall(r"name=\"op\" value='([^']+)'", page)
    [op] = [json.loads(unescape(found)) for found in sent if '"end"' in found]
    send(admin_client, address, workflow, op)
    assert drafted(workflow) == ["wait", "split", "in-a", "end", "in-b", "last"]
    page = send(admin_client, address, workflow, {"op": "move", "step": "wait", "to": "steps.2"})
    assert steps(page)[1:] == drafted(workflow) == ["split", "in-a", "end", "in-b", "wait", "last"]
    send(admin_client, address, workflow, {"op": "delete", "step": "split", "keep": 1})
    assert drafted(workflow) == ["in-b", "wait", "last"]
    page = send(admin_client, address, workflow, {"op": "undo"})
    assert steps(page)[1:] == ["split", "in-a", "end", "in-b", "wait", "last"]


def test_steps_are_copied_as_text_and_pasted_elsewhere_without_a_script(
    workflow: Workflow, address: str, admin_client: Client
) -> None:
    page = unescape(admin_client.get(address + "?copy=split").content.decode())
    [text] = re.findall(r'id="copied-text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert json.loads(text)["format"] == "headrace.steps"
    other = drafting.create("Other", "deal", None, document() | {"object": "deal"})
    there = reverse("admin:workflow_outline", args=[other.pk])
    assert 'name="paste" value="steps.0"' in admin_client.get(there + "?at=steps.0").content.decode()
    sent = {"paste": "steps.0", "text": text, "rev": drafting.draft_of(other).rev}
    admin_client.post(there, sent, follow=True)
    assert drafted(other)[:3] == ["branch", "delay", "delay-2"] and len(drafted(other)) == 8
    page = admin_client.post(there, sent | {"text": "no steps", "rev": 1}, follow=True).content.decode()
    assert "This is not text copied from a workflow." in page and len(drafted(other)) == 8
    assert len(drafted(workflow)) == 5


def test_what_was_undone_is_done_again_without_a_script(
    workflow: Workflow, address: str, admin_client: Client
) -> None:
    send(admin_client, address, workflow, {"op": "delete", "step": "wait"})
    page = send(admin_client, address, workflow, {"op": "undo"})
    assert "Redo: deleted the step “Delay for a set amount of time”" in " ".join(page.split()).replace("</svg>", "")
    send(admin_client, address, workflow, {"op": "redo"})
    assert "wait" not in drafted(workflow)


@pytest.mark.parametrize("sent", ["", "[]", "{", "x" * 30_000, '{"op": "edit", "edits": []}', "[" * 10_000])
def test_what_no_button_sends_is_refused_with_a_sentence(
    workflow: Workflow, address: str, admin_client: Client, sent: str
) -> None:
    page = admin_client.post(address, {"op": sent, "rev": "0"}, follow=True).content.decode()
    assert ("Saved." in page, "There is no operation" in page) == (False, True)
    assert drafted(workflow) == ids(document())


def test_it_does_not_write_over_what_somebody_else_has_changed(
    workflow: Workflow, address: str, admin_client: Client
) -> None:
    send(admin_client, address, workflow, {"op": "delete", "step": "last"})
    late = {"op": '{"op": "delete", "step": "wait"}', "rev": "0"}
    assert "Nothing was done" in admin_client.post(address, late, follow=True).content.decode()
    assert "wait" in drafted(workflow)


def test_who_may_only_look_sees_the_steps_and_no_button(workflow: Workflow, address: str, client: Client) -> None:
    user = get_user_model().objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_workflow"))
    client.force_login(user)
    for query in ("", "?add", "?move=wait", "?at=steps.0"):
        page = client.get(address + query).content.decode()
        assert (steps(page)[1:], offered(page), "?at=" in page) == (ids(document()), [], False)
    assert client.post(address, {"op": '{"op": "undo"}', "rev": "0"}).status_code == 403
