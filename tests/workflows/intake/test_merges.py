"""Merges and workflows: whom they enroll, whom they take out, and whose history is whose."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Company, Contact, Deal
from records.associations import associate
from records.clock import database_now
from records.happening import happen
from records.lists import keeping, members
from records.merging.performing import merge
from records.models import PendingChange
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.publishing_deals import boss, settle
from workflows import drafting
from workflows.enrollment.enrolling import enroll
from workflows.history.explaining import explain
from workflows.history.telling import path_of
from workflows.lifecycle import publishing
from workflows.models import Enrollment, EventWait, StepExecution, Workflow
from workflows.movers.enrollments import follow

pytestmark = pytest.mark.django_db
IN_LUND = {"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}
LEADS = {"property": "lifecycle_stage", "operator": "is_any_of", "value": ["lead"]}
SEEN = {"event": "page_viewed", "operator": "has_occurred"}
WAIT = {"id": "wait", "action": "delay", "params": {"days": 1}}
MERGED_TOO = {"enroll_merged": True}


def on(trigger: dict[str, Any], kind: str = "contact", steps: Any = (WAIT,), **parts: Any) -> Workflow:
    document = {"format": 1, "name": "Test", "object": kind, "trigger": trigger, "steps": list(steps), **parts}
    workflow = drafting.create("Test", kind, boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def filtered(*filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "filter", "criteria": {"any": [{"all": list(filters)}]}, **more}


def person(name: str, **facts: Any) -> Contact:
    return Contact.objects.create(email=f"{name}@example.com", first_name=name, **facts)


def join(winner: Any, loser: Any, kind: str = "contact", **facts: Any) -> None:
    merge(object_types[kind], winner.pk, loser.pk, now=database_now(), **facts)
    settle()


def rows(workflow: Workflow) -> list[tuple[int, str, str]]:
    found = Enrollment.objects.filter(workflow=workflow).order_by("id")
    return list(found.values_list("record_id", "status", "ended_reason"))


def inside(workflow: Workflow) -> list[int]:
    return [pk for pk, status, _reason in rows(workflow) if status == "active"]


@pytest.mark.covers("TRG-35", "SET-16")
def test_whom_a_merge_makes_match_is_enrolled_only_where_the_workflow_says_so():
    usual, eager = on(filtered(IN_LUND)), on(filtered(IN_LUND), settings=MERGED_TOO)
    anne = person("anne", city="Lund")
    settle()
    ann = person("ann")
    settle()
    join(ann, anne)
    assert rows(usual) == [(ann.pk, "unenrolled", "merged")]
    assert inside(eager) == []


@pytest.mark.covers("TRG-35", "SET-16")
def test_a_merged_record_that_never_was_inside_enters_where_the_setting_is_on():
    both = {"property": "job_title", "operator": "is_known"}
    usual, eager = on(filtered(IN_LUND, both)), on(filtered(IN_LUND, both), settings=MERGED_TOO)
    ann, anne = person("ann", city="Lund"), person("anne", job_title="CEO")
    settle()
    join(ann, anne)
    assert (inside(usual), inside(eager)) == ([], [ann.pk])
    Contact.objects.filter(pk=ann.pk).update(city="Oslo")
    settle()
    Contact.objects.filter(pk=ann.pk).update(city="Lund")
    settle()
    assert inside(usual) == [ann.pk]


@pytest.mark.covers("TRG-35")
def test_what_a_merge_changes_in_others_enrolls_nobody_either():
    far = {"association": "contact", "all": [IN_LUND]}
    usual = on(filtered(far), "deal")
    eager = on(filtered(far), "deal", settings=MERGED_TOO)
    deal = Deal.objects.create(name="Deal")
    ann, anne = person("ann", city="Lund"), person("anne")
    associate("deal", "contact", [(deal.pk, anne.pk)])
    settle()
    join(ann, anne)
    assert (inside(usual), inside(eager)) == ([], [deal.pk])


@pytest.mark.covers("TRG-35")
def test_events_a_merge_makes_enroll_nobody_and_active_lists_follow_it():
    changed = {"event": "property_changed", "property": "job_title"}
    linked = {"event": "record_associated", "object": "company"}
    usual = on({"kind": "event", "events": [changed, linked]})
    eager = on({"kind": "event", "events": [changed, linked]}, settings=MERGED_TOO)
    bosses = keeping.create(
        object_types["contact"], "Bosses", now=database_now(),
        criteria={"all": [{"property": "job_title", "operator": "is_known"}]},
    )  # fmt: skip
    listed = on(filtered({"list": bosses.slug, "operator": "is_member"}))
    ann, anne = person("ann"), person("anne")
    Contact.objects.filter(pk=anne.pk).update(job_title="CEO")
    associate("contact", "company", [(anne.pk, Company.objects.create(name="One").pk)])
    settle()
    Enrollment.objects.all().delete()
    join(ann, anne)
    assert (inside(usual), inside(eager), inside(listed)) == ([], [ann.pk], [])
    assert list(members.members_of(bosses).values_list("record_id", flat=True)) == [ann.pk]


@pytest.mark.covers("TRG-35")
def test_a_ticked_filter_that_a_merge_makes_met_enrolls_nobody_again():
    usual = on(filtered(IN_LUND, reenroll=["any.0.all.0"]))
    known = on(filtered({"property": "city", "operator": "is_known"}, reenroll=["any.0.all.0"]))
    ann, anne = person("ann", city="Lund"), person("anne", city="Rome")
    settle()
    Contact.objects.filter(pk=ann.pk).update(city="Oslo")
    settle()
    Enrollment.objects.update(status="completed", step="", due_at=None, ended_reason="completed")
    cay = person("cay", city="Lund")
    Contact.objects.filter(pk=cay.pk).update(city="Lund")
    settle()
    join(ann, cay, keep={"city": "loser"})
    join(ann, anne, keep={"city": "loser"})
    assert ann.pk not in inside(usual) + inside(known)


def test_events_of_the_loser_count_for_the_winner_from_then_on():
    seen = on(filtered(SEEN), settings=MERGED_TOO)
    ann, anne = person("ann"), person("anne")
    settle()
    happen("page_viewed", "contact", [anne.pk], properties={"url": "a.test"}, now=database_now())
    settle()
    Enrollment.objects.all().delete()
    join(ann, anne)
    assert inside(seen) == [ann.pk]


def test_an_event_nobody_has_looked_at_before_the_merge_enrolls_the_winner():
    seen = on({"kind": "event", "events": [{"event": "page_viewed"}]})
    ann, anne = person("ann"), person("anne")
    happen("page_viewed", "contact", [anne.pk], properties={"url": "a.test"}, now=database_now())
    join(ann, anne)
    assert inside(seen) == [ann.pk]


def test_the_losers_journeys_end_and_are_told_of_with_the_winner():
    workflow = on(filtered(IN_LUND))
    anne = person("anne", city="Lund")
    ann = person("ann")
    settle()
    join(ann, anne)
    (one,) = Enrollment.objects.filter(workflow=workflow)
    told = path_of(one)
    assert (one.record_id, one.entered_as, one.step, one.due_at) == (ann.pk, anne.pk, "", None)
    assert told[-1].sentence == "The record was merged into “ann”."
    assert "The record was created" in told[0].sentence
    (leaf,) = explain(workflow, ann.pk, now=database_now()).leaves
    assert leaf.value_then == "Lund"


def test_who_was_inside_as_either_has_been_inside():
    workflow = on(filtered(IN_LUND), settings=MERGED_TOO)
    ann, anne = person("ann"), person("anne", city="Lund")
    settle()
    join(ann, anne)
    assert rows(workflow) == [(ann.pk, "unenrolled", "merged")]
    done = enroll(workflow, [ann.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    assert done.refused == {ann.pk: "enrolled_before"}


def test_who_an_error_has_stopped_does_not_go_on_as_another_record():
    workflow = on(filtered(IN_LUND))
    ann, anne = person("ann"), person("anne", city="Lund")
    settle()
    Enrollment.objects.update(status="failed", due_at=None, ended_reason="crashed")
    join(ann, anne)
    assert list(Enrollment.objects.values_list("record_id", "status", "step")) == [(ann.pk, "failed", "")]
    assert rows(workflow)[0][2] == "crashed"


def test_who_was_enrolled_while_the_merge_was_made_is_taken_along_when_it_is_dispatched():
    workflow = on({"kind": "manual"})
    ann, anne = person("ann"), person("anne")
    merge(object_types["contact"], ann.pk, anne.pk, now=database_now())
    assert workflow.live is not None
    Enrollment.objects.create(
        workflow=workflow, revision=workflow.live, record_id=anne.pk, step="wait", enrolled_at=database_now()
    )
    pending = list(PendingChange.objects.all())
    follow(pending)
    follow(pending)
    settle()
    assert rows(workflow) == [(ann.pk, "unenrolled", "merged")]


def test_who_waits_for_a_change_is_not_woken_by_the_history_of_another():
    until = {"event": "property_changed", "property": "city", "max_wait": {"days": 2}}
    workflow = on({"kind": "manual"}, steps=[{"id": "until", "action": "delay_until_event", "params": until}])
    ann, anne = person("ann"), person("anne")
    enroll(workflow, [ann.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    from workflows.engine.taking_steps import run_due

    run_due(database_now())
    Contact.objects.filter(pk=anne.pk).update(city="Oslo")
    assert EventWait.objects.filter(happened_at=None).count() == 1
    join(ann, anne, keep={"city": "winner"})
    assert EventWait.objects.filter(happened_at=None).count() == 1
    assert not StepExecution.objects.filter(outcome="success").exists()


@pytest.mark.covers("SET-16")
def test_the_setting_is_a_yes_or_no_for_records_that_can_be_merged():
    def problems(kind: str, value: Any) -> list[str]:
        with pytest.raises(DocumentError) as caught:
            on({"kind": "manual"}, kind, settings={"enroll_merged": value})
        return [problem.path for problem in caught.value.problems]

    assert problems("contact", "yes") == ["settings.enroll_merged"]
    assert problems("task", True) == ["settings.enroll_merged"]
