"""Why a record is not in a workflow: every cause, as the page says it and as the API does (HIS-19)."""

from __future__ import annotations

import datetime as dt
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Company, Contact, Deal, Task
from records.associations import associate
from records.clock import database_now
from records.happening import happen
from records.journal import changes_of
from records.lists import keeping, members
from records.merging.performing import merge
from records.models import Access, Event, Membership
from records.moments import moment
from records.object_types import object_types
from tests.api.conftest import client_of
from tests.workflows import scheduled_deals
from tests.workflows.building import step
from tests.workflows.publishing_deals import BIG, WAIT, boss, change, draft, finish, inside, live, publish, settle
from tests.workflows.restricted import member
from workflows import drafting
from workflows.engine.taking_steps import run_due
from workflows.enrollment.enrolling import enroll
from workflows.history.explaining import explain
from workflows.lifecycle import publishing, switching
from workflows.models import Enrollment, Hindrance, SetAside, Subscription, Workflow

pytestmark = [pytest.mark.django_db, pytest.mark.covers("HIS-19")]
WON = {"property": "stage", "operator": "is_any_of", "value": ["won"]}
NAMED_Z = {"property": "name", "operator": "is_equal_to_any_of", "value": ["Z"]}
PRICING = {"event": "page_viewed", "where": [{"property": "url", "operator": "contains_any_of", "value": ["pricing"]}]}
BECOMES_WON = {"event": "property_changed", "property": "stage", "values": ["won"]}


@pytest.fixture
def deal() -> Deal:
    return Deal.objects.create(name="A", amount=1)


def why(workflow: Workflow, record: Any, user: Any = None, **more: str) -> tuple[str, list[str]]:
    """The verdict and the sentences of the API; every one of them stands on the page, too."""
    who = user or boss()
    query = f"record={record.pk}" + "".join(f"&{name}={value}" for name, value in more.items())
    reply = client_of(who).send("GET", f"workflows/{workflow.pk}/explain/?{query}")
    assert reply.status_code == 200, reply.document
    screen = Client()
    screen.force_login(who)
    page = unescape(screen.get(f"{reverse('admin:workflow_diagnose', args=[workflow.pk])}?{query}").content.decode())
    for sentence in reply.document["sentences"]:
        assert sentence in page
    return reply.document["verdict"], reply.document["sentences"]


def by_events(*events: dict[str, Any], object: str = "contact", suppress: Any = (), **trigger: Any) -> Workflow:
    document = {
        "format": 1, "name": "Events", "object": object, "steps": [WAIT], "suppress": list(suppress),
        "trigger": {"kind": "event", "events": list(events), **trigger},
    }  # fmt: skip
    workflow = drafting.create("Events", object, boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def view(*contacts: Contact, page: str = "example.com/pricing", **facts: Any) -> None:
    happen(
        "page_viewed", "contact", [one.pk for one in contacts], properties={"url": page}, now=database_now(), **facts
    )


def viewed_at() -> str:
    return moment(Event.objects.latest("pk").occurred_at)


def leave(workflow: Workflow) -> Enrollment:
    """Whoever is inside has reached the end."""
    finish(workflow)
    return Enrollment.objects.filter(workflow=workflow).latest("pk")


def test_a_workflow_that_was_never_published_or_is_off_or_finishing(deal):
    workflow = draft(BIG)
    never = ["The workflow was never published, so nothing is enrolled."]
    assert why(workflow, deal) == ("not_published", never)
    publish(workflow)
    switching.turn_off(workflow, by=boss(), now=database_now())
    assert why(workflow, deal) == ("workflow_off", ["The workflow is turned off, so nothing is enrolled."])
    switching.turn_on(workflow, by=boss(), now=database_now())
    change(Deal.objects.create(name="B"), amount=50)
    switching.turn_off(workflow, by=boss(), now=database_now(), drain=True)
    finishing = "The workflow is finishing: who is inside goes on, and nothing new is enrolled."
    assert why(workflow, deal) == ("workflow_off", [finishing])


def test_a_paused_workflow_holds_whom_it_has_enrolled(deal):
    workflow = live(BIG)
    switching.pause(workflow, by=boss(), now=database_now())
    change(deal, amount=50)
    verdict, sentences = why(workflow, deal)
    assert verdict == "enrolled"
    assert sentences[-1] == "The workflow is paused: the record waits at its step until somebody resumes it."


def test_criteria_that_are_not_met_are_named_with_the_value_they_see(deal):
    workflow = live(BIG, WON)
    Deal.objects.filter(pk=deal.pk).update(stage="engaging")
    assert why(workflow, deal) == (
        "criteria_not_met",
        [
            "The record does not meet the criteria.",
            "Not met: Amount is greater than 10 (now: 1).",
            "Not met: Stage is any of Won (now: Engaging).",
        ],
    )
    Deal.objects.filter(pk=deal.pk).update(amount=None, stage="won")
    assert why(workflow, deal)[1][1:] == ["Not met: Amount is greater than 10 (there is no value)."]


def test_of_groups_only_the_filters_are_named_that_stand_in_the_way(deal):
    """One way that is not met where another one is asked for as well, and a filter that must not be true."""
    group = {"any": [{"all": [BIG, NAMED_Z]}, {"all": [NAMED_Z, WON]}]}
    workflow = live(group, {"none": [{"property": "name", "operator": "is_known"}]})
    Deal.objects.filter(pk=deal.pk).update(amount=50)
    assert why(workflow, deal)[1] == [
        "The record does not meet the criteria.",
        "Not met: Name is equal to any of Z (now: A).",
        "Not met: Name is equal to any of Z (now: A).",
        "Not met: Stage is any of Won (there is no value).",
        "True, and must not be: Name is known.",
    ]


def test_existing_records_were_not_chosen_when_the_workflow_was_published(deal):
    Deal.objects.filter(pk=deal.pk).update(amount=50)
    workflow = live(BIG)
    assert why(workflow, deal) == (
        "existing_not_enrolled",
        [
            "The record met the criteria already when the workflow was turned on, and existing records were not "
            "enrolled. It will be enrolled when it meets them anew."
        ],
    )


def test_found_and_unenrolled_at_the_door(deal):
    workflow = live(BIG, unenroll={"criteria": {"all": [NAMED_Z]}})
    change(deal, amount=50, name="Z")
    refusal = "The record met the unenrollment criteria of this workflow."
    assert why(workflow, deal) == ("meets_unenrollment", [refusal])
    change(deal, name="A")
    since = moment(Membership.objects.get(segment__in=triggers(workflow), record_id=deal.pk).since)
    assert why(workflow, deal) == (
        "meets_unenrollment",
        [
            refusal,
            f"The record began to meet the criteria on {since}, and was not let in then.",
            "It will be enrolled when it meets them anew.",
        ],
    )


def triggers(workflow: Workflow) -> Any:
    rows = Subscription.objects.filter(revision=workflow.live, purpose=Subscription.Purpose.TRIGGER)
    return rows.values("segment")


def test_the_goal_was_met_already_and_a_suppression_list_is_named(deal):
    workflow = live(BIG, goal={"all": [NAMED_Z]})
    z = Deal.objects.create(name="Z", amount=99)
    settle()
    assert why(workflow, z) == ("goal_already_met", ["The record had met the goal of this workflow already."])
    kept = keeping.create(object_types["deal"], "Competitors", now=database_now())
    members.add(kept, [deal.pk], now=database_now())
    workflow = live(BIG, suppress=[kept.slug])
    told = ["The record was found in the suppression list “Competitors” of this workflow."]
    assert why(workflow, deal) == ("on_suppression_list", told)


def test_already_inside_and_once_only(deal):
    workflow = live(BIG)
    change(deal, amount=50)
    verdict, sentences = why(workflow, deal)
    assert (verdict, sentences[0]) == ("enrolled", "A change made it meet the criteria.")
    left = leave(workflow)
    change(deal, amount=1)
    change(deal, amount=60)
    verdict, sentences = why(workflow, deal)
    assert verdict == "enrolled_before"
    assert sentences[-2:] == [
        f"It left on {moment(left.ended_at)}: It went through every step.",
        "It has left since, and is not enrolled again because re-enrollment is off.",
    ]


def test_which_reenrollment_did_not_begin(deal):
    workflow = live(BIG, WON, reenroll=["any.0.all.0", "any.0.all.1"])
    change(deal, amount=50, stage="won")
    leave(workflow)
    change(deal, stage="engaging")
    segment = Subscription.objects.filter(revision=workflow.live, purpose="reenrollment").earliest("pk").segment_id
    since = moment(Membership.objects.get(segment=segment, record_id=deal.pk).since)
    assert why(workflow, deal)[1][-3:] == [
        "It has left since. It can be enrolled again by a change of one of the ticked filters, or by hand.",
        f"Amount is greater than 10: met since {since}, so it would have to stop being met and be met anew.",
        "Stage is any of Won: not met. Once it is, and the other filters are, the record is enrolled again.",
    ]
    change(deal, stage="won")
    assert inside(workflow) == [deal.pk]


def test_the_event_has_not_happened_or_did_before_the_workflow_was_there():
    ann, ben = Contact.objects.create(email="ann@example.com"), Contact.objects.create(email="ben@example.com")
    view(ann)
    workflow = by_events(PRICING)
    settle()
    (since,) = workflow.live.event_subscriptions.values_list("since", flat=True)
    label = "“Page viewed with (Web address contains any of “pricing”)”"
    assert why(workflow, ben) == (
        "event_not_occurred",
        [f"{label} has not happened to the record, as far as is still known."],
    )
    assert why(workflow, ann) == (
        "event_before_workflow",
        [
            f"{label} happened on {viewed_at()}, before the workflow looked at it: it counts what happens since "
            f"{moment(since)}."
        ],
    )
    view(ann, page="example.com/about")
    settle()
    assert why(workflow, ann) == (
        "event_not_as_wanted",
        [
            f"It happened on {viewed_at()}, but not as the trigger wants it: {label}.",
            "It was: Web address: https://example.com/about.",
        ],
    )


def test_the_event_happened_before_there_was_the_record():
    workflow = by_events(PRICING)
    before = database_now()
    ann = Contact.objects.create(email="ann@example.com")
    view(ann, occurred_at=before)
    settle()
    verdict, sentences = why(workflow, ann)
    assert verdict == "event_before_record"
    assert sentences == [
        f"“Page viewed with (Web address contains any of “pricing”)” happened on {moment(before)}, before this was a "
        "record here; events count only for records that are there."
    ]


def test_the_filters_besides_the_event_were_not_met_at_its_instant():
    lund = {"all": [{"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}]}
    workflow = by_events({"event": "page_viewed"}, criteria=lund)
    ann = Contact.objects.create(email="ann@example.com", city="Oslo")
    view(ann)
    at = viewed_at()
    told = f"“Page viewed” happened on {at}. The record is about to be looked at."
    assert why(workflow, ann) == ("about_to_enroll", [told])
    settle()
    assert why(workflow, ann) == (
        "criteria_not_met",
        [
            f"“Page viewed” happened on {at}, but the record does not meet the filters besides.",
            "Not met: City is equal to any of Lund (now: Oslo).",
        ],
    )
    Contact.objects.filter(pk=ann.pk).update(city="Lund")
    settle()
    assert why(workflow, ann) == (
        "criteria_met_later",
        [
            f"“Page viewed” happened on {at}. The record did not meet the filters besides at that instant; that it "
            "meets them now enrolls nobody."
        ],
    )


def test_a_change_that_took_another_value_than_the_trigger_wants(deal):
    workflow = by_events(BECOMES_WON, object="deal")
    change(deal, stage="engaging")
    at = moment(changes_of(object_types["deal"], deal.pk).first().at)
    assert why(workflow, deal) == (
        "event_not_as_wanted",
        [
            f"It happened on {at}, but not as the trigger wants it: “Stage changes to Won”.",
            "It was: Stage: Engaging.",
        ],
    )


def test_a_count_and_a_time_that_are_not_reached():
    often = {"event": "page_viewed", "operator": "has_occurred", "refine": {"count": {"at_least": 3}}}
    lately = {"event": "page_viewed", "operator": "has_occurred", "refine": {"within": {"days": 7}}}
    document = {
        "format": 1, "object": "contact", "steps": [WAIT],
        "trigger": {"kind": "filter", "criteria": {"all": [often, lately]}},
    }  # fmt: skip
    workflow = drafting.create("Test", "contact", boss(), definition=document)
    publish(workflow)
    ann = Contact.objects.create(email="ann@example.com")
    settle()
    assert why(workflow, ann)[1][1:] == [
        "Not met: “Page viewed” has occurred at least 3 times (now: it has never occurred).",
        "Not met: “Page viewed” has occurred in the last 7 days (now: it has never occurred).",
    ]
    view(ann, occurred_at=database_now() - dt.timedelta(days=30))
    settle()
    counted = f"1 time, on {viewed_at()}"
    assert why(workflow, ann) == (
        "criteria_not_met",
        [
            "The record does not meet the criteria.",
            f"Not met: “Page viewed” has occurred at least 3 times (now: {counted}).",
            f"Not met: “Page viewed” has occurred in the last 7 days (now: {counted}).",
        ],
    )


def test_a_schedule_looks_at_its_time_and_is_over_at_last(deal):
    at = database_now() + dt.timedelta(days=2)
    once = {"every": "once", "date": at.date().isoformat(), "at": "09:00"}
    workflow = scheduled_deals.live(BIG, schedule=once, now=database_now())
    verdict, sentences = why(workflow, deal)
    assert verdict == "awaits_schedule"
    assert sentences[0].startswith("The schedule enrolls it on ") and sentences[0].endswith(
        ", at 9 a.m. if it meets the criteria then."
    )
    assert sentences[1:] == ["Not met: Amount is greater than 10 (now: 1)."]
    scheduled_deals.work(at + dt.timedelta(days=1))
    over = ["The schedule has fired for the last time, so it enrolls nobody any more."]
    assert why(workflow, deal) == ("schedule_over", over)


def test_a_schedule_by_a_date_of_the_record(deal):
    yearly = {"every": "property", "property": "close_date", "offset_days": -7, "at": "09:00", "yearly": False}
    workflow = scheduled_deals.live(schedule=yearly, now=database_now())
    blank = ["The schedule goes by close date, which is blank, so the record is never due."]
    assert why(workflow, deal) == ("no_schedule_date", blank)
    Deal.objects.filter(pk=deal.pk).update(close_date=dt.date(2031, 5, 20))
    assert why(workflow, deal) == (
        "awaits_schedule",
        [
            "The schedule enrolls it when its day has come (7 days before close date at 9 a.m.). Its close date is "
            "May 20, 2031."
        ],
    )


def test_the_execution_times_and_a_pause_date_hold_whom_it_has_enrolled(deal):
    tomorrow = (database_now() + dt.timedelta(days=1)).strftime("%a").lower()
    windows = [{"days": [tomorrow], "from": "09:00", "to": "17:00"}]
    rename = step("rename", "edit_record", property="name", value="touched")
    workflow = live(BIG, steps=[rename], settings={"windows": windows, "timezone": "UTC"})
    change(deal, amount=50)
    while run_due(database_now()):
        pass
    verdict, sentences = why(workflow, deal)
    assert verdict == "enrolled"
    assert sentences[-1].startswith("It stands on a step and waits: Outside the execution times: runs on ")


def test_the_loop_guard(deal):
    workflow = live(BIG)
    Deal.objects.filter(pk=deal.pk).update(amount=50)
    cause = {"kind": "filter", "depth": 21, "chain": [workflow.pk]}
    enroll(workflow, [deal.pk], cause=cause, now=database_now())
    Membership.objects.filter(segment__in=triggers(workflow)).delete()
    settle_with_depth(workflow, deal)
    verdict, sentences = why(workflow, deal)
    assert verdict == "loop"
    assert sentences[0] == (
        "Workflows had triggered each other too many times in a row, so the chain was stopped here."
    )


def settle_with_depth(workflow: Workflow, deal: Deal) -> None:
    """The record has begun to match just before it was refused."""
    refused = Enrollment.objects.filter(workflow=workflow, status="refused").latest("pk")
    for segment in Subscription.objects.filter(revision=workflow.live, purpose="trigger"):
        Membership.objects.create(segment_id=segment.segment_id, record_id=deal.pk, since=refused.enrolled_at)


def test_no_date_in_a_date_centred_workflow(deal):
    steps = [step("first", "delay_to_centre", days=-3, at="09:00")]
    workflow = live(BIG, steps=steps, centre={"property": "close_date", "yearly": False})
    change(deal, amount=50)
    verdict, sentences = why(workflow, deal)
    assert (verdict, sentences[0]) == ("no_centre_date", "The date this workflow is centred on was blank.")


def test_only_by_hand_and_too_many_an_hour(deal):
    workflow = drafting.create(
        "Test", "deal", boss(), {"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": [WAIT]}
    )
    publish(workflow)
    told = ["Only records that somebody enrolls by hand enter this workflow."]
    assert why(workflow, deal) == ("manual_only", told)


def test_a_deleted_and_a_merged_record(deal):
    workflow = live(BIG)
    gone = database_now()
    Deal.objects.filter(pk=deal.pk).update(deleted_at=gone)
    told = f"The record was deleted on {moment(gone)}; deleted records are never enrolled. Restore it first."
    assert why(workflow, deal) == ("record_deleted", [told])
    winner, loser = Deal.objects.create(name="W"), Deal.objects.create(name="L")
    settle()
    merge(object_types["deal"], winner.pk, loser.pk, by=boss(), now=database_now())
    told = f"The deal {loser.pk} was merged into the deal {winner.pk}. Use that one."
    assert why(workflow, loser) == ("record_deleted", [told])


def test_a_merge_of_two_records_enrolls_nobody():
    workflow = live(BIG)
    winner, loser = Deal.objects.create(name="W"), Deal.objects.create(name="L", amount=50)
    settle()
    Enrollment.objects.all().delete()
    merge(object_types["deal"], winner.pk, loser.pk, by=boss(), now=database_now())
    settle()
    since = moment(Membership.objects.get(segment__in=triggers(workflow), record_id=winner.pk).since)
    assert why(workflow, winner) == (
        "merge_not_enrolled",
        [
            f"A merge made the record meet the criteria on {since}, and this workflow enrolls no merged records.",
            "It will be enrolled when it meets them anew.",
        ],
    )


def test_another_type_of_record(deal):
    workflow = live(BIG)
    company = Company.objects.create(name="C")
    reply = client_of(boss()).send("GET", f"workflows/{workflow.pk}/explain/?record={company.pk}&object=company")
    told = ["This workflow is for deals, so companies never enter it."]
    assert (reply.document["verdict"], reply.document["sentences"]) == ("other_object_type", told)
    screen = Client()
    screen.force_login(boss())
    page = screen.get(f"{reverse('admin:workflow_diagnose', args=[workflow.pk])}?record={company.pk}&object=company")
    assert told[0] in page.content.decode()


def test_about_to_be_enrolled_and_kept_from_it_by_an_error(deal):
    workflow = live(BIG)
    Deal.objects.filter(pk=deal.pk).update(amount=50)
    assert why(workflow, deal) == ("about_to_enroll", ["The record meets the criteria and is about to be enrolled."])
    now = database_now()
    segment = Subscription.objects.get(revision=workflow.live, purpose="trigger").segment
    hindrance = Hindrance.objects.create(kind="segment", segment=segment, error="E", since=now, due_at=now)
    SetAside.objects.create(hindrance=hindrance, record_id=deal.pk)
    told = "An error keeps the workflow from looking at the record; it is tried again. The health page says more."
    assert why(workflow, deal) == ("set_aside", [told])


def test_nothing_is_told_of_what_the_person_may_not_see(deal):
    """Neither the filters nor their values, nor whether they are met: of hidden properties, and of other records."""
    company = Company.objects.create(name="C", industry="software")
    associate("deal", "company", [(deal.pk, company.pk)])
    reading = {"association": "company", "all": [{"property": "industry", "operator": "is_known"}]}
    workflow = live(reading)
    una = member("una", None)
    told = (
        "Why is not told: the workflow looks at records of the type “company”, which you may not see. Ask somebody "
        "who may."
    )
    assert why(workflow, deal, una) == ("withheld", [told])
    assert why(workflow, deal)[0] == "existing_not_enrolled"
    Company.objects.filter(pk=company.pk).update(industry="")
    settle()
    Company.objects.filter(pk=company.pk).update(industry="software")
    settle()
    shown = {who.username: explain(workflow, deal.pk, now=database_now(), user=who) for who in (una, boss())}
    assert [len(shown[name].leaves) for name in ("una", "boss")] == [0, 2]
    assert "An associated record was changed." in shown["una"].sentences and "software" not in str(shown["una"])
    hidden, una = live(BIG), member("uno", Access.NONE)
    assert client_of(una).send("GET", f"workflows/{hidden.pk}/explain/?record={deal.pk}").status_code == 403


def test_what_was_tried_by_hand_is_not_why_the_trigger_enrolled_nobody(deal):
    """It met the criteria when the workflow was published; somebody then tried by hand while it was on a list."""
    kept = keeping.create(object_types["deal"], "Kept out", now=database_now(), by=boss())
    Deal.objects.filter(pk=deal.pk).update(amount=50)
    settle()
    workflow = live(BIG, suppress=[kept.slug])
    members.add(kept, [deal.pk], now=database_now())
    enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    members.remove(kept, [deal.pk], now=database_now())
    assert why(workflow, deal)[0] == "existing_not_enrolled"

    named = by_events(
        BECOMES_WON, object="deal", suppress=[kept.slug],
        criteria={"all": [{"property": "name", "operator": "is_equal_to_any_of", "value": ["B"]}]},
    )  # fmt: skip
    change(deal, stage="won")
    members.add(kept, [deal.pk], now=database_now())
    enroll(named, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    members.remove(kept, [deal.pk], now=database_now())
    change(deal, name="B")
    assert why(named, deal)[0] == "criteria_met_later"


def test_an_event_of_a_record_that_was_associated_only_later(deal):
    workflow = by_events({"event": "task_completed"}, object="deal")
    task = Task.objects.create(title="Call")
    settle()
    Task.objects.filter(pk=task.pk).update(status=Task.Status.DONE)
    settle()
    at = moment(changes_of(object_types["task"], task.pk).first().at)
    associate("deal", "task", [(deal.pk, task.pk)])
    settle()
    verdict, (told,) = why(workflow, deal)
    assert verdict == "event_before_association"
    assert told.endswith(
        f"happened on {at}, before the two records were associated; only what happens later counts."
    ), told
    for status in (Task.Status.OPEN, Task.Status.DONE):
        Task.objects.filter(pk=task.pk).update(status=status)
    settle()
    assert inside(workflow) == [deal.pk]


def test_what_was_done_with_an_event_is_forgotten_where_nothing_else_can_have_been_in_the_way(deal):
    workflow = by_events(BECOMES_WON, object="deal")
    change(deal, stage="won")
    Enrollment.objects.filter(workflow=workflow).delete()
    verdict, (told,) = why(workflow, deal)
    assert verdict == "not_kept"
    assert told.endswith("What was done with it then is not kept any more.")
