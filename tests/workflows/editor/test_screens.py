"""The editor's and review's views: rights, conflicts, and publishing what was reviewed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from records.clock import database_now
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow

BASE = "/admin/workflows/workflow"


def staff(django_user_model: Any, *rights: str) -> Any:
    user = django_user_model.objects.create_user("ann", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def post_op(client: Any, workflow: Workflow, rev: int, **op: Any) -> Any:
    body = json.dumps({"op": op, "rev": rev})
    return client.post(f"{BASE}/{workflow.pk}/editor/ops/", body, content_type="application/json")


@pytest.mark.django_db
@pytest.mark.covers("EDT-13")
def test_who_may_only_view_sees_the_steps_but_can_change_and_publish_nothing(
    client: Any, django_user_model: Any
) -> None:
    ann = staff(django_user_model, "view_workflow")
    workflow = drafting.create("Draft", "contact", ann)
    client.force_login(ann)
    page = client.get(f"{BASE}/{workflow.pk}/editor/").content.decode()
    assert "flow-trigger" in page and "flow-plus" not in page
    assert post_op(client, workflow, 0, op="rename", name="Mine").status_code == 403
    assert client.post(f"{BASE}/{workflow.pk}/review/", {"rev": 0}).status_code == 403
    assert drafting.shown(workflow).definition["name"] == "Draft"


@pytest.mark.detail(9)
@pytest.mark.django_db
def test_an_operation_answers_with_the_new_canvas_and_a_stale_one_with_who_was_faster(
    client: Any, django_user_model: Any
) -> None:
    ann = staff(django_user_model, "view_workflow", "change_workflow")
    workflow = drafting.create("Draft", "contact", ann)
    client.force_login(ann)
    answer = post_op(client, workflow, 0, op="insert", at="steps.0", step={"action": "delay"})
    assert (answer.status_code, answer.json()["selected"], answer.json()["rev"]) == (200, "delay", 1)
    assert 'href="?step=delay"' in answer.json()["canvas"] and answer.json()["problems"] == 1
    stale = post_op(client, workflow, 0, op="rename", name="Late")
    assert stale.status_code == 409 and "added the step" in stale.json()["conflict"]
    wrong = post_op(client, workflow, 1, op="explode")
    assert wrong.status_code == 400 and wrong.json()["errors"][0]["path"] == "op"


@pytest.mark.django_db
@pytest.mark.covers("REV-16")
def test_a_reviewed_draft_is_published_and_its_history_shown(client: Any, admin_user: Any) -> None:
    steps = [{"id": "end", "action": "end"}]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create("Draft", "contact", admin_user, document)
    client.force_login(admin_user)
    assert client.get(f"{BASE}/{workflow.pk}/review/").status_code == 200
    stale = client.post(f"{BASE}/{workflow.pk}/review/", {"rev": 7, "enroll_existing": "no"})
    workflow.refresh_from_db()
    assert stale.status_code == 200 and workflow.live is None
    done = client.post(f"{BASE}/{workflow.pk}/review/", {"rev": 0, "enroll_existing": "no"})
    workflow.refresh_from_db()
    assert done.status_code == 302 and workflow.status == "on"
    assert not Enrollment.objects.filter(workflow=workflow).exists()
    assert client.get(f"{BASE}/").status_code == 200


@pytest.mark.django_db
def test_the_list_costs_as_many_queries_for_nine_workflows_as_for_three(
    client: Any, admin_user: Any, django_assert_max_num_queries: Any
) -> None:
    client.force_login(admin_user)
    steps = [{"id": "edit", "action": "edit_record", "params": {"property": "nothing", "value": 1}}]
    document = {"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": steps}
    for number in range(3):
        drafting.create(f"Draft {number}", "deal", admin_user, document)
    with CaptureQueriesContext(connection) as few:
        client.get(f"{BASE}/")
    for number in range(6):
        drafting.create(f"Another {number}", "deal", admin_user, document)
    with django_assert_max_num_queries(len(few)):
        page = client.get(f"{BASE}/").content.decode()
    assert page.count("chip-warn") == 9


@pytest.mark.django_db
@pytest.mark.covers("CRE-20")
def test_a_workflow_is_copied_and_switched_from_its_row(client: Any, admin_user: Any) -> None:
    steps = [{"id": "end", "action": "end"}]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create("First", "contact", admin_user, document)
    publishing.publish(workflow, by=admin_user, now=database_now(), enroll_existing=False)
    client.force_login(admin_user)
    page = client.get(f"{BASE}/").content.decode()
    assert f'formaction="{BASE}/{workflow.pk}/clone/"' in page and ">Turn off…<" in page
    client.post(f"{BASE}/{workflow.pk}/clone/")
    assert Workflow.objects.get(name="First (copy)").live is None
    asked = client.get(f"{BASE}/switch/?to=off&id={workflow.pk}&from=list").content.decode()
    assert "Nobody enters any more." in asked
    assert client.post(f"{BASE}/switch/?to=off&id={workflow.pk}&from=list").url == f"{BASE}/"
    workflow.refresh_from_db()
    assert workflow.status == "off"


@pytest.mark.django_db
def test_a_workflow_without_a_name_gets_one_and_a_strange_number_is_not_found(client: Any, admin_user: Any) -> None:
    client.force_login(admin_user)
    client.post(f"{BASE}/add/", {"name": "", "object_type": "deal"})
    assert Workflow.objects.get().name == "New workflow for deals"
    assert client.get(f"{BASE}/1/edit/change/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("text", ['"\\u0000"', '"\\ud800"', "NaN", "1e999", "{"])
def test_what_no_document_can_hold_is_refused_with_a_sentence(client: Any, django_user_model: Any, text: str) -> None:
    ann = staff(django_user_model, "view_workflow", "change_workflow")
    workflow = drafting.create("Draft", "contact", ann)
    client.force_login(ann)
    body = f'{{"rev": 1, "op": {{"op": "set_trigger", "document": {{"kind": {text}}}}}}}'
    answer = client.post(f"{BASE}/{workflow.pk}/editor/ops/", body, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["errors"][0]["message"]


@pytest.mark.django_db
def test_fields_of_a_form_where_json_belongs_are_refused(client: Any, django_user_model: Any) -> None:
    ann = staff(django_user_model, "view_workflow", "change_workflow", "view_contact")
    workflow = drafting.create("Draft", "contact", ann)
    client.force_login(ann)
    fields = {"op": "rename", "rev": "0"}
    assert client.post(f"{BASE}/{workflow.pk}/editor/ops/", fields).status_code == 400
    assert client.post(reverse("records:criteria-count", args=["contact"]), fields).status_code == 400
    assert client.post(f"{BASE}/{workflow.pk}/editor/copy/", fields).status_code == 400
