"""What only looks like a mistake is met with silence; what looks like it beside that is still told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from records.clock import database_now
from tests.workflows.publishing_deals import BIG, WAIT, boss, document, draft, live
from tests.workflows.reviewing.test_planted_mistakes import SMALL, branching, edit, rewritten, stage, task
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
LIKELY = {"property": "probability", "operator": "is_greater_than", "value": 10}
AGAIN = ["any.0.all.0"]
TO_BIG, TO_LIKELY = edit(property="amount", value=99), edit(property="probability", value=50)


def told(workflow: Workflow) -> list[tuple[str, str]]:
    """Code and place of each problem."""
    found = publishing.review(workflow, user=boss(), now=database_now()).problems
    return [(problem.code, problem.path) for problem in found]


@pytest.mark.parametrize(
    ("theirs", "mine", "found"),
    [
        (None, None, []),
        (AGAIN, None, []),
        (None, AGAIN, []),
        (AGAIN, AGAIN, [("cycle", "steps.0")]),
    ],
)
def test_workflows_that_take_each_record_once_do_not_go_round(theirs: Any, mine: Any, found: Any) -> None:
    live(LIKELY, steps=[TO_BIG], **({"reenroll": theirs} if theirs else {}))
    assert told(draft(BIG, steps=[TO_LIKELY], **({"reenroll": mine} if mine else {}))) == found


def test_only_what_is_ticked_starts_a_workflow_again() -> None:
    named = {"property": "name", "operator": "is_known"}
    live(LIKELY, named, steps=[TO_BIG], reenroll=["any.0.all.1"])
    assert told(draft(BIG, steps=[TO_LIKELY], reenroll=AGAIN)) == []
    assert told(draft(BIG, named, steps=[TO_BIG], reenroll=["any.0.all.1"])) == []
    assert told(draft(BIG, named, steps=[TO_BIG], reenroll=AGAIN)) == [("own_trigger", "steps.0")]


@pytest.mark.parametrize(("again", "found"), [(False, []), (True, [("cycle", "steps.1")])])
def test_nor_do_those_that_enroll_in_one_another_once(again: bool, found: Any) -> None:
    ticked = {"reenroll": AGAIN} if again else {}
    other, mine = live(BIG, steps=[WAIT], **ticked), live(BIG, steps=[WAIT], **ticked)
    for one, target in ((other, mine), (mine, other)):
        leads = {"id": "on", "action": "go_to_workflow", "params": {"workflow": str(target.pk)}}
        drafting.draft_of(one)
        rewritten(one, steps=[WAIT, leads])
    publishing.publish(other, by=boss(), now=database_now(), enroll_existing=False)
    assert told(mine) == found


def test_records_that_are_made_are_new_each_time() -> None:
    """A deal makes a ticket, a ticket makes a deal: none of them is enrolled twice, and there is no end."""

    def making(kind: str, other: str, name: str) -> Workflow:
        trigger = {
            "kind": "filter",
            "criteria": {"any": [{"all": [{"property": "created_at", "operator": "is_known"}]}]},
        }
        make = {"id": "make", "action": "create_record", "params": {"object": other, "properties": {name: "Made"}}}
        return drafting.create(kind, kind, boss(), {"format": 1, "trigger": trigger, "steps": [make]})

    named = {"property": "subject", "operator": "is_known"}
    trigger = {"kind": "filter", "criteria": {"any": [{"all": [named]}]}}
    first = making("ticket", "deal", "name")
    rewritten(first, trigger=trigger)
    publishing.publish(first, by=boss(), now=database_now(), enroll_existing=False)
    second = making("deal", "ticket", "subject")
    rewritten(second, trigger={"kind": "filter", "criteria": {"any": [{"all": [{**named, "property": "name"}]}]}})
    assert told(second) == [("cycle", "steps.0")]


def test_a_schedule_starts_a_workflow_and_nothing_else_does() -> None:
    schedule = {"every": "day", "at": "08:00"}
    nightly = {"kind": "schedule", "schedule": schedule, "criteria": {"all": [LIKELY]}}
    other = drafting.create("Nightly", "deal", boss(), document(BIG, steps=[TO_BIG]) | {"trigger": nightly})
    publishing.publish(other, by=boss(), now=database_now(), enroll_existing=False)
    assert told(draft(BIG, steps=[TO_LIKELY], reenroll=AGAIN)) == []


def test_what_must_be_so_besides_an_event_does_not_bring_a_record_back() -> None:
    trigger = {
        "kind": "event", "events": [{"event": "property_changed", "property": "name"}], "reenroll": True,
        "criteria": {"all": [stage("is_any_of", "won")]},
    }  # fmt: skip
    made = draft(BIG, steps=[edit(property="stage", value="lost")])
    assert told(rewritten(made, trigger=trigger)) == []
    rewritten(made, steps=[edit(property="name", value="Z")])
    assert told(made) == [("own_trigger", "steps.0")]


def test_what_is_blank_at_the_trigger_may_be_filled_in_while_records_wait() -> None:
    blank = {"property": "close_date", "operator": "is_unknown"}
    says = task("Closes {{ deal.close_date }}", "says")
    assert told(draft(blank, steps=[task("Fill in the date"), says])) == [("empty_token", "steps.1.params.title")]
    assert told(draft(blank, steps=[task("Fill in the date"), WAIT, says])) == []
    hook = {"id": "hook", "action": "branch", "params": {}, "branches": [
        {"name": "Big", "criteria": {"all": [BIG]}, "steps": [WAIT]}, {"name": "Others", "steps": []},
    ]}  # fmt: skip
    assert told(draft(blank, steps=[hook, says])) == []
    after = branching(("Blank", blank), ("Otherwise", None))
    after["branches"][0]["steps"] = [says]
    assert told(draft(BIG, steps=[WAIT, after])) == [("empty_token", "steps.1.branches.0.steps.0.params.title")]


def test_workflows_for_different_deals_of_one_company_compete_for_the_company() -> None:
    """No deal is in both; their company may be."""
    boss()
    live(SMALL, steps=[edit(of="company", property="city", value="Lund")])
    assert told(draft(BIG, steps=[edit(of="company", property="city", value="Oslo")])) == [("competing", "steps.0")]
    assert told(draft(BIG, steps=[edit(of="company", property="city", value="Lund")])) == []
    live(SMALL, steps=[edit(property="name", value="Small")])
    assert told(draft(BIG, steps=[edit(property="name", value="Big")])) == []


def by_value(*values: str) -> dict[str, Any]:
    ways = [{"name": value.title(), "values": [value], "steps": [task(step_id=f"value-{value}")]} for value in values]
    return {
        "id": "values", "action": "value_branch", "params": {"property": "stage"},
        "branches": [*ways, {"name": "Other", "steps": [task(step_id="value-other")]}],
    }  # fmt: skip


def test_a_branch_of_values_tells_who_comes_to_the_next_branch() -> None:
    again = branching(("Lost", stage("is_any_of", "lost")), ("Won", stage("is_any_of", "won")), ("Otherwise", None))
    split = by_value("won")
    split["branches"][0]["steps"] = [again]
    assert told(draft(BIG, steps=[WAIT, split])) == [
        ("untaken", "steps.1.branches.0.steps.0.branches.0.criteria"),
        ("untaken", "steps.1.branches.0.steps.0.branches.2"),
    ]
    other = by_value("won")
    other["branches"][1]["steps"] = [again]
    assert told(draft(BIG, steps=[WAIT, other])) == [("untaken", "steps.1.branches.1.steps.0.branches.1.criteria")]


def test_a_value_the_trigger_rules_out_leads_nowhere() -> None:
    assert told(draft(stage("is_any_of", "won", "lost"), steps=[by_value("won", "lost", "engaging")])) == [
        ("untaken", "steps.0.branches.2.values"), ("untaken", "steps.0.branches.3"),
    ]  # fmt: skip
    assert told(draft(stage("is_any_of", "won", "lost"), steps=[WAIT, by_value("won", "lost", "engaging")])) == []


def test_a_delay_until_a_day_before_the_schedule_begins() -> None:
    trigger = {
        "kind": "schedule", "schedule": {"every": "once", "date": "2090-05-01", "at": "09:00"},
        "criteria": {"all": [BIG]},
    }  # fmt: skip
    until = {"id": "until", "action": "delay_until_date", "params": {"at": "2090-04-30T09:00"}}
    made = rewritten(draft(BIG, steps=[until]), trigger=trigger)
    (found,) = publishing.review(made, user=boss(), now=database_now()).problems
    assert (found.code, found.path) == ("past", "steps.0.params.at")
    assert "The schedule fires for the first time after April 30, 2090" in found.message
    assert told(rewritten(made, steps=[{**until, "params": {"at": "2090-05-02T09:00"}}])) == []


def test_ticked_filters_that_cannot_be_read_are_a_problem_and_no_error() -> None:
    found = {"association": [], "all": [{"property": "amount"}]}
    paths = [path for _code, path in told(draft(found, reenroll=AGAIN))]
    assert paths == ["trigger.criteria.any.0.all.0.association"]


@pytest.mark.parametrize(
    "second",
    [
        edit("next", property="stage", value="lost", of="company"),
        edit("next", property="probability", value=5),
        edit("next", property="stage", value="won"),
        {"id": "next", "action": "change_number", "params": {"property": "amount", "by": 5}},
    ],
)
def test_a_value_is_lost_only_where_the_next_step_sets_the_same_anew(second: dict[str, Any]) -> None:
    first = edit(property="stage", value="won")
    assert ("overwritten", "steps.0.params.property") not in told(draft(BIG, steps=[first, second]))


def test_to_clear_and_set_anew_and_to_wait_in_between_lose_nothing() -> None:
    clear, lost = edit(property="stage", clear=True), edit("next", property="stage", value="lost")
    won = edit(property="stage", value="won")
    assert told(draft(BIG, steps=[clear, lost])) == []
    assert told(draft(BIG, steps=[won, WAIT, lost])) == []
    assert told(draft(BIG, steps=[won, lost])) == [("overwritten", "steps.0.params.property")]


def test_who_can_come_to_a_step_before_the_workflow_is_off_is_the_quickest() -> None:
    soon = f"{database_now() + dt.timedelta(days=3):%Y-%m-%dT%H:%M}"
    long = {"id": "long", "action": "delay", "params": {"days": 9}}
    slow = branching(("Big", LIKELY), ("Otherwise", None))
    slow["branches"][0]["steps"] = [long]
    slow["branches"][1]["steps"] = []
    settings = {"turn_off_at": soon}
    assert told(draft(BIG, steps=[slow, task()], settings=settings)) == []
    assert told(draft(BIG, steps=[task(), long], settings=settings)) == []
    slow["branches"][1]["steps"] = [{"id": "on", "action": "delay_until_date", "params": {"at": "2090-01-01T09:00"}}]
    assert told(draft(BIG, steps=[slow, task()], settings=settings)) == [("past", "steps.1")]
