"""Workflows that enroll records when something happens to them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Deal, Task
from records.associations import associate, dissociate
from records.clock import database_now
from records.criteria.event_rows import event_rows
from records.event_types.known import event_types
from records.happening import Occurrence, happen
from records.lists import keeping, members
from records.models import CustomEventProperty, CustomEventType, Event, PendingEvent
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.publishing_deals import boss, settle
from workflows import drafting
from workflows.enrollment.enrolling import enroll
from workflows.enrollment.leaving import unenroll
from workflows.events.settings import WhereField
from workflows.history.telling import path_of
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing, switching
from workflows.models import Enrollment, EventSubscription, Workflow
from workflows.processes.ticking import tick
from workflows.registries import triggers

pytestmark = pytest.mark.django_db
PRICING = {"event": "page_viewed", "where": [{"property": "url", "operator": "contains_any_of", "value": ["pricing"]}]}
WAIT = {"id": "wait", "action": "delay", "params": {"days": 1}}
IN_LUND = {"all": [{"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}]}


def on(
    *events: dict[str, Any], object: str = "contact", steps: Any = (WAIT,), goal: Any = None, leave: Any = None,
    zone: str = "UTC", **trigger: Any,
) -> Workflow:  # fmt: skip
    """A workflow with an event trigger, turned on now; `leave` are its unenrollment criteria."""
    document = {
        "format": 1, "name": "Events", "object": object, "steps": list(steps), "goal": goal,
        "trigger": {"kind": "event", "events": list(events), **trigger}, "unenroll": {"criteria": leave},
        "settings": {"timezone": zone},
    }  # fmt: skip
    workflow = drafting.create("Events", object, boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def contact(**facts: Any) -> int:
    return Contact.objects.create(email=f"c{Contact.objects.count()}@example.com", **facts).pk


def view(*ids: int, page: str = "example.com/pricing", **facts: Any) -> None:
    happen("page_viewed", "contact", ids, properties={"url": page}, now=database_now(), **facts)


def run() -> None:
    while dispatch(database_now()):
        pass


def inside(workflow: Workflow) -> set[int]:
    return set(Enrollment.objects.filter(workflow=workflow, status="active").values_list("record_id", flat=True))


@pytest.mark.covers("TRG-03", "TRG-16", "EVT-06", "EVT-28", "EVT-16")
def test_any_of_several_events_enrolls_whom_it_happens_to():
    workflow = on(PRICING, {"event": "cta_clicked"})
    ann, ben, cay = contact(), contact(), contact()
    view(ann)
    view(ben, page="example.com/about")
    happen("cta_clicked", "contact", [cay], properties={"cta": "Buy"}, now=database_now())
    run()
    assert inside(workflow) == {ann, cay}
    run()
    assert Enrollment.objects.count() == 2
    assert not PendingEvent.objects.exists()


@pytest.mark.covers("TRG-32", "TRG-34")
def test_standing_criteria_are_met_at_the_instant_of_the_event_or_never():
    workflow = on(PRICING, criteria=IN_LUND)
    ann, ben = contact(city="Lund"), contact(city="Oslo")
    view(ann, ben)
    run()
    Contact.objects.filter(pk=ben).update(city="Lund")
    run()
    assert inside(workflow) == {ann}


@pytest.mark.covers("TRG-03")
def test_what_occurred_before_the_workflow_was_on_does_not_count():
    ann, ben = contact(), contact()
    view(ann)
    workflow = on(PRICING)
    view(ben, occurred_at=database_now() - dt.timedelta(seconds=30))
    run()
    assert inside(workflow) == set()
    view(ann)
    run()
    assert inside(workflow) == {ann}


@pytest.mark.covers("TRG-33")
def test_a_record_has_to_exist_before_the_event():
    workflow = on(PRICING)
    before = database_now()
    view(contact(), occurred_at=before)
    run()
    assert inside(workflow) == set()


@pytest.mark.covers("TRG-30")
def test_a_workflow_that_is_off_enrolls_nobody_and_catches_up_on_nothing():
    workflow = on(PRICING)
    switching.turn_off(workflow, by=boss(), now=database_now())
    ann = contact()
    view(ann)
    run()
    switching.turn_on(workflow, by=boss(), now=database_now())
    run()
    assert inside(workflow) == set()
    view(ann)
    run()
    assert inside(workflow) == {ann}


@pytest.mark.covers("EVT-30")
@pytest.mark.parametrize("reenroll", [True, False])
def test_reenrollment_is_one_yes_or_no_for_all_events(reenroll):
    workflow = on(
        PRICING, {"event": "cta_clicked"}, reenroll=reenroll, steps=[{"id": "end", "action": "end", "params": {}}]
    )
    ann = contact()
    for _time in range(2):
        view(ann)
        run()
        Enrollment.objects.filter(status="active").update(status="completed", step="", due_at=None)
    assert Enrollment.objects.filter(workflow=workflow).count() == (2 if reenroll else 1)


@pytest.mark.covers("EVT-30", "EVT-31")
def test_ticks_per_event_and_schedules_are_refused():
    faults = triggers["event"].faults({"kind": "event", "events": [], "reenroll": ["events.0"], "schedule": {}})
    assert {fault.path for fault in faults} == {"schedule", "reenroll"}


@pytest.mark.covers("EVT-01")
def test_a_property_that_changes_with_conditions_on_both_values():
    old = [{"property": "old", "operator": "is_any_of", "value": ["prospecting"]}]
    won = on({"event": "property_changed", "property": "stage", "values": ["won"]}, object="deal")
    moved = on({"event": "property_changed", "property": "stage", "where": old}, object="deal")
    first, second = (
        Deal.objects.create(name=name, stage=stage) for name, stage in (("A", "prospecting"), ("B", "engaging"))
    )
    run()
    assert inside(won) | inside(moved) == set()
    for deal in (first, second):
        Deal.objects.filter(pk=deal.pk).update(stage="won")
    run()
    assert inside(won) == {first.pk, second.pk}
    assert inside(moved) == {first.pk}
    Enrollment.objects.all().delete()
    Deal.objects.update(stage="won")
    run()
    assert inside(won) == set()


@pytest.mark.covers("EVT-02")
def test_a_record_is_created_once_and_restoring_it_is_not_creating_it():
    workflow = on({"event": "record_created"}, object="deal", reenroll=True)
    deal = Deal.objects.create(name="New")
    run()
    assert inside(workflow) == {deal.pk}
    Deal.objects.filter(pk=deal.pk).update(deleted_at=database_now())
    run()
    Deal.objects.filter(pk=deal.pk).update(deleted_at=None)
    run()
    assert Enrollment.objects.count() == 1
    assert inside(workflow) == set()


@pytest.mark.covers("EVT-29")
def test_associations_made_and_removed_and_tasks_completed_enroll():
    made = on({"event": "record_associated", "object": "company"}, object="deal")
    removed = on({"event": "record_unassociated", "object": "company"}, object="deal")
    done = on({"event": "task_completed"}, object="deal")
    deal, other = Deal.objects.create(name="A"), Deal.objects.create(name="B")
    acme, task = Company.objects.create(name="Acme"), Task.objects.create(title="Call")
    associate("deal", "company", [(deal.pk, acme.pk)])
    associate("deal", "task", [(other.pk, task.pk)])
    run()
    assert (inside(made), inside(removed), inside(done)) == ({deal.pk}, set(), set())
    dissociate("deal", "company", [(deal.pk, acme.pk)])
    Task.objects.filter(pk=task.pk).update(status=Task.Status.DONE)
    run()
    assert (inside(removed), inside(done)) == ({deal.pk}, {other.pk})


@pytest.mark.covers("EVT-27")
def test_a_custom_event_triggers_by_its_properties():
    kind = CustomEventType.objects.create(slug="licence_used", label="Licence used", object_type="company")
    CustomEventProperty.objects.create(event_type=kind, slug="seats", label="Seats", type="number")
    many = [{"property": "seats", "operator": "is_greater_than", "value": 10}]
    workflow = on({"event": "licence_used", "where": many}, object="company")
    small, big = Company.objects.create(name="Small").pk, Company.objects.create(name="Big").pk
    used = [Occurrence(small, {"seats": 3}), Occurrence(big, {"seats": 30})]
    happen("licence_used", "company", used, now=database_now())
    run()
    assert inside(workflow) == {big}


@pytest.mark.parametrize(
    ("events", "path"),
    [
        ([], "trigger.events"),
        ([{"event": "unheard_of"}], "trigger.events.0.event"),
        ([{"event": "associated_record_created"}], "trigger.events.0.event"),
        ([{"event": "property_changed"}], "trigger.events.0.property"),
        ([{"event": "page_viewed", "where": [{"property": "x", "operator": "is_known"}]}], "trigger.events.0.where"),
        ([{"event": "page_viewed", "where": {"any": 5}}], "trigger.events.0.where"),
        ([{"event": "page_viewed", "where": {"any": [5]}}], "trigger.events.0.where"),
        ([{"event": "page_viewed", "where": {"any": [{"all": 5}]}}], "trigger.events.0.where"),
        ([{"event": "page_viewed", "where": {"all": {"a": 1}}}], "trigger.events.0.where"),
        ([{"event": "page_viewed", "where": 5}], "trigger.events.0.where"),
        ([{"event": "page_viewed", "colour": "red"}], "trigger.events.0.colour"),
    ],
)
def test_what_keeps_a_trigger_from_being_published_has_a_path(events, path):
    with pytest.raises(DocumentError) as refused:
        on(*events)
    assert path in [problem.path for problem in refused.value.problems]


def test_filters_of_any_json_shape_are_read_or_refused_never_crashed_on():
    parts = [5, None, "x", [], {}, [5], [[]], {"all": 5}, {"any": [None]}, {"property": ["url"]}, {"list": {}}]
    parts += [{"property": "url", "operator": wrong} for wrong in (["x"], {})] + [{"event": [1]}, {"property": {}}]
    shapes = [*parts, *({"any": [{"all": part}]} for part in parts), *([part] for part in parts)]
    shapes += [{join: part} for join in ("all", "any", "none", "not_all") for part in parts]
    field = WhereField(event_rows(event_types["page_viewed"]))
    for shape in shapes:
        try:
            cleaned = field.clean(shape)
        except ValidationError:
            continue
        assert cleaned is None or cleaned == [], shape


@pytest.mark.covers("EVT-35", "EVT-36", "EVT-37")
def test_workflows_react_to_each_others_enrollments_leavings_and_goals():
    goal = {"all": [{"property": "lifecycle_stage", "operator": "is_any_of", "value": ["customer"]}]}
    first = live_with_goal(goal)
    only = [{"property": "workflow", "operator": "is_any_of", "value": [str(first.pk)]}]
    entered = on({"event": "workflow_enrolled", "where": only})
    left = on({"event": "workflow_unenrolled", "where": only})
    reached = on({"event": "workflow_goal_met", "where": only})
    ann, ben = contact(), contact()
    enroll(first, [ann, ben], cause={"kind": "manual"}, now=database_now(), manual=True)
    run()
    assert (inside(entered), inside(left), inside(reached)) == ({ann, ben}, set(), set())
    Contact.objects.filter(pk=ann).update(lifecycle_stage="customer")
    run()
    assert (inside(left), inside(reached)) == ({ann}, {ann})
    unenroll(Enrollment.objects.filter(workflow=first, record_id=ben), reason="by_hand", by=boss(), now=database_now())
    run()
    assert (inside(left), inside(reached)) == ({ann, ben}, {ann})
    assert Enrollment.objects.get(workflow=entered, record_id=ann).cause["chain"] == [first.pk]


def test_who_is_kept_out_leaves_one_row_however_many_events_come():
    """A row per reason, with how often and when last; another reason is another row."""
    goal = {"all": [{"property": "job_title", "operator": "is_known"}]}
    workflow = on(PRICING, reenroll=True, goal=IN_LUND, leave=goal)
    ann, ben = contact(city="Lund"), contact(city="Oslo")
    for _time in range(5):
        view(ann, ben)
        run()
    (row,) = Enrollment.objects.filter(workflow=workflow, status="refused")
    assert (row.record_id, row.ended_reason, row.cause["times"]) == (ann, "goal_already_met", 5)
    assert row.ended_at is not None and row.ended_at > row.enrolled_at
    assert "5 times" in str(path_of(row)[-1].sentence)
    Contact.objects.filter(pk=ann).update(city="Oslo", job_title="Buyer")
    run()
    view(ann)
    run()
    reasons = Enrollment.objects.filter(workflow=workflow, status="refused").order_by("pk")
    assert list(reasons.values_list("ended_reason", flat=True)) == ["goal_already_met", "meets_unenrollment"]


def test_workflows_that_trigger_each_other_come_to_an_end():
    steps = [{"id": "end", "action": "end", "params": {}}]
    first, second = (on({"event": "workflow_enrolled"}, steps=steps, reenroll=True) for _each in range(2))
    enroll(first, [contact()], cause={"kind": "manual"}, now=database_now(), manual=True)
    for _round in range(12):
        tick(database_now())
    refused = Enrollment.objects.filter(workflow__in=[first, second], status="refused", ended_reason="loop")
    assert refused.exists()
    assert Enrollment.objects.count() < 40
    assert not PendingEvent.objects.exists()


def test_a_workflow_that_changes_the_property_it_is_triggered_by_is_warned_about():
    edit = {"id": "edit", "action": "edit_record", "params": {"property": "city", "value": "Lund"}}
    trigger = {"kind": "event", "events": [{"event": "property_changed", "property": "city"}], "reenroll": True}
    document = {"format": 1, "name": "Loop", "object": "contact", "steps": [edit], "trigger": trigger}
    workflow = drafting.create("Loop", "contact", boss(), document)
    codes = {problem.code for problem in publishing.review(workflow, user=boss(), now=database_now()).problems}
    assert "own_trigger" in codes


def live_with_goal(goal: dict[str, Any]) -> Workflow:
    document = {
        "format": 1, "name": "Welcome", "object": "contact", "trigger": {"kind": "manual"}, "steps": [WAIT],
        "goal": goal,
    }  # fmt: skip
    workflow = drafting.create("Welcome", "contact", boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def test_the_history_says_which_event_it_was():
    workflow = on(PRICING)
    ann = contact()
    view(ann)
    run()
    enrollment = Enrollment.objects.get(workflow=workflow)
    assert enrollment.cause["event"] == "page_viewed"
    told = path_of(enrollment)[0].sentence
    assert "Page viewed (Web address: https://example.com/pricing)" in told


def test_publishing_anew_loses_no_event_between():
    workflow = on(PRICING)
    ann = contact()
    view(ann)
    draft = drafting.draft_of(workflow)
    op = {"op": "set_trigger", "trigger": {"kind": "event", "events": [{"event": "cta_clicked"}, PRICING]}}
    drafting.apply(workflow, op, rev=draft.rev, user=boss(), now=database_now())
    happen("cta_clicked", "contact", [contact()], properties={"cta": "Buy"}, now=database_now())
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    run()
    assert inside(workflow) == {ann}


def test_workflows_that_do_not_care_cost_no_statement():
    watching = on(PRICING)
    for _each in range(20):
        on({"event": "form_submitted"})
    ann = contact()
    run()
    counts = []
    for _round in range(2):
        view(ann)
        with CaptureQueriesContext(connection) as queries:
            dispatch(database_now())
        counts.append(len(queries))
        Enrollment.objects.all().delete()
        EventSubscription.objects.exclude(revision__workflow=watching).delete()
    assert counts[0] == counts[1]


@pytest.mark.covers("DLY-05", "DLY-08")
def test_a_record_waits_for_any_event_with_filters_on_its_properties():
    where = [{"property": "url", "operator": "contains_any_of", "value": ["pricing"]}]
    step = {"id": "hold", "action": "delay_until_event", "params": {"event": "page_viewed", "where": where}}
    workflow = on({"event": "form_submitted"}, steps=[step, WAIT])
    ann, ben = contact(), contact()
    for person in (ann, ben):
        view(person)
    happen("form_submitted", "contact", [ann, ben], properties={"form": "Demo"}, now=database_now())
    tick(database_now())
    assert standing(workflow) == {ann: "hold", ben: "hold"}, "what happened before does not count"
    view(ann)
    view(ben, page="example.com/about")
    tick(database_now())
    assert standing(workflow) == {ann: "wait", ben: "hold"}
    told = path_of(Enrollment.objects.get(record_id=ann))[-2].sentence
    assert "Page viewed with (Web address contains any of “pricing”)" in told


def standing(workflow: Workflow) -> dict[int, str]:
    return dict(Enrollment.objects.filter(workflow=workflow, status="active").values_list("record_id", "step"))


def test_a_type_of_records_that_is_gone_stops_no_other_workflow():
    broken, well = on(PRICING), on(PRICING)
    Workflow.objects.filter(pk=broken.pk).update(object_type="spaceship")
    ann = contact()
    view(ann)
    run()
    broken.refresh_from_db()
    assert broken.status == "off" and "spaceship" in broken.audit.get(action="turned_off").detail["because"]
    assert inside(well) == {ann}


def test_filters_on_an_event_count_days_as_the_workflow_does():
    """Eleven in UTC is one o'clock of the next day on Kiritimati, where nine was still the day before."""
    today = {"property": "occurred_at", "operator": "is_in_calendar_period", "value": "today"}
    viewed = {"event": "page_viewed", "where": [today]}
    here, there = on(viewed), on(viewed, zone="Pacific/Kiritimati")
    ann = contact()
    later = (database_now() + dt.timedelta(days=1)).replace(hour=11, minute=0)
    view_at(ann, later - dt.timedelta(hours=2), later)
    dispatch(later)
    assert (inside(here), inside(there)) == ({ann}, set())
    view_at(ann, later - dt.timedelta(minutes=30), later)
    dispatch(later)
    assert inside(there) == {ann}


def view_at(contact_id: int, at: dt.datetime, now: dt.datetime) -> None:
    happen("page_viewed", "contact", [contact_id], properties={"url": "a.example"}, occurred_at=at, now=now)


def test_who_joins_a_list_by_being_created_enters_though_the_dispatcher_has_read_the_clock_before() -> None:
    """It has waited for another dispatcher meanwhile, or the list was filled by a clock that is behind."""
    lund = keeping.create(object_types["contact"], "Lund", now=database_now(), criteria=IN_LUND)
    picked = keeping.create(object_types["contact"], "Picked", now=database_now())
    workflow = on({"event": "list_joined"})
    before = database_now()
    found, other = contact(city="Lund"), contact()
    dispatch(before)
    assert Event.objects.get(event="list_joined").occurred_at == before
    members.add(picked, [other], now=before)
    settle()
    assert inside(workflow) == {found, other} and lund.segment.memberships.count() == 1


def test_a_record_that_waits_to_join_a_list_goes_on_though_the_dispatcher_has_read_the_clock_before() -> None:
    keeping.create(object_types["contact"], "Lund", now=database_now(), criteria=IN_LUND)
    wait = {"id": "wait", "action": "delay_until_event", "params": {"event": "list_joined", "max_wait": {"days": 3}}}
    workflow = on({"event": "page_viewed"}, steps=[wait])
    found = contact()
    view(found)
    before = database_now()
    tick(database_now())
    Contact.objects.filter(pk=found).update(city="Lund")
    dispatch(before)
    tick(database_now())
    assert Enrollment.objects.get(workflow=workflow).status == "completed"
