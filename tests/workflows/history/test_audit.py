"""The audit log and published revisions: who changed what, from what to what (HIS-17, HIS-18)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from records.clock import database_now
from records.models import Access
from records.problems import DocumentError, Problem
from tests.api.conftest import client_of, person
from tests.workflows.building import enroll
from tests.workflows.publishing_deals import BIG, WAIT, boss, document, draft, publish
from tests.workflows.restricted import RAISE, RENAME, member, published
from workflows import drafting
from workflows.health import unreadable
from workflows.lifecycle import cataloguing, switching
from workflows.models import AuditEntry, Workflow

pytestmark = pytest.mark.django_db
MAIL = {"id": "tell", "action": "send_internal_email", "params": {"to": ["owner"], "subject": "Hi", "body": "Hi"}}


def op(workflow: Workflow, user: Any, **operation: Any) -> None:
    now, rev = database_now(), drafting.draft_of(workflow).rev
    drafting.carry_out(workflow, operation, rev=rev, user=user, now=now)


def changed(workflow: Workflow) -> Workflow:
    """A workflow with two published versions: a longer delay, and a step more."""
    publish(workflow)
    op(workflow, boss(), op="update", step="wait", params={"days": 5})
    op(workflow, boss(), op="insert", at="steps.1", step=MAIL)
    publish(workflow)
    return workflow


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.covers("HIS-17")
def test_every_change_of_a_workflow_is_kept_with_who_what_before_and_after():
    ann = person("ann", "workflows.change_workflow", "workflows.publish_workflow", "crm.view_deal")
    workflow = draft(BIG)
    op(workflow, ann, op="update", step="wait", params={"days": 5})
    op(workflow, ann, op="undo")
    op(workflow, ann, op="redo")
    publish(workflow)
    switching.turn_off(workflow, by=ann, now=database_now())
    cataloguing.change(workflow, {"name": "Renamed"}, by=ann, now=database_now())
    cataloguing.remove(workflow, by=boss(), now=database_now())
    cataloguing.restore(workflow, by=boss(), now=database_now())
    reply = client_of(boss()).send("GET", f"audit/?workflow={workflow.pk}").document["results"][::-1]
    told = [(one["user"], one["action"], [tuple(change.values()) for change in one["changes"]]) for one in reply]
    assert told == [
        ("boss", "created", []),
        ("ann", "edited", [("steps.wait.params.days", "2", "5")]),
        ("ann", "undone", [("steps.wait.params.days", "5", "2")]),
        ("ann", "redone", [("steps.wait.params.days", "2", "5")]),
        ("boss", "published", [("revision", "–", "1")]),
        ("ann", "turned_off", [("status", "on", "off")]),
        ("ann", "changed", [("name", "Test", "Renamed")]),
        ("boss", "deleted", []),
        ("boss", "restored", []),
    ]
    assert reply[1]["sentences"] == ["Changed the settings of the step “wait”."]


@pytest.mark.covers("HIS-17")
def test_the_log_is_filtered_and_exported_as_it_is_filtered():
    workflow = changed(draft(BIG))
    Workflow.objects.filter(pk=workflow.pk).update(name="=cmd()")
    client = signed_in(boss())
    page = client.get(reverse("admin:workflows_auditentry_changelist"), {"action": "edited"}).content.decode()
    assert "Added the step “Send internal email”" in page and "steps.wait.params.days" in page
    entry = AuditEntry.objects.filter(action="edited").latest("pk")
    page = client.get(reverse("admin:workflows_auditentry_change", args=[entry.pk])).content.decode()
    assert f"#{entry.pk}" in page and "Edited" in page and "Added the step" in page and "sentences" not in page
    reply = client.get(reverse("admin:workflows_auditentry_export"), {"action": "edited"})
    text = b"".join(reply.streaming_content).decode().removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][-3:] == ["What", "Before", "After"]
    assert (rows[1][1], rows[1][2], rows[1][4], *rows[1][-3:]) == (
        "boss", str(workflow.pk), "Edited", "steps.wait.params.days", "2", "5"
    )  # fmt: skip
    assert {row[3] for row in rows[1:]} == {"'=cmd()"}
    api = client_of(boss()).send("GET", "audit/?action=published&since=2020-01-01T00:00:00Z").document["results"]
    assert [one["what"] for one in api] == ["Published", "Published"]


@pytest.mark.covers("HIS-17")
def test_what_somebody_did_stays_theirs_when_they_are_deleted():
    ann = person("ann", "workflows.change_workflow", "workflows.publish_workflow", "crm.view_deal")
    workflow = draft(BIG)
    op(workflow, ann, op="update", step="wait", params={"days": 5})
    AuditEntry.objects.create(workflow=workflow, action="finished", at=database_now())
    ann.delete()
    client, log = signed_in(boss()), reverse("admin:workflows_auditentry_changelist")
    page = client.get(log).content.decode()
    assert ("ann (deleted)" in page, "the system" in page) == (True, True)
    assert len(client.get(log, {"q": "ann"}).context["cl"].result_list) == 1
    text = b"".join(client.get(reverse("admin:workflows_auditentry_export")).streaming_content).decode()
    assert [row[1] for row in csv.reader(io.StringIO(text))] == ["Who", "boss", "ann (deleted)", "the system"]
    api = client_of(boss()).send("GET", "audit/?user=ann").document["results"]
    assert [(one["user"], one["action"]) for one in api] == [("ann", "edited")]


@pytest.mark.covers("HIS-17")
def test_the_log_says_why_a_workflow_was_turned_off_that_cannot_be_read():
    workflow = draft(BIG)
    publish(workflow)
    error = DocumentError([Problem("steps.0.action", "There is no action “wait”.")])
    unreadable.turn_off([workflow], error, database_now())
    page = signed_in(boss()).get(reverse("admin:workflows_auditentry_changelist"), {"action": "turned_off"})
    assert "There is no action “wait”." in page.content.decode()
    (entry,) = client_of(boss()).send("GET", "audit/?action=turned_off").document["results"]
    assert (entry["user"], entry["sentences"]) == (None, ["There is no action “wait”."])
    assert entry["changes"] == [{"at": "status", "before": "on", "after": "off"}]


@pytest.mark.covers("HIS-17")
def test_who_takes_records_out_by_hand_is_in_the_log_of_each_workflow():
    one, other = published(RENAME), published(RENAME)
    inside = [*enroll(one, [1, 2], at="rename"), *enroll(other, [3], at="rename"), *enroll(one, [4], at="rename")]
    form = {"enrollment": [row.pk for row in inside[:3]], "confirmed": "yes"}
    assert signed_in(boss()).post(reverse("admin:enrollment_unenroll"), form).status_code == 302
    assert client_of(boss()).send("POST", f"workflows/{one.pk}/unenroll/", {"records": [1, 4]}).document == {
        "unenrolled": 1
    }
    assert client_of(boss()).send("POST", f"workflows/{one.pk}/unenroll/", {"records": [4]}).status_code == 200
    told = AuditEntry.objects.filter(action="taken_out_by_hand").order_by("pk")
    assert [(entry.workflow_id, str(entry.user), entry.detail) for entry in told] == [
        (one.pk, "boss", {"unenrolled": 2}),
        (other.pk, "boss", {"unenrolled": 1}),
        (one.pk, "boss", {"unenrolled": 1}),
    ]


@pytest.mark.covers("HIS-17", "LIF-05")
def test_of_two_who_delete_or_restore_a_workflow_at_once_only_the_first_does():
    workflow = published(RENAME)
    enroll(workflow, [1], at="rename")
    for left in (1, 0):
        assert cataloguing.remove(Workflow.objects.get(pk=workflow.pk), by=boss(), now=database_now()) == left
    seen = [Workflow.objects.get(pk=workflow.pk) for _window in range(2)]
    for window in seen:
        cataloguing.restore(window, by=boss(), now=database_now())
    told = AuditEntry.objects.filter(workflow=workflow, action__in=("deleted", "restored")).order_by("pk")
    assert list(told.values_list("action", flat=True)) == ["deleted", "restored"]


@pytest.mark.covers("HIS-17")
def test_the_log_takes_a_right_and_says_nothing_of_workflows_that_are_closed():
    published(RAISE)
    una = member("una", Access.NONE)
    assert client_of(una).send("GET", "audit/").document["results"] == []
    text = b"".join(signed_in(una).get(reverse("admin:workflows_auditentry_export")).streaming_content).decode()
    assert len(text.splitlines()) == 1
    nobody = person("nobody", is_staff=True)
    assert client_of(nobody).send("GET", "audit/").status_code == 403
    assert signed_in(nobody).get(reverse("admin:workflows_auditentry_export")).status_code == 403


def test_what_is_kept_of_a_large_edit_has_a_bound():
    workflow = draft(BIG)
    steps = [{**WAIT, "id": f"w{number}", "comment": "x" * 400} for number in range(200)]
    rev = drafting.draft_of(workflow).rev
    drafting.replace(workflow, document(BIG, steps=steps), rev, user=boss(), now=database_now())
    detail = AuditEntry.objects.filter(action="edited").latest("pk").detail
    assert len(str(detail)) < 6_000
    (steps,) = [one for one in detail["changes"] if one["at"] == "steps"]
    assert steps["after"][0] == {"id": "w0", "action": "delay"}


@pytest.mark.covers("HIS-18")
def test_a_revision_is_fetched_and_two_are_compared_by_api_and_on_the_page():
    workflow = changed(draft(BIG))
    api = client_of(boss())
    listed = api.send("GET", f"workflows/{workflow.pk}/revisions/").document["results"]
    assert [(one["number"], one["live"], one["published_by"]) for one in listed] == [
        (2, True, "boss"), (1, False, "boss")
    ]  # fmt: skip
    first = api.send("GET", f"workflows/{workflow.pk}/revisions/1/").document
    assert first["steps"] == [WAIT]
    assert api.send("GET", f"workflows/{workflow.pk}/revisions/3/").status_code == 404
    found = api.send("GET", f"workflows/{workflow.pk}/revisions/1/compare/2/").document
    assert [(one["place"], one["mark"], one["values"]) for one in found] == [
        ("wait", "changed", [{"at": "params.days", "before": "2", "after": "5"}]),
        ("tell", "added", []),
    ]
    page = signed_in(boss()).get(reverse("admin:workflow_compare", args=[workflow.pk])).content.decode()
    assert (
        "<del>Wait 2 days</del>" in page
        and "<ins>Wait 5 days</ins>" in page
        and "Added" in page
        and "params.days" not in page
    )
    back = signed_in(boss()).get(reverse("admin:workflow_compare", args=[workflow.pk]), {"from": 2, "to": 1})
    assert "Removed" in back.content.decode()


def test_there_is_nothing_to_compare_yet_and_no_such_version():
    workflow = draft(BIG)
    page = signed_in(boss()).get(reverse("admin:workflow_compare", args=[workflow.pk]))
    assert "There are no two versions yet" in page.content.decode()
    changed(workflow)
    page = signed_in(boss()).get(reverse("admin:workflow_compare", args=[workflow.pk]), {"from": 7, "to": 2})
    assert "There is no such version" in page.content.decode()
