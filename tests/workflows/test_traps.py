"""The traps of the specification's section 31: what an implementer would get wrong, a readable test each."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from crm.models import Contact, Deal, Team, TeamMembership, User
from records import criteria
from records.associations import associate, dissociate
from records.clock import database_now
from records.lists import keeping, members, working
from records.models import Access, Change, Event, RecordList
from records.object_types import object_types
from records.problems import DocumentError
from records.saving import delete_records, restore_records
from tests.workflows import building, restricted, scheduled_deals
from tests.workflows.publishing_deals import BIG, boss, change, document, draft, finish, history, inside, live, settle
from tests.workflows.webhooks.sending import SHOP, match, webhook_of
from workflows import chores, drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.enrollment.enrolling import enroll
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Notification, Workflow
from workflows.rights.opening import access_to
from workflows.schedules import scheduling
from workflows.times.windows import closed_at
from workflows.webhooks import receiving

pytestmark = pytest.mark.django_db

NAMED_A = {"property": "name", "operator": "is_equal_to_any_of", "value": ["A"]}
NAMED_Z = {"property": "name", "operator": "is_equal_to_any_of", "value": ["Z"]}
KNOWN = {"property": "amount", "operator": "is_known"}
ONCE = [("completed", "completed")]


@pytest.fixture
def deal() -> Deal:
    return Deal.objects.create(name="A", amount=1)


def by_hand(workflow: Workflow, deal: Deal) -> Any:
    return enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)


def run_all(now: dt.datetime = building.NOW) -> None:
    while run_due(now):
        pass


@pytest.mark.covers("SCH-10", "SCH-12", "TRG-04")
def test_trap_01_a_schedule_enrolls_every_match_each_time_and_knows_no_reenrollment(deal):
    change(deal, amount=50)
    workflow = scheduled_deals.live(BIG)
    for day in (11, 12, 13):
        scheduled_deals.work(scheduled_deals.stockholm(day))
        assert inside(workflow) == [deal.pk]
        finish(workflow)
    assert history(workflow, deal) == ONCE * 3
    refused = scheduled_deals.document(BIG)
    refused["trigger"]["reenroll"] = ["any.0.all.0"]
    with pytest.raises(DocumentError, match="no re-enrollment"):
        parse(refused)


@pytest.mark.covers("SCH-08", "SCH-09")
def test_trap_02_day_31_is_skipped_in_shorter_months_and_29_february_in_shorter_years(deal):
    by_month = scheduled_deals.live(schedule={"every": "month", "days": [31], "at": "09:00"})
    days = [moment.date().isoformat() for moment in upcoming(by_month)]
    assert days == ["2027-01-31", "2027-03-31", "2027-05-31", "2027-07-31", "2027-08-31"]
    by_year = scheduled_deals.live(schedule={"every": "year", "month": 2, "day": 29, "at": "09:00"})
    assert [moment.date().isoformat() for moment in upcoming(by_year)][:2] == ["2028-02-29", "2032-02-29"]


def upcoming(workflow: Workflow) -> list[dt.datetime]:
    assert workflow.live is not None
    return scheduling.upcoming(parse(workflow.live.definition), scheduled_deals.NOON)


@pytest.mark.covers("SCH-13", "SCH-14")
def test_trap_03_by_hand_a_scheduled_workflow_begins_at_once_and_promises_nothing_for_later_times(deal):
    workflow = scheduled_deals.live(BIG)
    enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=scheduled_deals.NOON, manual=True)
    assert Enrollment.objects.get(workflow=workflow).due_at == scheduled_deals.NOON
    finish(workflow)
    scheduled_deals.work(scheduled_deals.stockholm(11))
    assert history(workflow, deal) == ONCE


@pytest.mark.covers("SCH-16", "SCH-17", "SCH-18", "SCH-21")
def test_trap_04_publishing_a_schedule_enrolls_nobody_edits_count_at_once_windows_are_off_pause_dates_on(deal):
    change(deal, amount=50)
    workflow = scheduled_deals.live(BIG)  # "Enroll existing" was said, too.
    assert inside(workflow) == []
    revision = drafting.draft_of(workflow)
    revision.definition = scheduled_deals.document(BIG, schedule={"every": "day", "at": "15:00"})
    revision.save()
    publishing.publish(workflow, by=boss(), now=scheduled_deals.NOON, enroll_existing=False)
    scheduled_deals.work(scheduled_deals.stockholm(10, 16))
    assert inside(workflow) == [deal.pk]
    assert [at for at, _state in scheduled_deals.fired(workflow)] == [scheduled_deals.stockholm(10, 15)]
    night = {"windows": [{"days": ["mon"], "from": "02:00", "to": "03:00"}]}
    assert closed_at(parse(scheduled_deals.document(BIG, settings=night)), scheduled_deals.NOON) is None
    paused = closed_at(
        parse(scheduled_deals.document(BIG, settings={"pause_dates": ["2027-01-10"]})), scheduled_deals.NOON
    )
    assert paused is not None and paused.reason == "pause_date"


@pytest.mark.covers("GTO-03", "GTO-04")
def test_trap_05_who_is_in_the_other_workflow_is_an_error_here_goes_on_here_and_stays_untouched_there():
    contact = Contact.objects.create(email="a@example.com")
    other = building.make_workflow([building.step("wait", "delay", days=1)])
    (there,) = building.enroll(other, [contact.pk])
    after = building.step("after", "edit_record", property="city", value="went on")
    first = building.make_workflow([building.step("go", "go_to_workflow", workflow=str(other.pk)), after])
    (here,) = building.enroll(first, [contact.pk])
    run_all()
    assert building.log_of(here) == [("go", "failed"), ("after", "success")]
    contact.refresh_from_db()
    assert contact.city == "went on"
    assert list(Enrollment.objects.filter(workflow=other).values_list("pk", "status")) == [(there.pk, "active")]


@pytest.mark.covers("REV-07", "REV-08", "REN-12")
def test_trap_06_without_existing_records_the_first_match_after_turning_on_enrolls_and_a_repeated_one_does_not(deal):
    matching = Deal.objects.create(name="B", amount=99)
    workflow = live(BIG)
    settle()
    assert inside(workflow) == []
    change(deal, amount=50)
    assert inside(workflow) == [deal.pk]
    finish(workflow)
    change(deal, amount=1)
    change(deal, amount=50)
    assert history(workflow, deal) == ONCE
    # It matched when the workflow was turned on and was never inside: for the enrollments this is its first time.
    change(matching, amount=1)
    change(matching, amount=99)
    assert inside(workflow) == [matching.pk]


@pytest.mark.covers("TRG-07")
def test_trap_07_enrolling_by_hand_uses_up_the_one_enrollment(deal):
    workflow = live(BIG)
    by_hand(workflow, deal)
    finish(workflow)
    change(deal, amount=50)
    assert history(workflow, deal) == ONCE


@pytest.mark.covers("REN-06", "REN-07", "REN-10")
def test_trap_08_reenrollment_takes_a_fresh_ticked_filter_all_criteria_now_and_nobody_inside(deal):
    workflow = live(BIG, NAMED_A, reenroll=["any.0.all.0"])
    change(deal, amount=50)
    change(deal, amount=1)
    change(deal, amount=50)  # Inside: dropped, not queued.
    finish(workflow)
    settle()
    assert inside(workflow) == []
    change(deal, name="B")
    change(deal, name="A")  # Met anew, but not ticked.
    assert inside(workflow) == []
    change(deal, amount=1, name="B")
    change(deal, amount=50)  # Ticked and met anew, but the other criterion is not met.
    assert inside(workflow) == []
    change(deal, amount=1, name="A")
    change(deal, amount=50)
    assert inside(workflow) == [deal.pk]


@pytest.mark.covers("REN-08", "EVT-01")
def test_trap_09_a_ticked_is_known_counts_every_change_of_value_and_writing_the_same_value_is_none(deal):
    workflow = live(KNOWN, reenroll=["any.0.all.0"])
    change(deal, amount=2)
    finish(workflow)
    change(deal, amount=2)
    assert inside(workflow) == []
    change(deal, amount=3)
    assert inside(workflow) == [deal.pk]


@pytest.mark.covers("REN-03", "REN-04")
def test_trap_10_activities_and_line_items_can_never_enroll_again():
    call = {"association": "call", "all": [{"property": "created_at", "operator": "is_known"}]}
    item = {"association": "line_item", "all": [{"property": "created_at", "operator": "is_known"}]}
    ticked = ["any.0.all.0", "any.0.all.1", "any.0.all.1.all.0", "any.0.all.2", "any.0.all.2.all.0"]
    found = checking.errors(checking.problems(parse(document(BIG, call, item, reenroll=ticked))))
    assert [problem.path for problem in found] == [f"trigger.reenroll.{i}" for i in (1, 2, 3, 4)]
    assert {problem.code for problem in found} == {"cannot_reenroll"}


@pytest.mark.covers("LIM-06", "TRG-10", "FLT-33")
def test_trap_11_a_filter_takes_one_refinement_and_what_has_not_occurred_takes_none():
    viewed = {"event": "page_viewed", "operator": "has_occurred"}
    both = {"within": {"days": 30}, "count": {"at_least": 2}}
    for leaf in (
        viewed | {"refine": both},
        viewed | {"operator": "has_not_occurred", "refine": {"within": {"days": 30}}},
    ):
        with pytest.raises(DocumentError) as refused:
            criteria.parse({"all": [leaf]}, object_types["contact"])
        assert [problem.code for problem in refused.value.problems] == ["one_refinement"]
    for one in both.items():
        assert criteria.parse({"all": [viewed | {"refine": dict([one])}]}, object_types["contact"])


@pytest.mark.covers("TRG-23", "TRG-24", "TRG-25", "TRG-26")
def test_trap_12_lost_associations_are_0_and_none_ever_is_blank_and_blanks_meet_negatives_of_contacts_only(deal):
    company = object_types["company"].model.objects.create(name="Acme")
    linked = Deal.objects.create(name="B")
    associate("deal", "company", [(linked.pk, company.pk)])
    dissociate("deal", "company", [(linked.pk, company.pk)])
    none = {"property": "number_of_companies", "operator": "is_less_than", "value": 1}
    unknown = {"property": "number_of_companies", "operator": "is_unknown"}
    assert matching("deal", none) == [linked.pk]
    assert matching("deal", unknown) == [deal.pk]
    blank = Contact.objects.create(email="a@example.com")
    not_oslo = {"property": "city", "operator": "is_not_equal_to_any_of", "value": ["Oslo"]}
    assert matching("contact", not_oslo) == [blank.pk]
    assert matching("contact", not_oslo | {"include_blank": False}) == []
    not_stage = {"property": "description", "operator": "is_not_equal_to_any_of", "value": ["x"]}
    assert matching("ticket", not_stage) == []
    ticket = object_types["ticket"].model.objects.create(subject="A")
    assert matching("ticket", not_stage) == []
    assert matching("ticket", not_stage | {"include_blank": True}) == [ticket.pk]


def matching(object_type: str, leaf: dict[str, Any]) -> list[int]:
    compiled = criteria.compile({"all": [leaf]}, object_types[object_type], now=database_now())
    return list(compiled.records().order_by("pk").values_list("pk", flat=True))


@pytest.mark.covers("WBH-02")
def test_trap_13_a_webhook_about_nobody_creates_and_enrolls_nobody():
    webhook = webhook_of()
    trigger = {"kind": "event", "events": [{"event": webhook.slug}]}
    made = document(BIG) | {"object": "contact", "trigger": trigger}
    workflow = drafting.create("By webhook", "contact", boss(), made)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    before = Contact.objects.count()
    receiving.receive(webhook, SHOP, None, database_now())
    match()
    settle()
    assert (Contact.objects.count(), Event.objects.count(), inside(workflow)) == (before, 0, [])


@pytest.mark.covers("DOP-12")
def test_trap_14_format_data_writes_nothing_until_another_step_writes_its_result():
    contact = Contact.objects.create(email="a@example.com", first_name="ANNA")
    journaled = Change.objects.count()
    form = building.step("form", "format_data", format="title", value="first_name")
    (enrollment,) = building.enroll(building.make_workflow([form]), [contact.pk])
    run_all()
    enrollment.refresh_from_db()
    contact.refresh_from_db()
    assert (enrollment.outputs, contact.first_name) == ({"form": {"result": "Anna"}}, "ANNA")
    assert Change.objects.count() == journaled
    write = building.step("write", "edit_record", property="first_name", copy_from="output.form.result")
    building.enroll(building.make_workflow([form, write]), [contact.pk])
    run_all()
    contact.refresh_from_db()
    assert contact.first_name == "Anna"


@pytest.mark.covers("UNE-05", "MAN-06")
def test_trap_15_leaving_the_unenrollment_criteria_enrolls_nobody_and_they_bar_the_hand_too(deal):
    workflow = live(BIG, unenroll={"criteria": {"all": [NAMED_Z]}})
    change(deal, amount=50)
    change(deal, name="Z")
    assert by_hand(workflow, deal).refused == {deal.pk: "enrolled_before"}
    fresh = Deal.objects.create(name="Z", amount=50)
    settle()
    assert by_hand(workflow, fresh).refused == {fresh.pk: "meets_unenrollment"}
    change(deal, name="A")
    change(fresh, name="A")
    assert inside(workflow) == []


@pytest.mark.covers("SUP-03", "MAN-06")
def test_trap_15_who_is_suppressed_cannot_be_enrolled_by_hand_and_leaving_the_list_enrolls_nobody(deal):
    change(deal, amount=50)
    unwanted = keeping.create(object_types["deal"], "Unwanted", now=database_now())
    members.add(unwanted, [deal.pk], now=database_now())
    workflow = live(BIG, suppress=[unwanted.slug], existing=True)
    assert by_hand(workflow, deal).refused == {deal.pk: "on_suppression_list"}
    members.remove(unwanted, [deal.pk], now=database_now())
    settle()
    assert inside(workflow) == []


@pytest.mark.covers("LIF-02")
def test_trap_16_off_skips_what_acts_and_keeps_records_moving_through_delays_and_branches():
    contact = Contact.objects.create(email="a@example.com")
    write = building.step("set", "edit_record", property="city", value="Oslo")
    ways = [{"name": "All", "steps": [write]}]
    steps = [building.step("wait", "delay", minutes=1), building.step("split", "branch", ways)]
    (enrollment,) = building.enroll(building.make_workflow(steps, status="off"), [contact.pk])
    run_all()
    run_all(building.NOW + dt.timedelta(minutes=1))
    assert building.log_of(enrollment) == [
        ("wait", "waiting"), ("wait", "success"), ("split", "success"), ("set", "skipped"),
    ]  # fmt: skip
    contact.refresh_from_db()
    assert contact.city == ""


@pytest.mark.covers("TRG-21")
def test_trap_17_a_relative_date_becomes_true_by_the_clock_alone(deal):
    change(deal, close_date=database_now().date())
    old = {"property": "close_date", "operator": "is_more_than_days_ago", "value": 30}
    workflow = live(old)
    settle()
    assert inside(workflow) == []
    while dispatch(database_now() + dt.timedelta(days=33)):
        pass
    assert inside(workflow) == [deal.pk]


@pytest.mark.covers("DLY-14", "BRN-14", "SET-04")
def test_trap_18_execution_times_shift_actions_but_neither_delays_nor_branches():
    contact = Contact.objects.create(email="a@example.com")
    write = building.step("set", "edit_record", property="city", value="Oslo")
    split = building.step("split", "branch", [{"name": "All", "steps": [write]}])
    windows = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}]
    steps = [building.step("wait", "delay", hours=10), split]
    (enrollment,) = building.enroll(building.make_workflow(steps, timezone="UTC", windows=windows), [contact.pk])
    run_all()
    evening = building.NOW + dt.timedelta(hours=10)
    run_all(evening)
    assert building.log_of(enrollment)[1:] == [("wait", "success"), ("split", "success"), ("set", "waiting")]
    enrollment.refresh_from_db()
    assert enrollment.due_at is not None and enrollment.due_at.hour == 9 and enrollment.due_at > evening


@pytest.mark.covers("PRM-07", "PRM-08", "PRM-09", "FLT-48")
def test_trap_19_view_only_on_one_property_makes_an_existing_workflow_read_only_yet_new_ones_may_read_it():
    vic, una = restricted.member("vic", Access.VIEW), restricted.member("una", Access.NONE)
    raising = restricted.published(restricted.RENAME, restricted.RAISE)  # One of its steps changes the amount.
    assert (access_to(raising, vic), access_to(raising, una)) == (Access.VIEW, Access.NONE)
    with pytest.raises(PermissionDenied, match="you can read it only"):  # The other step has nothing to do with it.
        restricted.changed(raising, restricted.RENAME | {"comment": "mine"}, restricted.RAISE, by=vic)
    for person in (vic, una):
        looks = restricted.made(restricted.RENAME, trigger={"kind": "filter", "criteria": restricted.BIG}, by=person)
        assert publishing.review(looks, user=person, now=database_now()).ready
        with pytest.raises(DocumentError, match="changes “amount”"):
            restricted.changed(looks, restricted.RAISE, by=person)


@pytest.mark.covers("COM-08")
def test_trap_20_a_team_is_its_main_members_who_are_told_and_nobody_else(deal):
    team = Team.objects.create(name="North", slug="north")
    for name, main in (("amy", True), ("eve", False)):
        user = User.objects.create(username=name, email=f"{name}@example.com")
        TeamMembership.objects.create(team=team, user=user, main=main)
    tell = building.step("tell", "send_notification", users=[], teams=["north"], title="Look")
    building.enroll(building.make_workflow([tell], "deal"), [deal.pk])
    run_all()
    assert list(Notification.objects.values_list("user__username", flat=True)) == ["amy"]


@pytest.mark.covers("MKT-06")
def test_trap_21_to_marketing_is_immediate_and_to_non_marketing_waits_for_the_first_of_the_month():
    contact = Contact.objects.create(email="a@example.com")

    def set_to(status: str) -> str:
        step = building.step("set", "set_marketing_status", status=status)
        building.enroll(building.make_workflow([step]), [contact.pk])
        run_all()
        contact.refresh_from_db()
        return contact.marketing_status

    assert set_to("marketing") == "marketing"
    assert set_to("non_marketing") == "marketing"
    chores.work(dt.datetime(2026, 11, 30, 23, 59, tzinfo=dt.UTC))
    contact.refresh_from_db()
    assert contact.marketing_status == "marketing"
    chores.work(dt.datetime(2026, 12, 1, tzinfo=dt.UTC))
    contact.refresh_from_db()
    assert contact.marketing_status == "non_marketing"


@pytest.mark.covers("REV-03", "REV-04")
def test_trap_22_the_review_tells_of_a_moment_and_the_list_has_exactly_who_matches_when_it_is_made(deal):
    workflow = draft(BIG)
    Deal.objects.create(name="B", amount=50)
    client = Client()
    client.force_login(boss())
    place = reverse("admin:workflow_review", args=[workflow.pk])
    assert client.get(place).context["review"].matching == 1
    change(deal, amount=60)  # Meanwhile.
    client.post(place, {"see_all": "1"})
    working.work(database_now())
    found = members.members_of(RecordList.objects.get())
    assert set(found.values_list("record_id", flat=True)) == set(Deal.objects.values_list("pk", flat=True))


@pytest.mark.covers("BRN-06", "GTO-08")
def test_trap_23_the_first_branch_that_matches_wins_and_go_to_leads_into_other_branches_only():
    contact = Contact.objects.create(email="a@example.com", city="Oslo")
    known = {"all": [{"property": "city", "operator": "is_known"}]}

    def way(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
        write = building.step(name, "edit_record", property="job_title", value=name)
        return {"name": name, "criteria": known, "steps": [write, *steps]}

    split = building.step("split", "branch", [way("first"), way("second"), {"name": "None", "steps": []}])
    building.enroll(building.make_workflow([split]), [contact.pk])
    run_all()
    contact.refresh_from_db()
    assert contact.job_title == "first"
    back = building.step("back", "go_to", step="first")
    circle = building.step("split", "branch", [way("first", back), way("second"), {"name": "None", "steps": []}])
    found = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": [circle]}
    problems = checking.errors(checking.problems(parse(found)))
    assert [problem.path for problem in problems] == ["steps.0.branches.0.steps.1.params.step"]


@pytest.mark.covers("TRG-22")
def test_trap_24_create_date_is_known_with_existing_records_sweeps_in_everybody(deal):
    others = Deal.objects.bulk_create(Deal(name=str(i)) for i in range(20))
    workflow = live({"property": "created_at", "operator": "is_known"}, existing=True)
    assert len(inside(workflow)) == len(others) + 1


@pytest.mark.covers("UNE-09")
def test_trap_25_a_deleted_record_leaves_for_good_and_restoring_it_resumes_nothing(deal):
    workflow = live(BIG, reenroll=["any.0.all.0"])
    change(deal, amount=50)
    kind = object_types["deal"]
    delete_records(kind, [deal.pk], actor=boss())
    settle()
    assert history(workflow, deal) == [("unenrolled", "record_deleted")]
    restore_records(kind, [deal.pk], actor=boss())
    settle()
    assert inside(workflow) == []
    assert by_hand(workflow, deal).enrolled == [deal.pk]
    assert Enrollment.objects.filter(workflow=workflow, status="active").count() == 1
