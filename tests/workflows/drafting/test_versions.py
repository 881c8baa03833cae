"""Changes and versions of a draft: what was done, names for states, and going back to one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from records.problems import DocumentError
from tests.workflows.drafting.test_drafting import NOW, document
from workflows import drafting
from workflows.drafting import versions
from workflows.drafting.telling import step_names, told
from workflows.lifecycle import publishing
from workflows.models import DraftOp, Workflow

pytestmark = pytest.mark.django_db
FACTS: dict[str, Any] = {"user": None, "now": NOW}


@pytest.fixture
def workflow() -> Workflow:
    return drafting.create("Draft", "contact", None, document())


def do(workflow: Workflow, *ops: dict[str, Any]) -> None:
    for op in ops:
        drafting.apply(workflow, op, rev=drafting.draft_of(workflow).rev, **FACTS)


def draft(workflow: Workflow) -> dict[str, Any]:
    return drafting.draft_of(workflow).definition


def rev(workflow: Workflow) -> int:
    return drafting.draft_of(workflow).rev


def rename(name: str) -> dict[str, Any]:
    return {"op": "rename", "name": name}


@pytest.mark.detail(10)
def test_a_draft_goes_back_to_a_named_version_and_forth_again(workflow: Workflow) -> None:
    kept = versions.keep(workflow, " Before ", **FACTS)
    first = draft(workflow)
    do(workflow, {"op": "delete", "step": "split"}, rename("Other"))
    later = draft(workflow)
    applied = versions.restore_named(workflow, kept, rev=rev(workflow), **FACTS)
    restored = {**first, "name": "Other"}
    assert (kept.name, draft(workflow), applied.op) == ("Before", restored, "went back to “Before”")
    drafting.undo(workflow, rev=rev(workflow), **FACTS)
    assert draft(workflow) == later


@pytest.mark.detail(10)
def test_a_draft_goes_back_to_before_any_change_that_still_counts(workflow: Workflow) -> None:
    states = []
    for op in ({"op": "move", "step": "wait", "to": "steps.2"}, {"op": "delete", "step": "split"}, rename("Other")):
        states.append(draft(workflow))
        do(workflow, op)
    do(workflow, rename("Undone"))
    drafting.undo(workflow, rev=rev(workflow), **FACTS)
    moved, deleted, _renamed, undone = DraftOp.objects.order_by("rev")
    with pytest.raises(DocumentError, match="not part of the draft any more"):
        versions.restore_before(workflow, undone, rev=rev(workflow), **FACTS)
    versions.restore_before(workflow, deleted, rev=rev(workflow), **FACTS)
    assert draft(workflow) == states[1]
    versions.restore_before(workflow, moved, rev=rev(workflow), **FACTS)
    assert draft(workflow) == states[0]


@pytest.mark.covers("LIM-07", "EDT-10")
def test_what_is_older_than_thirty_days_or_of_another_draft_is_not_gone_back_to(workflow: Workflow) -> None:
    do(workflow, rename("Old"))
    [op] = DraftOp.objects.all()
    later = {**FACTS, "now": NOW + dt.timedelta(days=31)}
    with pytest.raises(DocumentError, match="published or named version"):
        versions.restore_before(workflow, op, rev=rev(workflow), **later)
    assert draft(workflow)["name"] == "Old"


@pytest.mark.covers("CPL-02")
def test_a_published_version_becomes_the_draft_and_what_is_live_stays(workflow: Workflow, admin_user: Any) -> None:
    do(workflow, {"op": "delete", "step": "split"})
    first = publishing.publish(workflow, by=admin_user, now=NOW, enroll_existing=False).revision
    do(workflow, {"op": "delete", "step": "wait"}, rename("Called so since"))
    second = publishing.publish(workflow, by=admin_user, now=NOW, enroll_existing=False).revision
    versions.restore_published(workflow, first, rev=rev(workflow), **FACTS)
    workflow.refresh_from_db()
    assert (draft(workflow), workflow.live) == ({**first.definition, "name": "Called so since"}, second)
    assert workflow.name == "Called so since"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b", "Taken"])
def test_a_version_has_a_name_of_its_own(workflow: Workflow, name: str) -> None:
    versions.keep(workflow, "Taken", **FACTS)
    with pytest.raises(DocumentError) as refused:
        versions.keep(workflow, name, **FACTS)
    assert [problem.path for problem in refused.value.problems] == ["name"]
    assert workflow.named_versions.count() == 1


def test_changes_name_steps_as_people_know_them_also_those_that_are_gone(workflow: Workflow) -> None:
    do(workflow, {"op": "delete", "step": "split"})
    [op] = DraftOp.objects.all()
    names = step_names(op.inverse, draft(workflow))
    assert (told(op.op, names), told(op.op)) == ("deleted the step “If/then branch”", "deleted the step “split”")


def test_who_may_only_look_cannot_restore(workflow: Workflow, client: Client) -> None:
    user = get_user_model().objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_workflow"))
    client.force_login(user)
    address = reverse("admin:workflow_versions", args=[workflow.pk])
    do(workflow, rename("Other"))
    page = client.get(address)
    assert (page.status_code, b"Back to before" in page.content) == (200, False)
    assert client.post(address, {"name": "Mine"}).status_code == 403
    assert workflow.named_versions.count() == 0


def test_the_page_keeps_and_restores_but_not_over_what_it_has_not_seen(
    workflow: Workflow, admin_client: Client
) -> None:
    address = reverse("admin:workflow_versions", args=[workflow.pk])
    admin_client.post(address, {"name": "Mine"})
    first = draft(workflow)
    do(workflow, {"op": "delete", "step": "split"})
    [kept], changed = workflow.named_versions.all(), draft(workflow)
    told = admin_client.post(address, {"named": kept.pk, "rev": 0}, follow=True).content.decode()
    assert ("Nothing was restored" in told, draft(workflow)) == (True, changed)
    told = admin_client.post(address, {"named": kept.pk, "rev": rev(workflow)}, follow=True).content.decode()
    assert ("What is live has not changed" in told, draft(workflow)) == (True, first)
    for asked in ({"named": "²"}, {"revision": "9" * 30}, {"before": ""}, {}):
        assert admin_client.post(address, {"rev": "0", **asked}).status_code == 404
    other = drafting.create("Another", "contact", None)
    foreign = reverse("admin:workflow_versions", args=[other.pk])
    assert admin_client.post(foreign, {"named": kept.pk, "rev": 0}).status_code == 404
