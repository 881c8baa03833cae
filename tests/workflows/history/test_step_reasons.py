"""Why a step did what it did, the workflow as it was then, and how long both can be looked at."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Contact, User
from records.clock import database_now
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.history import retention
from workflows.history.step_reasons import explain_step
from workflows.models import Enrollment, Outcome, Revision, StepExecution, Workflow

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
LIST = "/admin/workflows/enrollment/"
BUYER = {"property": "job_title", "operator": "is_equal_to_any_of", "value": ["Buyer"]}
OSLO = {"property": "city", "operator": "is_equal_to_any_of", "value": ["Oslo"]}
WAYS = [
    {"name": "Buyers in Oslo", "criteria": {"any": [{"all": [BUYER, OSLO]}]}, "steps": []},
    {"name": "Buyers", "criteria": {"any": [{"all": [BUYER]}]}, "steps": [step("hold", "delay", days=9)]},
    {"name": "Rest", "steps": []},
]


def split(**properties: Any) -> tuple[Workflow, Contact, StepExecution]:
    """A contact that has gone through a branching."""
    contact = Contact.objects.create(email="bo@example.com", **properties)
    workflow = make_workflow([step("split", "branch", branches=WAYS)])
    enroll(workflow, [contact.pk], database_now())
    while run_due(database_now()):
        pass
    return workflow, contact, StepExecution.objects.get(step="split")


@pytest.mark.covers("HIS-13")
def test_a_line_of_a_branching_tells_which_way_was_taken_and_what_every_filter_saw_then(
    ann: User, client: Client
) -> None:
    _workflow, contact, line = split(job_title="Buyer", city="Rome")
    Contact.objects.filter(pk=contact.pk).update(job_title="Clerk")
    reason = explain_step(line, Enrollment.objects.get(), user=ann)
    first, second, rest = reason.ways
    assert (first.taken, second.taken, rest.taken) == (False, True, None)
    assert [(leaf.met_then, leaf.value_then, leaf.met_now, leaf.value_now) for leaf in second.leaves] == [
        (True, "Buyer", False, "Clerk")
    ]
    assert [leaf.met_then for leaf in first.leaves] == [None, None], "one of two was not met: which, nobody has kept"
    assert [leaf.value_then for leaf in first.leaves] == ["Buyer", "Rome"]
    page = client.get(reverse("admin:enrollment_event", args=[line.pk])).content.decode()
    assert "Took the branch “Buyers”" in page and "Took this way" in page
    assert "Not asked: an earlier branch took it" in page


@pytest.mark.covers("HIS-13")
def test_a_line_of_any_other_step_tells_what_it_was_set_to_and_why_it_failed(ann: User, client: Client) -> None:
    contact = Contact.objects.create(email="bo@example.com")
    workflow = make_workflow([step("city", "edit_record", property="city", value="Oslo")])
    (made,) = enroll(workflow, [contact.pk])
    line = StepExecution.objects.create(
        enrollment=made, revision_id=workflow.live_id, visit=0, step="city", action="edit_record",
        outcome=Outcome.FAILED, detail={"reason": "not_unique"}, at=database_now(),
    )  # fmt: skip
    reason = explain_step(line, made, user=ann)
    assert "Oslo" in reason.setting and not reason.ways
    page = client.get(reverse("admin:enrollment_event", args=[line.pk])).content.decode()
    assert "Another record already has this value" in page and "Oslo" in page
    assert f"{LIST}diagnose/{workflow.pk}/?record={contact.pk}" in page
    story = client.get(f"{LIST}{made.pk}/change/").content.decode()
    assert reverse("admin:enrollment_event", args=[line.pk]) in story, "the timeline leads there"


def test_the_line_of_a_step_that_is_gone_can_be_looked_at_and_one_that_is_not_there_cannot(
    ann: User, client: Client
) -> None:
    _workflow, _contact, line = split()
    gone = StepExecution.objects.create(
        enrollment=line.enrollment, revision_id=0, visit=0, step="old", action="vanished", outcome=Outcome.SKIPPED,
        at=database_now(),
    )  # fmt: skip
    page = client.get(reverse("admin:enrollment_event", args=[gone.pk])).content.decode()
    assert "no longer installed" in page and "cannot be read any more" in page
    assert client.get(reverse("admin:enrollment_event", args=[gone.pk + 1_000])).status_code == 404


@pytest.mark.covers("HIS-10")
def test_from_an_event_one_sees_the_workflow_as_it_was_then(ann: User, client: Client) -> None:
    workflow, _contact, line = split(job_title="Buyer")
    definition = workflow.live.definition | {"steps": [step("city", "edit_record", property="city", value="Rome")]}
    second = Revision.objects.create(workflow=workflow, number=2, definition=definition, published_at=database_now())
    Workflow.objects.filter(pk=workflow.pk).update(live=second)
    page = client.get(reverse("admin:enrollment_event", args=[line.pk])).content.decode()
    then = reverse("admin:workflow_version", args=[workflow.pk, 1])
    assert f"{then}?step=split&amp;enrollment={line.enrollment_id}" in page
    old = client.get(f"{then}?step=split&enrollment={line.enrollment_id}").content.decode()
    assert "1. If/then branch" in old and "Edit record" not in old
    assert 'class="path-box lit success"' in old and 'class="path-box lit waiting"' in old, "the way it took"
    new = client.get(reverse("admin:workflow_version", args=[workflow.pk, 2])).content.decode()
    assert "1. Edit record" in new and "It is the live one" in new
    assert client.get(reverse("admin:workflow_version", args=[workflow.pk, 3])).status_code == 404


@pytest.mark.covers("HIS-14")
def test_the_story_of_an_enrollment_shows_its_way_through_the_steps(ann: User, client: Client) -> None:
    _workflow, _contact, line = split(job_title="Buyer")
    page = client.get(f"{LIST}{line.enrollment_id}/change/").content.decode()
    assert "The way it took" in page
    assert 'class="path-box lit success"' in page and 'class="path-box lit waiting"' in page


@pytest.mark.covers("HIS-02")
def test_who_was_enrolled_when_can_be_seen_for_years_after_the_log_has_gone(
    ann: User, client: Client, settings: Any
) -> None:
    now = database_now()
    people = [Contact.objects.create(email=f"{name}@example.com") for name in ("new", "old", "inside")]
    workflow = make_workflow([step("wait", "delay", days=2)])
    fresh, old, inside = enroll(workflow, [one.pk for one in people], now - 1_000 * DAY)
    Enrollment.objects.filter(pk=fresh.pk).update(status="completed", step="", ended_at=now - 170 * DAY)
    Enrollment.objects.filter(pk=old.pk).update(status="completed", step="", ended_at=now - 800 * DAY)
    StepExecution.objects.create(
        enrollment=fresh, revision_id=workflow.live_id, visit=0, step="wait", action="delay", outcome="success",
        at=now - 170 * DAY,
    )  # fmt: skip

    def forget() -> list[int]:
        while retention.prune(now):
            pass
        return list(Enrollment.objects.order_by("pk").values_list("pk", flat=True))

    assert forget() == [fresh.pk, old.pk, inside.pk], "they are kept for ever unless one says how long"
    assert not StepExecution.objects.exists()
    listed = client.get(f"{LIST}?workflow__id__exact={workflow.pk}").content.decode()
    assert "new@example.com" in listed and "old@example.com" in listed
    assert client.get(f"{LIST}{fresh.pk}/change/").status_code == 200
    settings.KEEP_ENROLLMENTS_DAYS = 183
    assert forget() == [fresh.pk, inside.pk], "two years at least, and nobody who is inside"


def test_what_is_kept_shows_the_months_that_go_next(ann: User, client: Client) -> None:
    page = client.get(reverse("admin:enrollment_kept")).content.decode()
    for text in ("The log of steps", "KEEP_STEP_LOG_DAYS", "KEEP_ENROLLMENTS_DAYS", "for ever"):
        assert text in page
    assert f"{database_now():%Y}" in page
