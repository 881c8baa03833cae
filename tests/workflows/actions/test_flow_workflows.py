"""From one workflow into another: the record itself, and what is associated with it; circles between workflows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Deal
from records.associations import associate
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from tests.workflows.publishing_deals import BIG, boss, draft, live, publish
from workflows.definitions import checking, cycles
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.enrollment import doors, enrolling
from workflows.history import telling
from workflows.lifecycle import publishing
from workflows.models import AuditEntry, Enrollment, Revision, StepExecution, Workflow
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db

AFTER = step("after", "edit_record", property="city", value="went on")

KNOWN = {"all": [{"property": "city", "operator": "is_known"}]}
AGAIN = {"kind": "filter", "criteria": KNOWN, "reenroll": ["all.0"]}


def contacts(count: int) -> list[int]:
    return [one.pk for one in Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(count))]


def target(steps: list[dict[str, Any]] | None = None, *, reenroll: bool = False, **facts: Any) -> Workflow:
    found = make_workflow([step("wait", "delay", days=1)] if steps is None else steps, **facts)
    Workflow.objects.filter(pk=found.pk).update(name="Target")
    if reenroll:
        document = {**found.live.definition, "trigger": AGAIN}
        revision = Revision.objects.create(workflow=found, number=2, definition=document, published_at=NOW)
        Workflow.objects.filter(pk=found.pk).update(live=revision)
    found.refresh_from_db()
    return found


def going_to(workflow: Workflow | int, **facts: Any) -> Workflow:
    pk = workflow if isinstance(workflow, int) else workflow.pk
    return make_workflow([{**step("go", "go_to_workflow", workflow=str(pk)), **facts}, AFTER])


def run() -> None:
    while run_due(NOW):
        pass


def told(workflow: Workflow) -> list[str]:
    found = parse(workflow.live.definition)
    context = StepContext(found, found.by_id["go"])
    lines = StepExecution.objects.filter(enrollment__workflow=workflow, step="go").order_by("id")
    return [actions[line.action].tell(line.detail, line.outcome, context) for line in lines]


@pytest.mark.covers("GTO-01", "GTO-04")
def test_the_record_enters_the_other_workflow_and_goes_on_in_this_one():
    (pk,) = contacts(1)
    other = target()
    first = going_to(other)
    (mine,) = enroll(first, [pk], chain=[7], depth=2)
    run()
    entered = Enrollment.objects.get(workflow=other)
    assert (entered.record_id, entered.status, entered.step) == (pk, "active", "wait")
    assert entered.cause == {
        "kind": "workflow", "workflow": first.pk, "enrollment": mine.pk, "depth": 3, "chain": [7, first.pk],
    }  # fmt: skip
    assert log_of(mine) == [("go", "success"), ("after", "success")]
    assert Contact.objects.get().city == "went on"
    assert f'href="/admin/workflows/workflow/{other.pk}/' in told(first)[0] and "Target" in told(first)[0]
    assert "The workflow" in telling.path_of(entered)[0].sentence
    assert not AuditEntry.objects.filter(action="enrolled_by_hand").exists()


@pytest.mark.covers("GTO-03", "ACG-12")
def test_who_is_in_the_other_workflow_already_is_an_error_here_and_goes_on_while_the_target_is_untouched():
    inside, outside = contacts(2)
    other = target()
    (before,) = enroll(other, [inside])
    Enrollment.objects.filter(pk=before.pk).update(step="wait", visit=0)
    first = going_to(other)
    one, two = enroll(first, [inside, outside])
    assert log_of(one) == []
    run()
    assert log_of(one) == [("go", "failed"), ("after", "success")]
    assert log_of(two) == [("go", "success"), ("after", "success")]
    assert "already enrolled in" in told(first)[0] and "second time" in told(first)[0]
    assert sorted(Enrollment.objects.filter(workflow=other).values_list("record_id", "status")) == [
        (inside, "active"), (outside, "active"),
    ]  # fmt: skip


@pytest.mark.covers("GTO-05")
@pytest.mark.parametrize(("reenroll", "outcome", "count"), [(False, "failed", 1), (True, "success", 2)])
def test_the_targets_own_rules_say_whether_a_record_may_enter_again(reenroll: bool, outcome: str, count: int) -> None:
    (pk,) = contacts(1)
    other = target(reenroll=reenroll)
    (earlier,) = enroll(other, [pk])
    Enrollment.objects.filter(pk=earlier.pk).update(status="completed", step="", due_at=None)
    first = going_to(other)
    (mine,) = enroll(first, [pk])
    run()
    assert log_of(mine) == [("go", outcome), ("after", "success")]
    assert Enrollment.objects.filter(workflow=other).count() == count
    assert ("before" in told(first)[0]) is (outcome == "failed")


@pytest.mark.covers("GTO-01")
@pytest.mark.parametrize("what", ["off", "deleted", "missing", "never published"])
def test_a_target_that_takes_nobody_is_a_sentence_in_this_history(what: str) -> None:
    (pk,) = contacts(1)
    other = target()
    first = going_to(999_999 if what == "missing" else other)
    changes = {"off": {"status": "off"}, "deleted": {"deleted_at": NOW}, "never published": {"live": None}}
    Workflow.objects.filter(pk=other.pk).update(**changes.get(what, {"name": "Target"}))
    (mine,) = enroll(first, [pk])
    run()
    assert log_of(mine) == [("go", "failed"), ("after", "success")]
    sentence = told(first)[0]
    words = {"off": "turned off", "deleted": "no longer exists", "missing": "no longer exists"}
    assert words.get(what, "never published") in sentence
    assert not Enrollment.objects.filter(workflow=other).exists()


def test_a_failed_handing_over_can_stop_the_record_here():
    (pk,) = contacts(1)
    first = going_to(target(status="off"), on_failure={"then": "stop"})
    (mine,) = enroll(first, [pk])
    run()
    mine.refresh_from_db()
    assert (mine.status, mine.step, mine.ended_reason) == ("failed", "go", "target_workflow_off")
    assert telling.path_of(mine)[-1].sentence == "The other workflow was turned off."


def test_workflows_that_send_a_record_round_in_circles_are_stopped_by_the_length_of_the_chain():
    (pk,) = contacts(1)
    one, two = target(reenroll=True), target(reenroll=True)
    for here, there in ((one, two), (two, one)):
        document = {**here.live.definition, "steps": [step("go", "go_to_workflow", workflow=str(there.pk))]}
        revision = Revision.objects.create(workflow=here, number=3, definition=document, published_at=NOW)
        Workflow.objects.filter(pk=here.pk).update(live=revision)
    enrolling.enroll(one, [pk], cause={"kind": "manual"}, now=NOW, manual=True)
    run()
    assert Enrollment.objects.filter(status="active").count() == 0
    count = Enrollment.objects.filter(workflow__in=[one, two], status="completed").count()
    assert count == 2 * doors.VISITS_PER_CHAIN
    assert StepExecution.objects.filter(detail__reason="target_loop", outcome="failed").count() == 1


def test_enrolling_elsewhere_takes_as_many_statements_for_many_as_for_few():
    def statements(count: int) -> int:
        Contact.objects.all().delete()
        ids = contacts(count)
        other = target()
        enroll(other, ids[: count // 2])
        Enrollment.objects.filter(workflow=other).update(due_at=None)
        enroll(make_workflow([step("go", "go_to_workflow", workflow=str(other.pk))]), ids)
        with CaptureQueriesContext(connection) as captured:
            run_due(NOW)
        assert Enrollment.objects.filter(workflow=other, status="active").count() == count
        return len(captured)

    statements(1)  # Whatever is read only once has been read after this.
    assert statements(4) == statements(400)


def problems(params: dict[str, Any], action: str = "go_to_workflow", workflow: int | None = None) -> list[str]:
    document = {"format": 1, "name": "X", "object": "contact", "steps": [step("go", action, **params)]}
    found = checking.problems(parse(document), workflow=workflow)
    return [str(problem.message) for problem in checking.errors(found)]


@pytest.mark.covers("GTO-01", "GTO-02")
def test_only_workflows_of_the_same_records_that_are_on_can_be_published_as_targets():
    other, off, deals = target(), target(status="off"), target(object_type="deal")
    gone = target()
    Workflow.objects.filter(pk=gone.pk).update(deleted_at=NOW)
    assert problems({"workflow": str(other.pk)}) == []
    assert "turned off" in problems({"workflow": str(off.pk)})[0]
    assert "no workflow" in problems({"workflow": str(deals.pk)})[0]
    assert "no workflow" in problems({"workflow": str(gone.pk)})[0]
    assert "this workflow itself" in problems({"workflow": str(other.pk)}, workflow=other.pk)[0]
    assert problems({})


def test_a_name_is_no_target_and_the_ids_of_the_workflows_that_have_it_are_told():
    other = target()
    Workflow.objects.filter(pk=other.pk).update(name="Welcome")
    document = {"format": 1, "name": "X", "object": "contact", "steps": [step("go", "go_to_workflow")]}
    context = StepContext(parse(document), parse(document).by_id["go"])
    (problem,) = actions["go_to_workflow"].problems({"workflow": "Welcome"}, context)
    assert f"“Welcome” is the name of a workflow. Give its id instead: {other.pk}." in problem.message
    twin = target()
    Workflow.objects.filter(pk=twin.pk).update(name="Welcome")
    (problem,) = actions["go_to_workflow"].problems({"workflow": "Welcome"}, StepContext(parse(document)))
    assert f"{other.pk} or {twin.pk}." in problem.message


# For each associated record


def spreading(workflow: Workflow, **params: Any) -> Workflow:
    each = step("go", "for_each_associated", association="contact", workflow=str(workflow.pk), **params)
    return make_workflow([each, step("after", "edit_record", property="city", value="went on")], "company")


def company(people: list[int], label: str = "") -> int:
    pk = Company.objects.create(name=f"Company {Company.objects.count()}").pk
    associate("company", "contact", [(pk, one) for one in people], label)
    return pk


@pytest.mark.covers("CPL-09")
def test_each_associated_record_enters_a_workflow_for_its_own_type_once():
    people = contacts(6)
    first, second, lonely = company(people[:4]), company(people[3:]), company([])
    Contact.objects.filter(pk=people[5]).update(deleted_at=NOW)
    other = target()
    enroll(other, [people[0]])
    Enrollment.objects.filter(workflow=other).update(due_at=None)
    workflow = spreading(other)
    made = enroll(workflow, [first, second, lonely])
    run()
    assert sorted(Enrollment.objects.filter(workflow=other).values_list("record_id", flat=True)) == people[:5]
    lines = StepExecution.objects.filter(enrollment__in=made, step="go").order_by("enrollment_id")
    counts = [(line.outcome, line.detail.get("enrolled"), line.detail.get("refused")) for line in lines]
    # The fourth is shared: it is enrolled for the first company.
    assert counts == [("success", 3, 1), ("success", 1, 1), ("skipped", 0, 0)]
    assert [log_of(one)[-1] for one in made] == [("after", "success")] * 3
    sentences = told(workflow)
    assert "Enrolled 3 associated records" in sentences[0] and "1 was not taken in" in sentences[0]
    assert sentences[2] == "The record had no associated records to enroll."
    cause = Enrollment.objects.get(workflow=other, record_id=people[4]).cause
    assert (cause["workflow"], cause["enrollment"], cause["chain"]) == (workflow.pk, made[1].pk, [workflow.pk])


def test_so_many_and_only_those_with_the_label_and_the_rest_is_counted():
    people = contacts(5)
    pk = company(people[:2])
    associate("company", "contact", [(pk, one) for one in people[1:]], "buyer")
    other = target()
    workflow = spreading(other, label="buyer", limit=3)
    (mine,) = enroll(workflow, [pk])
    run()
    assert sorted(Enrollment.objects.filter(workflow=other).values_list("record_id", flat=True)) == people[1:4]
    assert "1 was above the limit" in told(workflow)[0]
    assert Enrollment.objects.get(pk=mine.pk).outputs["go"]["enrolled"] == 3


def test_the_number_enrolled_can_be_branched_by():
    people = contacts(2)
    other = target()
    ways: list[dict[str, Any]] = [
        {"name": "two", "values": ["2"], "steps": [step("two", "edit_record", property="city", value="two")]},
        {"name": "else", "steps": []},
    ]
    each = step("go", "for_each_associated", association="contact", workflow=str(other.pk))
    workflow = make_workflow([each, step("ask", "value_branch", ways, output="go.enrolled")], "company")
    enroll(workflow, [company(people), company([])])
    run()
    assert sorted(Company.objects.values_list("city", flat=True)) == ["", "two"]


def test_enrolling_what_is_associated_takes_as_many_statements_for_many():
    def statements(companies: int, each: int) -> int:
        Contact.objects.all().delete()
        Company.objects.all().delete()
        ids = [company(contacts_of(i, each)) for i in range(companies)]
        # One step only: a machine that is busy takes fewer of several in one transaction.
        each_of = step("go", "for_each_associated", association="contact", workflow=str(target().pk), limit=1_000)
        enroll(make_workflow([each_of], "company"), ids)
        with CaptureQueriesContext(connection) as captured:
            run_due(NOW)
        return len(captured)

    def contacts_of(number: int, each: int) -> list[int]:
        people = (Contact(email=f"{number}.{i}@example.com") for i in range(each))
        return [one.pk for one in Contact.objects.bulk_create(people)]

    statements(1, 1)  # Whatever is read only once has been read after this.
    assert statements(2, 1) == statements(20, 30)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"workflow": "TARGET"}, "missing"),
        ({"association": "company", "workflow": "TARGET"}, "no workflow"),
        ({"association": "deal", "workflow": "TARGET", "limit": 1_001}, "1000"),
        ({"association": "deal", "workflow": "TARGET", "limit": 0}, "1"),
        ({"association": "planet", "workflow": "TARGET"}, "planet"),
    ],
)
def test_a_spreading_that_cannot_work_is_not_published(params: dict[str, Any], words: str) -> None:
    deals = str(target(object_type="deal").pk)
    filled = {key: deals if value == "TARGET" else value for key, value in params.items()}
    assert problems({"association": "deal", "workflow": deals, "limit": 10}, "for_each_associated") == []
    assert any(words in message for message in problems(filled, "for_each_associated"))


# Circles between workflows

TO_BIG = {"id": "grow", "action": "edit_record", "params": {"property": "amount", "value": 99}}
TO_LATE = {"id": "move", "action": "edit_record", "params": {"property": "probability", "value": 50}}
TICKED = ["any.0.all.0"]
LIKELY = {"property": "probability", "operator": "is_greater_than", "value": 10}


def warnings(workflow: Workflow) -> list[str]:
    found = publishing.review(workflow, user=boss(), now=NOW).problems
    return [str(problem.message) for problem in found if problem.code == "cycle"]


def test_review_warns_of_workflows_that_start_one_another():
    Workflow.objects.filter(pk=live(LIKELY, steps=[TO_BIG], reenroll=TICKED).pk).update(name="Grow the likely ones")
    harmless = draft(BIG, steps=[{**TO_LATE, "params": {"property": "name", "value": "X"}}])
    assert warnings(harmless) == []
    circling = draft(BIG, steps=[TO_LATE], reenroll=TICKED)
    (told_of,) = warnings(circling)
    assert "“Grow the likely ones”" in told_of
    publish(circling)  # A warning does not keep it from being published.
    Workflow.objects.filter(name="Grow the likely ones").update(status="off")
    assert warnings(draft(BIG, steps=[TO_LATE], reenroll=TICKED)) == []


def test_a_circle_of_three_through_enrolling_elsewhere_is_found_and_a_chain_is_not_one():
    nodes = {
        1: cycles.Node(1, "A", writes=frozenset({"deal.stage"})),
        2: cycles.Node(2, "B", reads=frozenset({"deal.stage"}), enrolls=frozenset({3})),
        3: cycles.Node(3, "C", writes=frozenset({"deal.amount"}), reads=frozenset({"deal.name"})),
        4: cycles.Node(4, "D", reads=frozenset({"deal.amount"})),
    }
    assert cycles.circle_with(nodes[1], [nodes[2], nodes[3], nodes[4]]) == []
    closing = cycles.Node(1, "A", writes=frozenset({"deal.stage"}), reads=frozenset({"deal.amount"}))
    assert [node.name for node in cycles.circle_with(closing, [nodes[2], nodes[3], nodes[4]])] == ["B", "C"]


def test_enrolling_elsewhere_counts_as_leading_there():
    here = draft(BIG)
    one = live(LIKELY, steps=[TO_BIG], reenroll=TICKED)
    Workflow.objects.filter(pk=one.pk).update(name="Sender")
    found = {"id": "go", "action": "go_to_workflow", "params": {"workflow": str(one.pk)}}
    sending = draft(BIG, steps=[found], reenroll=TICKED)
    assert "“Sender”" in warnings(sending)[0]
    assert warnings(here) == []
    assert not Deal.objects.exists()
