"""Existing workflows that use a property a person may not edit: read-only as a whole, or closed (PRM-08, PRM-09)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.palette import matching_workflows
from crm.models import Deal, User
from records.clock import database_now
from records.models import Access
from tests.api.conftest import client_of
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import BIG, RAISE, RENAME, changed, made, member, published
from workflows import drafting
from workflows.drafting import versions
from workflows.engine.taking_steps import run_due
from workflows.enrollment import enrolling_many, moving_by_hand, moving_many
from workflows.enrollment.enrolling import enroll
from workflows.lifecycle import cataloguing, publishing, switching
from workflows.models import Enrollment, Workflow
from workflows.rights.opening import access_to, openable
from workflows.simulation.simulating import simulate

pytestmark = pytest.mark.django_db
TRIGGER = {"kind": "filter", "criteria": BIG}


def admin(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def pages(workflow: Workflow) -> list[str]:
    names = ("editor", "outline", "versions", "metrics", "simulation", "review", "counts", "panel", "diagnose")
    return [reverse(f"admin:workflow_{name}", args=[workflow.pk]) + "?step=rename" for name in names]


def entered(workflow: Workflow) -> Enrollment:
    deal = Deal.objects.create(name="A", amount=1)
    enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    run_due(database_now())
    return Enrollment.objects.get(workflow=workflow, record_id=deal.pk)


@pytest.mark.parametrize(
    ("steps", "live", "view", "none"),
    [
        ((RAISE,), True, Access.VIEW, Access.NONE),
        ((RAISE,), False, Access.VIEW, Access.NONE),
        ((RENAME,), True, Access.EDIT, Access.EDIT),
    ],
    ids=["changes it", "a draft that changes it", "changes others"],
)
def test_what_stands_in_a_workflow_decides_what_one_may_do_with_it(steps, live, view, none) -> None:
    workflow = published(*steps) if live else made(*steps)
    assert access_to(workflow, member("vic", Access.VIEW)) == view
    assert access_to(workflow, member("una", Access.NONE)) == none
    assert access_to(workflow, member("eve", None)) == access_to(workflow, boss()) == Access.EDIT


def test_to_look_at_a_property_closes_a_published_workflow_to_who_has_no_access_and_to_nobody_else() -> None:
    una, vic = member("una", Access.NONE), member("vic", Access.VIEW)
    workflow = made(RENAME, trigger=TRIGGER, by=una)
    assert access_to(workflow, una) == Access.EDIT
    publishing.publish(workflow, by=una, now=database_now(), enroll_existing=False)
    assert (access_to(workflow, una), access_to(workflow, vic)) == (Access.NONE, Access.EDIT)


def test_what_an_older_version_changed_closes_its_history_but_leaves_the_workflow_editable() -> None:
    workflow = published(RAISE)
    changed(workflow, RENAME, by=boss())
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    assert access_to(workflow, member("vic", Access.VIEW)) == Access.EDIT
    assert access_to(workflow, member("una", Access.NONE)) == Access.NONE


@pytest.mark.covers("PRM-08", "EDT-13")
def test_view_only_makes_the_whole_workflow_read_only() -> None:
    vic, workflow = member("vic", Access.VIEW), published(RENAME, RAISE)
    client = admin(vic)
    page = client.get(pages(workflow)[0])
    assert page.status_code == 200 and not page.context["may_change"] and page.context["switches"] == []
    assert "you can read it only" in page.content.decode() and "data-editable" not in page.content.decode()
    assert client.get(pages(workflow)[1]).context["may_change"] is False
    op = {"op": "update", "step": "rename", "comment": "mine", "rev": 0}
    sent = client.post(reverse("admin:workflow_ops", args=[workflow.pk]), op, content_type="application/json")
    assert sent.status_code == 403
    assert client.post(reverse("admin:workflow_remove", args=[workflow.pk])).status_code == 403
    assert client.get(reverse("admin:workflow_enroll", args=[workflow.pk])).status_code == 403
    mine = entered(workflow)
    moved = client.post(reverse("admin:enrollment_move"), {"enrollment": mine.pk, "target": "raise"})
    assert moved.status_code == 403 and "you can read it only" in moved.content.decode()
    switch = client.post(f"{reverse('admin:workflow_switch')}?to=off&id={workflow.pk}")
    workflow.refresh_from_db()
    assert switch.status_code == 302 and workflow.status == "on" and workflow.deleted_at is None


@pytest.mark.covers("PRM-08")
def test_every_verb_refuses_who_may_only_read_and_says_why() -> None:
    vic, workflow, now = member("vic", Access.VIEW), published(RENAME, RAISE), database_now()
    rename = {"op": "update", "step": "rename", "comment": "an unrelated action"}
    trigger = {"op": "set_trigger", "trigger": TRIGGER}
    changed(workflow, RAISE, by=boss())
    rev = drafting.draft_of(workflow).rev
    one = workflow.revisions.exclude(published_at=None).get()
    verbs: list[Any] = [
        lambda: drafting.carry_out(workflow, rename, rev=rev, user=vic, now=now),
        lambda: drafting.carry_out(workflow, trigger, rev=rev, user=vic, now=now),
        lambda: drafting.undo(workflow, rev=rev, user=vic, now=now),
        lambda: drafting.redo(workflow, rev=rev, user=vic, now=now),
        lambda: versions.keep(workflow, "Mine", user=vic, now=now),
        lambda: versions.restore_published(workflow, one, rev=rev, user=vic, now=now),
        lambda: publishing.publish(workflow, by=vic, now=now, enroll_existing=False),
        lambda: switching.turn_off(workflow, by=vic, now=now),
        lambda: cataloguing.change(workflow, {"name": "Mine"}, by=vic, now=now),
        lambda: cataloguing.remove(workflow, by=vic, now=now),
        lambda: enrolling_many.begin(workflow, by=vic, now=now, record_ids=[1]),
        lambda: moving_by_hand.move(workflow, [1], "raise", by=vic, now=now),
        lambda: moving_many.begin(workflow, Enrollment.objects.all(), "raise", by=vic, now=now, places=[]),
    ]
    for verb in verbs:
        with pytest.raises(PermissionDenied, match="changes a property you may see but not edit"):
            verb()
    assert drafting.draft_of(workflow).rev == rev


@pytest.mark.covers("PRM-09")
def test_no_access_closes_every_page_of_the_workflow_and_leaves_it_out_of_every_list() -> None:
    una, workflow = member("una", Access.NONE, "workflows.view_delivery"), published(RENAME, RAISE)
    other = published(RENAME)
    client, mine = admin(una), entered(workflow)
    for page in [*pages(workflow), reverse("admin:workflows_enrollment_change", args=[mine.pk])]:
        refused = client.get(page)
        assert refused.status_code == 403 and "you cannot open it" in refused.content.decode(), page
        assert admin(boss()).get(page).status_code in (200, 302), page
    listed = client.get(reverse("admin:workflows_workflow_changelist")).context["cl"].result_list
    assert [one.pk for one in listed] == [other.pk]
    history = client.get(reverse("admin:workflows_enrollment_changelist"))
    assert list(history.context["rows"]) == []
    assert str(workflow.pk) not in [choice.query_string for choice in history.context["filters"][0]["choices"]]
    audit = client.get(reverse("admin:workflows_auditentry_changelist")).context["cl"].result_list
    assert {entry.workflow_id for entry in audit} == {other.pk}
    assert len(matching_workflows("W", una)) == 1 and len(matching_workflows("W", boss())) == 2
    record = client.get(reverse("admin:crm_deal_change", args=[mine.record_id]))
    assert record.context["enrollments"] == [] and [one.pk for one in record.context["workflows"]] == [other.pk]
    assert "enrollment" not in {line.kind for line in record.context["timeline"].lines}


@pytest.mark.covers("PRM-08", "PRM-09")
def test_the_api_reads_or_refuses_as_the_pages_do() -> None:
    una, vic = client_of(member("una", Access.NONE)), client_of(member("vic", Access.VIEW))
    workflow = published(RENAME, RAISE)
    mine = entered(workflow)
    at = f"workflows/{workflow.pk}/"
    for path in (at, f"{at}draft/", f"{at}review/", f"{at}explain/?record={mine.record_id}"):
        reply = una.send("GET", path)
        assert (reply.status_code, "you cannot open it" in reply.document["detail"]) == (403, True), path
        assert vic.send("GET", path).status_code == 200, path
    assert una.send("GET", "workflows/").document["results"] == []
    assert una.send("GET", "enrollments/").document["results"] == []
    assert una.send("GET", f"enrollments/{mine.pk}/").status_code == 404
    assert len(vic.send("GET", f"enrollments/{mine.pk}/").document["history"]) > 1
    changes = [
        ("PATCH", at, {"name": "Mine"}), ("DELETE", at, None), ("POST", f"{at}turn-off/", None),
        ("POST", f"{at}enroll/", {"records": [mine.record_id]}),
        ("POST", f"{at}unenroll/", {"records": [mine.record_id]}),
        ("POST", f"{at}publish/", {"enroll_existing": False}),
    ]  # fmt: skip
    for method, path, body in changes:
        for api in (una, vic):
            assert api.send(method, path, body).status_code == 403, path
    tag = vic.send("GET", f"{at}draft/")["ETag"]
    assert vic.send("PUT", f"{at}draft/", workflow.live.definition, If_Match=tag).status_code == 403


@pytest.mark.covers("PRM-09")
def test_a_test_with_a_record_tells_no_value_a_person_has_no_access_to() -> None:
    una = member("una", Access.NONE)
    deal, workflow = Deal.objects.create(name="A", amount=77_700_777), made(RENAME, trigger=TRIGGER, by=una)
    with pytest.raises(ValueError, match="to which you have no access"):
        simulate(drafting.draft_of(workflow), deal.pk, user=una, now=database_now())
    tried = admin(una).get(reverse("admin:workflow_try_trigger", args=[workflow.pk]), {"record": deal.pk})
    assert "which you may not see" in tried.context["trial"].problem
    assert not re.search(r"77\D?700\D?777", tried.content.decode())


def test_lists_ask_a_constant_number_of_queries_and_none_for_who_is_not_restricted() -> None:
    una, eve = member("una", Access.NONE), member("eve", None)
    counts = []
    for _round in range(2):
        for number in range(3):
            own = f"own{_round}{number}"  # No two drafts alike: each has to be read.
            published(RAISE)
            made(RENAME, RAISE | {"id": own})
            made(RENAME | {"id": own})
        with CaptureQueriesContext(connection) as queries:
            found = list(openable(Workflow.objects.all(), User.objects.get(pk=una.pk)))
        counts.append(len(queries))
        assert len(found) == 3 * (_round + 1)
    assert counts[0] == counts[1]
    with CaptureQueriesContext(connection) as queries:
        list(openable(Workflow.objects.all(), User.objects.get(pk=eve.pk)))
    assert len(queries) == 3  # The user, the rights, the workflows.
