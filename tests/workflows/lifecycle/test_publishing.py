"""Publishing: what is checked, what becomes immutable, and what happens to records inside."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from crm.models import Deal
from records.clock import database_now
from records.models import Membership, Segment
from records.problems import DocumentError
from tests.workflows.publishing_deals import BIG, WAIT, boss, change, document, draft, history, inside, live, publish
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.history.explaining import explain
from workflows.lifecycle import following, previewing, publishing, switching
from workflows.models import AuditEntry, Enrollment, Revision, Subscription, Workflow

pytestmark = pytest.mark.django_db
END = {"id": "end", "action": "end", "params": {}}


@pytest.fixture
def deal() -> Deal:
    return Deal.objects.create(name="A", amount=99)


def redraft(workflow: Workflow, *filters: dict[str, Any], **parts: Any) -> Revision:
    """Make the next draft this document."""
    revision = drafting.draft_of(workflow)
    revision.definition = document(*(filters or (BIG,)), **parts)
    revision.save()
    return revision


def codes(document: dict[str, Any]) -> dict[str, str]:
    """Code of each problem by its path."""
    return {problem.path: problem.code for problem in checking.problems(parse(document))}


def test_a_published_revision_never_changes(deal):
    workflow = live(BIG)
    revision = workflow.live
    assert (revision.published_by, revision.number) == (boss(), 1)
    assert revision.reads == ["deal.amount"]
    for values in ({"definition": {}}, {"number": 7}, {"published_at": None}):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            Revision.objects.filter(pk=revision.pk).update(**values)
    assert previewing.draft(workflow) is None
    assert AuditEntry.objects.filter(workflow=workflow, action="published", user=boss()).count() == 1


@pytest.mark.covers("LIF-06", "TRG-28")
def test_a_new_version_replaces_the_old_ones_segment_and_takes_everybody_along(deal):
    workflow = live(BIG, existing=True)
    first = workflow.live
    redraft(workflow, steps=[WAIT, END])
    assert previewing.review(workflow, user=boss(), now=database_now()).already_enrolled == 1
    done = publish(workflow, existing=True)

    assert (done.enrolled, done.moved, done.removed) == (0, 1, 0)
    assert Enrollment.objects.get().revision == done.revision != first
    assert list(Subscription.objects.values_list("revision", flat=True)) == [done.revision.pk]
    assert Segment.objects.count() == Membership.objects.count() == 1


def test_orphans_are_told_in_the_review_and_leave(deal):
    workflow = live(BIG, existing=True)
    redraft(workflow, steps=[END])
    found = previewing.review(workflow, user=boss(), now=database_now())
    assert found.inside.standing == found.inside.orphans == [following.StepCount(workflow.live_id, "wait", 1)]

    assert publish(workflow).removed == 1
    assert history(workflow, deal) == [("unenrolled", "step_removed")]


@pytest.mark.covers("CPL-02")
def test_pinned_records_finish_on_their_revision(deal):
    workflow = live(BIG, existing=True)
    first = workflow.live
    redraft(workflow, steps=[END])
    publish(workflow, in_flight="pin")
    assert Enrollment.objects.get().revision == first
    other = Deal.objects.create(name="B")
    change(other, amount=50)
    assert Enrollment.objects.get(record_id=other.pk).revision == workflow.live


def test_a_draft_edited_since_the_review_is_not_published(deal):
    workflow = draft(BIG)
    rev = previewing.draft(workflow).rev
    with pytest.raises(publishing.RevisionConflict) as caught:
        publish(workflow, rev=rev + 1)
    assert caught.value.rev == rev
    publish(workflow, rev=rev)
    with pytest.raises(publishing.RevisionConflict) as caught:
        publish(workflow, rev=rev)
    assert caught.value.by == boss()
    with pytest.raises(DocumentError, match="nothing to publish"):
        publish(workflow)


def test_only_who_has_the_right_publishes(deal, django_user_model):
    nobody = django_user_model.objects.create(username="nobody")
    workflow = draft(BIG)
    with pytest.raises(PermissionDenied):
        publishing.publish(workflow, by=nobody, now=database_now(), enroll_existing=True)
    with pytest.raises(PermissionDenied):
        switching.turn_off(workflow, by=nobody, now=database_now())
    found = previewing.review(workflow, user=nobody, now=database_now())
    assert [problem.code for problem in found.problems] == ["forbidden"]
    with pytest.raises(DocumentError, match="never published"):
        switching.turn_on(workflow, by=boss(), now=database_now())


@pytest.mark.covers("REV-15")
def test_nothing_is_published_while_there_are_problems(deal):
    workflow = draft(BIG, steps=[{"id": "wait", "action": "delay", "params": {}}])
    with pytest.raises(DocumentError) as caught:
        publish(workflow, existing=True)
    assert caught.value.problems[0].path.startswith("steps.0.params")
    workflow.refresh_from_db()
    assert (workflow.status, workflow.live) == ("off", None)
    assert not Segment.objects.exists()


def test_every_problem_has_its_place():
    unknown = {"property": "no_such", "operator": "is_known"}
    assert codes(document(unknown)) == {"trigger.criteria.any.0.all.0.property": "unknown_property"}
    assert codes(document(BIG, reenroll=["any.0.all.7"])) == {"trigger.reenroll.0": "unknown_filter"}
    assert codes(document(BIG, steps=[])) == {"steps": "missing"}
    assert codes({**document(), "trigger": {"kind": "filter"}}) == {"trigger.criteria": "missing"}


def test_what_is_not_carried_out_is_refused_not_ignored():
    found = codes(
        document(
            BIG,
            goal={"any": [{"all": [BIG]}]},
            suppress=["blocked"],
            unenroll={"criteria": {"any": [{"all": [BIG]}]}, "others": "all"},
            settings={"windows": [{"from": "08:00"}], "timezone": "Mars/Base"},
        )
    )
    assert found == {
        "suppress.0": "unknown_list",
        "settings.windows.0.days": "invalid",
        "settings.windows.0.to": "invalid",
        "settings.timezone": "invalid",
    }
    assert codes(document(BIG, goal=None, suppress=[], sources=[], unenroll={"others": "none"})) == {}


def branching(*ways: list[dict[str, Any]]) -> dict[str, Any]:
    """A branching whose ways, but the last, have criteria."""
    branches = [
        {"name": f"Way {i}", "steps": steps} | ({"criteria": {"all": [BIG]}} if i < len(ways) - 1 else {})
        for i, steps in enumerate(ways)
    ]
    return {"id": "split", "action": "branch", "branches": branches}


def go_to(step_id: str, target: str) -> dict[str, Any]:
    return {"id": step_id, "action": "go_to", "params": {"step": target}}


@pytest.mark.covers("GTO-06", "GTO-07", "GTO-08")
def test_a_jump_leads_into_another_branch_and_never_in_a_circle():
    wait = {**WAIT, "id": "other"}
    assert codes(document(BIG, steps=[branching([go_to("jump", "other")], [wait])])) == {}
    assert codes(document(BIG, steps=[go_to("jump", "wait"), WAIT])).keys() == {"steps.0.params.step"}
    circle = [branching([{**WAIT, "id": "a"}, go_to("ja", "b")], [{**WAIT, "id": "b"}, go_to("jb", "a")])]
    assert set(codes(document(BIG, steps=circle)).values()) == {"circle"}


def test_a_workflow_that_feeds_itself_is_warned_about():
    edit = {"id": "edit", "action": "edit_record", "params": {"property": "amount", "value": 50}}
    found = checking.problems(parse(document(BIG, steps=[edit], reenroll=["any.0.all.0"])))
    assert [(problem.severity, problem.path) for problem in found] == [("warning", "steps.0")]
    assert checking.errors(found) == []


@pytest.mark.covers("HIS-06")
def test_an_enrollment_is_explained_by_values_then_and_now(deal):
    workflow = live(BIG)
    other = Deal.objects.create(name="B", amount=1)
    change(other, amount=50)
    Deal.objects.filter(pk=other.pk).update(amount=2)

    found = explain(workflow, other.pk, now=database_now())
    assert found.verdict == "enrolled"
    assert found.sentences[:2] == ["A change made it meet the criteria.", "amount changed from “1” to “50”."]
    leaf = found.leaves[0]
    assert (leaf.sentence, leaf.met_then, leaf.value_then) == ("Amount is greater than 10", True, "50")
    assert (leaf.met_now, leaf.value_now) == (False, "2")


@pytest.mark.covers("HIS-19")
def test_why_a_record_is_not_enrolled(deal):
    workflow = draft(BIG)
    small = Deal.objects.create(name="B", amount=1)

    def verdict(record: int) -> str:
        workflow.refresh_from_db()
        return explain(workflow, record, now=database_now()).verdict

    assert verdict(deal.pk) == "not_published"
    publish(workflow)
    assert verdict(deal.pk) == "existing_not_enrolled"
    assert verdict(small.pk) == "criteria_not_met"
    assert [leaf.met_now for leaf in explain(workflow, small.pk, now=database_now()).leaves] == [False]
    Deal.objects.filter(pk=small.pk).update(amount=50)
    assert verdict(small.pk) == "about_to_enroll"
    assert verdict(987_654_321) == "record_deleted"
    switching.turn_off(workflow, by=boss(), now=database_now())
    assert verdict(small.pk) == "workflow_off"
    switching.turn_on(workflow, by=boss(), now=database_now())
    change(deal, amount=1)
    change(deal, amount=50)
    assert inside(workflow) == [deal.pk]
    Enrollment.objects.update(status="completed", step="", due_at=None)
    found = explain(workflow, deal.pk, now=database_now())
    assert found.verdict == "enrolled_before"
    assert "re-enrollment is off" in found.sentences[-1]


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"settings": {"timezone": ["Europe/Paris"]}}, "settings.timezone"),
        ({"settings": {"timezone": {"a": 1}}}, "settings.timezone"),
        ({"steps": [WAIT, {"id": "jump", "action": "go_to", "params": {"step": ["wait"]}}]}, "steps.1.params.step"),
        ({"steps": [{"id": "jump", "action": "go_to", "params": {"step": {}}}]}, "steps.0.params.step"),
    ],
)
def test_a_list_where_a_text_belongs_is_a_problem_and_no_error(deal, parts, path):
    assert path in codes(document(BIG, **parts))


def test_a_name_no_workflow_could_keep_is_refused_in_the_draft():
    with pytest.raises(DocumentError, match="200"):
        parse(document(BIG, name="x" * 201))
