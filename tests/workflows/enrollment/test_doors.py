"""Who is kept out, who is taken out, in which order, and what the histories say about it."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from crm.models import Company, Deal
from records.associations import associate
from records.clock import database_now
from records.lists import keeping, members
from records.object_types import object_types
from tests.workflows.publishing_deals import BIG, boss, change, document, finish, history, inside, live, settle
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.enrollment.doors import REFUSALS
from workflows.enrollment.enrolling import Enrolled, enroll
from workflows.history import conversion, explaining
from workflows.history.telling import path_of
from workflows.lifecycle import publishing, switching
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db

LOST = {"property": "stage", "operator": "is_any_of", "value": ["lost"]}
NAMED_Z = {"property": "name", "operator": "is_equal_to_any_of", "value": ["Z"]}
RENAME = {"id": "rename", "action": "edit_record", "params": {"property": "name", "value": "touched"}}


def only(leaf: dict[str, Any]) -> dict[str, Any]:
    return {"all": [leaf]}


def by_hand(workflow: Workflow, *deals: Deal) -> Enrolled:
    cause = {"kind": "manual", "actor": boss().pk}
    return enroll(workflow, [deal.pk for deal in deals], cause=cause, now=database_now(), manual=True)


def run() -> None:
    while run_due(database_now()):
        pass


def told(workflow: Workflow, deal: Deal) -> list[str]:
    """The last line of each of the deal's histories."""
    rows = Enrollment.objects.filter(workflow=workflow, record_id=deal.pk).order_by("id")
    return [path_of(enrollment)[-1].sentence for enrollment in rows]


@pytest.fixture
def deals() -> list[Deal]:
    return Deal.objects.bulk_create([Deal(name="A", amount=1), Deal(name="B", amount=2), Deal(name="Z", amount=99)])


@pytest.mark.covers("UNE-01", "UNE-03", "UNE-04", "TRG-29")
def test_unenrollment_criteria_keep_out_take_out_at_once_and_take_out_later(deals):
    a, b, z = deals
    workflow = live(BIG, unenroll={"criteria": only(NAMED_Z)}, existing=True)
    settle()
    assert history(workflow, z) == [("refused", "meets_unenrollment")]
    assert told(workflow, z) == [REFUSALS["meets_unenrollment"]]

    change(a, amount=50)
    assert inside(workflow) == [a.pk]
    change(a, name="Z")
    assert history(workflow, a) == [("unenrolled", "unenrollment_criteria")]
    change(b, amount=50, name="Z")
    assert history(workflow, b) == [("refused", "meets_unenrollment")]

    by_hand(workflow, b)
    assert history(workflow, b)[-1] == ("refused", "meets_unenrollment")


@pytest.mark.covers("UNE-05", "SUP-03", "TRG-20")
def test_ceasing_to_meet_the_unenrollment_criteria_enrolls_nobody(deals):
    a, _b, z = deals
    workflow = live(BIG, unenroll={"criteria": only(NAMED_Z)}, reenroll=["any.0.all.0"])
    change(a, amount=50)
    change(a, name="Z")
    change(a, name="A")
    change(z, name="Y")
    assert inside(workflow) == []
    change(a, amount=1)
    change(a, amount=50)
    assert inside(workflow) == [a.pk]


@pytest.mark.covers("UNE-04")
def test_publishing_new_unenrollment_criteria_takes_out_who_meets_them(deals):
    a, b, _z = deals
    workflow = live(BIG)
    for deal in (a, b):
        change(deal, amount=50)
    definition = document(BIG, unenroll={"criteria": only({**NAMED_Z, "value": ["B"]})})
    draft = drafting.draft_of(workflow)
    drafting.replace(workflow, definition, draft.rev, user=boss(), now=database_now())
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    assert inside(workflow) == [a.pk]
    assert history(workflow, b) == [("unenrolled", "unenrollment_criteria")]


@pytest.mark.covers("GOL-02", "TRG-29")
def test_who_has_met_the_goal_already_is_not_enrolled_and_not_counted(deals):
    a, _b, z = deals
    workflow = live(BIG, goal=only(NAMED_Z), existing=True)
    assert history(workflow, z) == [("refused", "goal_already_met")]
    by_hand(workflow, z)
    assert told(workflow, z)[-1] == REFUSALS["goal_already_met"]
    change(a, amount=50)
    assert Enrollment.objects.exclude(status="refused").count() == 1


@pytest.mark.covers("GOL-01")
def test_who_meets_the_goal_inside_leaves_when_the_change_is_dispatched(deals):
    workflow = live(BIG, goal=only(NAMED_Z))
    change(deals[0], amount=50)
    change(deals[0], name="Z")
    assert history(workflow, deals[0]) == [("unenrolled", "goal_met")]
    assert told(workflow, deals[0]) == ["The record met the goal of the workflow."]


@pytest.mark.covers("GOL-01")
def test_the_goal_is_asked_before_the_next_action_even_if_nothing_was_dispatched_yet(deals):
    workflow = live(BIG, goal=only(LOST), steps=[RENAME])
    change(deals[0], amount=50)
    change(deals[1], amount=50)
    Deal.objects.filter(pk=deals[0].pk).update(stage="lost")
    run()
    assert history(workflow, deals[0]) == [("unenrolled", "goal_met")]
    assert history(workflow, deals[1]) == [("completed", "completed")]
    assert set(Deal.objects.order_by("pk").values_list("name", flat=True)) == {"A", "touched", "Z"}


@pytest.mark.covers("GOL-01")
def test_an_action_that_reaches_the_goal_is_the_last_one(deals):
    again = {"id": "again", "action": "edit_record", "params": {"property": "name", "value": "too late"}}
    workflow = live(BIG, goal=only({**NAMED_Z, "value": ["touched"]}), steps=[RENAME, again])
    change(deals[0], amount=50)
    run()
    assert history(workflow, deals[0]) == [("unenrolled", "goal_met")]
    assert Deal.objects.get(pk=deals[0].pk).name == "touched"


def test_guards_are_followed_while_a_workflow_is_finishing_and_asked_when_it_is_turned_on(deals):
    a, b, _z = deals
    workflow = live(BIG, unenroll={"criteria": only(NAMED_Z)})
    for deal in (a, b):
        change(deal, amount=50)
    switching.turn_off(workflow, by=boss(), now=database_now(), drain=True)
    change(a, name="Z")
    assert history(workflow, a) == [("unenrolled", "unenrollment_criteria")]
    switching.turn_off(workflow, by=boss(), now=database_now())
    change(b, name="Z")
    assert inside(workflow) == [b.pk]
    switching.turn_on(workflow, by=boss(), now=database_now())
    assert history(workflow, b) == [("unenrolled", "unenrollment_criteria")]


@pytest.mark.covers("UNE-07")
def test_enrolling_takes_a_record_out_of_all_other_workflows_and_both_histories_say_so(deals):
    first, second = live(BIG), live(BIG)
    for workflow in (first, second):
        Workflow.objects.filter(pk=workflow.pk).update(name=f"W{workflow.pk}")
    change(deals[0], amount=50)
    change(deals[1], amount=50)
    taker = live(NAMED_Z, unenroll={"others": "all"})
    Workflow.objects.filter(pk=taker.pk).update(name="Taker")
    change(deals[0], name="Z")

    for workflow in (first, second):
        assert inside(workflow) == [deals[1].pk]
        assert history(workflow, deals[0]) == [("unenrolled", "enrolled_elsewhere")]
        assert "Taker" in told(workflow, deals[0])[0]
    assert inside(taker) == [deals[0].pk]
    beginning = path_of(Enrollment.objects.get(workflow=taker))[0].sentence
    assert f"W{first.pk}" in beginning and f"W{second.pk}" in beginning and "That took it out of" in beginning


@pytest.mark.covers("UNE-07")
def test_enrolling_takes_a_record_out_of_the_chosen_workflows_only(deals):
    first, second = live(BIG), live(BIG)
    change(deals[0], amount=50)
    taker = live(NAMED_Z, unenroll={"others": [second.pk]})
    change(deals[0], name="Z")
    assert (inside(first), inside(second), inside(taker)) == ([deals[0].pk], [], [deals[0].pk])


def test_two_workflows_that_take_records_out_of_each_other_come_to_an_end(deals):
    one = live(BIG, unenroll={"others": "all"})
    other = live(BIG, unenroll={"others": "all"})
    change(deals[0], amount=50)
    assert (inside(one), inside(other)) == ([], [deals[0].pk])
    assert settle() == 0


@pytest.mark.covers("UNE-07")
def test_a_step_that_enrolls_elsewhere_ends_its_own_enrollment_where_the_target_wants_that(deals):
    target = live(NAMED_Z, unenroll={"others": "all"})
    go = {"id": "go", "action": "go_to_workflow", "params": {"workflow": str(target.pk)}}
    source = live(BIG, steps=[go, RENAME])
    change(deals[0], amount=50)
    run()
    assert history(source, deals[0]) == [("unenrolled", "enrolled_elsewhere")]
    assert inside(target) == [deals[0].pk]
    assert Deal.objects.get(pk=deals[0].pk).name == "A"
    assert len(path_of(Enrollment.objects.get(workflow=source))) == 3


@pytest.mark.covers("TRG-29")
def test_the_door_refuses_in_order(deals):
    """Gone before inside, inside before enrolled earlier, that before the criteria, those before the goal."""
    a, b, z = deals
    workflow = live(BIG, unenroll={"criteria": only(NAMED_Z)}, goal=only({**NAMED_Z, "value": ["Z", "B"]}))
    change(a, amount=50)
    assert by_hand(workflow, a, b, z).refused == {
        a.pk: "already_enrolled", b.pk: "goal_already_met", z.pk: "meets_unenrollment"
    }  # fmt: skip
    finish(workflow)
    change(a, name="Z")
    Deal.objects.filter(pk=z.pk).update(deleted_at=database_now())
    assert by_hand(workflow, a, z).refused == {a.pk: "enrolled_before", z.pk: "record_deleted"}
    switching.turn_off(workflow, by=boss(), now=database_now())
    assert by_hand(workflow, a, b).refused == {a.pk: "workflow_off", b.pk: "workflow_off"}


@pytest.mark.detail(22)
@pytest.mark.covers("TRG-29", "HIS-19")
def test_explaining_names_the_guard_that_keeps_a_record_out(deals):
    workflow = live(BIG, goal=only(NAMED_Z))
    found = explaining.explain(workflow, deals[2].pk, now=database_now())
    assert (found.verdict, found.sentence) == ("goal_already_met", REFUSALS["goal_already_met"])


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"goal": {"all": [{"property": "nope", "operator": "is_known"}]}}, "goal.all.0.property"),
        ({"unenroll": {"criteria": {"all": []}}}, "unenroll.criteria.all"),
        ({"unenroll": {"others": [0]}}, "unenroll.others.0"),
        ({"unenroll": {"others": "some"}}, "unenroll.others"),
        ({"unenroll": {"what": 1}}, "unenroll.what"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_its_place(parts, path):
    found = checking.problems(parse(document(BIG, **parts)))
    assert [problem.path for problem in checking.errors(found)] == [path]


def test_metrics_count_who_met_the_goal_inside_or_after_completing(deals):
    """Not of those that left otherwise; who had met it before is not enrolled and not counted."""
    a, b, z = deals
    workflow = live(BIG, goal=only({**NAMED_Z, "value": ["Z", "Y"]}), settings={"metrics": True})
    by_hand(workflow, a, b, z)
    change(a, name="Y")
    assert metrics_of(workflow) == (2, 1, 50)
    finish(workflow)
    change(b, name="Y")
    change(b, name="B")
    change(b, name="Y")
    assert metrics_of(workflow) == (2, 2, 100)


def metrics_of(workflow: Workflow) -> tuple[int, int | None, int]:
    found = conversion.figures(workflow)
    assert found is not None
    return found.enrolled, found.met_goal, found.goal_rate


@pytest.mark.covers("UNE-08")
def test_records_are_taken_out_by_hand_one_or_many_and_who_did_it_is_told(deals, client):
    workflow = live(BIG)
    by_hand(workflow, *deals)
    client.force_login(boss())
    rows = Enrollment.objects.filter(workflow=workflow).order_by("id")
    chosen = [str(pk) for pk in rows.values_list("pk", flat=True)[:2]]
    client.post(reverse("admin:enrollment_unenroll"), {"enrollment": chosen, "confirmed": "yes", "back": "/admin/"})
    assert inside(workflow) == [deals[2].pk]
    assert told(workflow, deals[0]) == ["boss took it out by hand."]


@pytest.mark.covers("MAN-06", "TRG-29")
def test_a_suppression_list_keeps_out_by_hand_too_and_comes_before_the_criteria(deals):
    kept = keeping.create(object_types["deal"], "Kept out", now=database_now())
    members.add(kept, [deals[2].pk], now=database_now())
    workflow = live(BIG, suppress=[kept.slug], goal=only(NAMED_Z))
    assert by_hand(workflow, deals[2]).refused == {deals[2].pk: "on_suppression_list"}
    assert told(workflow, deals[2]) == ["The record was found in the suppression list “Kept out” of this workflow."]


@pytest.mark.covers("MAN-03", "TRG-29")
def test_associated_records_meet_the_same_door_and_are_taken_out_of_other_workflows(deals):
    """Another workflow enrolls the deals of a company, all in one statement."""
    company = Company.objects.create(name="One")
    associate("company", "deal", [(company.pk, deal.pk) for deal in deals])
    settle()
    first, target = live(BIG), live(BIG, goal=only(NAMED_Z), unenroll={"others": "all"})
    by_hand(first, deals[0])
    params = {"association": "deal", "workflow": str(target.pk)}
    definition = {"format": 1, "object": "company", "trigger": {"kind": "manual"}}
    definition["steps"] = [{"id": "each", "action": "for_each_associated", "params": params}]
    source = drafting.create("Source", "company", boss(), definition=definition)
    publishing.publish(source, by=boss(), now=database_now(), enroll_existing=False)
    enroll(source, [company.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    run()
    assert inside(target) == [deals[0].pk, deals[1].pk]
    assert history(first, deals[0]) == [("unenrolled", "enrolled_elsewhere")]
