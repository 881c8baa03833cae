"""Stopped enrollments go on through the API, one by one or many at once, and refusals say why."""

from __future__ import annotations

import pytest

from crm.models import Contact, User
from tests.api.conftest import client_of
from tests.workflows.enrollment.test_reviving import stopped
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db


def test_one_is_tried_again_and_then_is_not_stopped_any_more(boss: User) -> None:
    stopped(1)
    path = f"enrollments/{Enrollment.objects.get().pk}/retry/"
    reply = client_of(boss).send("POST", path)
    assert (reply.status_code, reply.json()["status"], reply.json()["step"]) == (200, "active", "name")
    again = client_of(boss).send("POST", path)
    assert (again.status_code, again.json()["detail"]) == (409, "The enrollment is not stopped.")


def test_one_whose_record_is_gone_is_refused_with_the_reason(boss: User) -> None:
    stopped(1)
    enrollment = Enrollment.objects.get()
    Contact.objects.get(pk=enrollment.record_id).delete()
    reply = client_of(boss).send("POST", f"enrollments/{enrollment.pk}/skip/", {})
    assert (reply.status_code, reply.json()["detail"]) == (409, "The record was deleted.")


def test_many_are_taken_past_their_step_and_the_others_are_counted(boss: User) -> None:
    stopped(4)
    workflow = Workflow.objects.get().pk
    Contact.objects.get(pk=Enrollment.objects.order_by("pk")[0].record_id).delete()
    none = client_of(boss).send("POST", "enrollments/skip/", {"workflow": workflow, "step": "other"})
    assert none.json() == {"revived": 0, "refused": []}
    document = {"workflow": workflow, "step": "name", "reason": "not_unique"}
    reply = client_of(boss).send("POST", "enrollments/skip/", document).json()
    assert reply["revived"] == 3
    assert [(one["code"], one["count"]) for one in reply["refused"]] == [("record_deleted", 1)]
    assert Enrollment.objects.filter(status="active", step="last").count() == 3


def test_a_step_the_workflow_does_not_have_is_named(boss: User) -> None:
    stopped(1)
    reply = client_of(boss).send(
        "POST", "enrollments/retry/", {"workflow": Workflow.objects.get().pk, "target": "nowhere"}
    )
    assert reply.status_code == 400
    assert "nowhere" in reply.json()["errors"][0]["message"]
