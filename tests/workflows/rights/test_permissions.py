"""Who makes, edits and publishes workflows, and which tokens open those with sensitive properties (PRM rows)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal, User
from records.clock import database_now
from records.lists import keeping
from records.models import PropertyDefinition, Scope
from records.object_types import object_types
from tests.api.conftest import SCOPES, client_of, person
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import MANUAL, RENAME, document, published
from workflows import drafting
from workflows.enrollment.enrolling import enroll
from workflows.models import Delivery, Enrollment, Workflow

pytestmark = pytest.mark.django_db
EDIT = ("workflows.view_workflow", "workflows.add_workflow", "workflows.change_workflow", "crm.view_deal")
PUBLISH = (*EDIT, "workflows.publish_workflow", "crm.change_deal")
SECRET = {"all": [{"property": "diagnosis", "operator": "is_known"}]}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def made(user: User) -> tuple[int, int]:
    """The statuses of making a workflow by the page and by the API."""
    page = signed_in(user).post(reverse("admin:workflows_workflow_add"), {"name": "W", "object_type": "deal"})
    sent = {"name": "W", "object": "deal", "definition": document(RENAME)}
    return page.status_code, client_of(user).send("POST", "workflows/", sent).status_code


@pytest.mark.covers("PRM-01")
def test_making_and_editing_workflows_takes_the_right_to_edit_them():
    viewer = person("vic", "workflows.view_workflow", "crm.view_deal", is_staff=True)
    assert made(viewer) == (403, 403)
    assert not Workflow.objects.exists()
    editor = person("eve", *EDIT, is_staff=True)
    assert made(editor) == (302, 201)
    workflow = Workflow.objects.latest("pk")
    rename = {"op": {"op": "rename", "name": "Better"}, "rev": 0}
    for user, page, api in ((viewer, 403, 403), (editor, 200, 200)):
        url = reverse("admin:workflow_ops", args=[workflow.pk])
        sent = signed_in(user).post(url, rename, content_type="application/json")
        assert sent.status_code == page
        body = {"description": "For the team"}
        assert client_of(user).send("PATCH", f"workflows/{workflow.pk}/", body).status_code == api


@pytest.mark.covers("PRM-02")
def test_publishing_takes_a_right_of_its_own():
    editor, publisher = person("eve", *EDIT, is_staff=True), person("pia", *PUBLISH, is_staff=True)
    made(editor)
    workflow = Workflow.objects.latest("pk")
    url, sent = f"workflows/{workflow.pk}/publish/", {"enroll_existing": False}
    assert client_of(editor).send("POST", url, sent).status_code == 403
    review = reverse("admin:workflow_review", args=[workflow.pk])
    assert "You may not publish" in signed_in(editor).get(review).content.decode()
    assert signed_in(editor).post(review, {"rev": 0, "enroll_existing": "no"}).status_code == 403
    workflow.refresh_from_db()
    assert workflow.live is None
    assert client_of(publisher).send("POST", url, sent).status_code == 200


@pytest.mark.covers("PRM-03")
def test_a_super_admin_makes_and_publishes_without_any_other_right():
    assert not boss().user_permissions.exists()
    assert made(boss()) == (302, 201)
    workflow = Workflow.objects.latest("pk")
    sent = {"enroll_existing": False}
    assert client_of(boss()).send("POST", f"workflows/{workflow.pk}/publish/", sent).status_code == 200


@pytest.mark.covers("PRM-04", "TRG-12")
def test_who_may_not_see_forms_is_offered_no_trigger_by_them_and_is_refused_one():
    trigger = {"kind": "event", "events": [{"event": "form_submitted"}]}
    sent: dict[str, Any] = {"name": "W", "object": "contact"}
    sent["definition"] = {"format": 1, "object": "contact", "trigger": trigger, "steps": []}
    for name, more, offered, status in (("eve", (), False, 400), ("fay", ("crm.view_form",), True, 201)):
        user = person(name, *EDIT, "crm.view_contact", *more, is_staff=True)
        api = client_of(user)
        events = {event["slug"] for event in api.send("GET", "catalog/").document["events"]}
        assert ("form_submitted" in events) == offered
        assert api.send("POST", "workflows/", sent).status_code == status


@pytest.fixture
def sensitive() -> Workflow:
    """A workflow whose branch looks at a property that is marked as sensitive."""
    PropertyDefinition.objects.create(
        object_type="deal", slug="diagnosis", label="Diagnosis", type="text", sensitive=True
    )
    branch = {"id": "split", "action": "branch", "branches": [
        {"name": "Known", "criteria": SECRET, "steps": [RENAME]}, {"name": "Otherwise", "steps": []},
    ]}  # fmt: skip
    return published(branch, trigger=MANUAL)


@pytest.mark.covers("PRM-10")
def test_the_api_opens_workflows_with_sensitive_properties_only_with_their_scope(sensitive):
    deal = Deal.objects.create(name="A")
    with_it, without = client_of(boss()), client_of(boss(), *(one for one in SCOPES if one != Scope.SENSITIVE))
    assert with_it.send("POST", f"workflows/{sensitive.pk}/enroll/", {"records": [deal.pk]}).status_code == 200
    for route in ("", "draft/", "review/", "performance/", "revisions/", f"explain/?record={deal.pk}"):
        refused = without.send("GET", f"workflows/{sensitive.pk}/{route}")
        assert refused.status_code == 403 and "workflows:sensitive" in refused.document["detail"], route
        assert with_it.send("GET", f"workflows/{sensitive.pk}/{route}").status_code == 200, route
    assert without.send("POST", f"workflows/{sensitive.pk}/turn-off/").status_code == 403
    assert [len(api.send("GET", "enrollments/").document["results"]) for api in (with_it, without)] == [1, 0]
    plain = published(RENAME)
    assert without.send("GET", f"workflows/{plain.pk}/").status_code == 200


@pytest.mark.covers("PRM-10")
def test_a_workflow_by_a_list_that_looks_at_a_sensitive_property_takes_the_scope_too(sensitive):
    keeping.create(object_types["deal"], "Ill", now=database_now(), criteria=SECRET)
    by_list = {"kind": "filter", "criteria": {"all": [{"list": "ill", "operator": "is_member"}]}}
    workflow = published(RENAME, trigger=by_list)
    with_it, without = client_of(boss()), client_of(boss(), *(one for one in SCOPES if one != Scope.SENSITIVE))
    codes = [api.send("GET", f"workflows/{workflow.pk}/").status_code for api in (with_it, without)]
    assert codes == [200, 403]
    assert without.send("GET", "workflows/").document["results"] == []


@pytest.mark.covers("PRM-10")
def test_a_token_without_the_scope_hears_nothing_of_workflows_with_sensitive_properties(sensitive):
    deal, draft = Deal.objects.create(name="A"), drafting.create("D", "deal", boss(), sensitive.live.definition)
    plain, now = published(RENAME), database_now()
    with_it, without = client_of(boss()), client_of(boss(), *(one for one in SCOPES if one != Scope.SENSITIVE))
    for workflow in (sensitive, plain):
        enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=now, manual=True)
        inside = Enrollment.objects.get(workflow=workflow)
        Delivery.objects.create(
            key=f"{inside.pk}:a:0", kind="mail", enrollment_id=inside.pk, request={}, created_at=now
        )
    Delivery.objects.create(key="n", kind="mail", request={"workflow": sensitive.pk}, created_at=now)

    def seen(api, route, name):
        return {row[name] for row in api.send("GET", route).document["results"]}

    assert seen(with_it, "workflows/", "id") == {sensitive.pk, draft.pk, plain.pk}
    assert seen(without, "workflows/", "id") == {plain.pk}
    assert seen(with_it, "deliveries/", "workflow") == {sensitive.pk, plain.pk, None}
    assert seen(without, "deliveries/", "workflow") == {plain.pk}
    assert seen(with_it, "audit/", "workflow") == {sensitive.pk, draft.pk, plain.pk}
    assert seen(without, "audit/", "workflow") == {plain.pk}
    one = Delivery.objects.get(request={"workflow": sensitive.pk})
    assert [api.send("GET", f"deliveries/{one.pk}/").status_code for api in (with_it, without)] == [200, 404]
