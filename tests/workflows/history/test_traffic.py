"""The counts on the canvas: who is there, who came by in a period, which branches they took, and who they are."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Contact
from records.clock import database_now
from tests.plans import keeping, looked_at
from tests.workflows.building import enroll, make_workflow, step
from workflows import drafting
from workflows.editor.counts import percent, short
from workflows.engine.taking_steps import run_due
from workflows.history import traffic
from workflows.models import StepExecution, Workflow

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
BUYERS = {"all": [{"property": "job_title", "operator": "is_equal_to_any_of", "value": ["Buyer"]}]}
WAYS = [
    {"name": "Buyers", "criteria": BUYERS, "steps": [step("hold", "delay", days=9)]},
    {"name": "Rest", "steps": []},
]
STEPS = [
    step("note", "create_note", body="Hi"),
    step("split", "branch", branches=WAYS),
    step("mail", "send_internal_email", to=["owner"], subject="Hi", body="Hi"),
]


def people(*titles: str) -> list[int]:
    made = Contact.objects.bulk_create(Contact(first_name=f"P{i}", job_title=title) for i, title in enumerate(titles))
    return [one.pk for one in made]


def run(now: dt.datetime) -> None:
    while run_due(now):
        pass


def passing(workflow: Workflow, period: str) -> traffic.Passing:
    return traffic.since(workflow, traffic.begin(period, database_now()))


@pytest.mark.covers("EDT-16", "SET-09")
def test_records_are_counted_by_step_branch_and_period() -> None:
    workflow, now = make_workflow(STEPS), database_now()
    enroll(workflow, people("Buyer", "", ""), now - 3 * DAY)
    run(now - 3 * DAY)
    enroll(workflow, people("Buyer", "Buyer"), now)
    run(now)
    assert traffic.here(workflow) == {"hold": 3}
    found = passing(workflow, "week")
    assert found.passed == {"note": 5, "split": 5, "mail": 2} and not found.failed
    assert found.ways == {"split": {0: 3, 1: 2}}
    today = passing(workflow, "day")
    assert (today.passed, today.ways) == ({"note": 2, "split": 2}, {"split": {0: 2}})
    assert passing(workflow, "all").passed == found.passed


def test_who_failed_is_counted_apart_and_one_record_once() -> None:
    workflow, now = make_workflow(STEPS), database_now()
    [enrollment] = enroll(workflow, people("Buyer"), now)
    for outcome in ("failed", "failed", "retrying", "success", "success"):
        StepExecution.objects.create(
            enrollment=enrollment, revision_id=enrollment.revision_id, visit=1, step="note", action="create_note",
            outcome=outcome, at=now,
        )  # fmt: skip
    found = passing(workflow, "day")
    assert (found.passed, found.failed) == ({"note": 1}, {"note": 1})


def test_a_count_leads_to_the_records_it_counts(client: Any, admin_user: Any) -> None:
    workflow, now = make_workflow(STEPS), database_now()
    enroll(workflow, people("Buyer", "", ""), now)
    run(now)
    client.force_login(admin_user)
    answer = client.get(f"/admin/workflows/workflow/{workflow.pk}/editor/counts/?period=day").json()
    [waiting] = answer["steps"]["hold"]
    assert (waiting["kind"], waiting["text"]) == ("here", "1 waiting")
    [passed] = answer["steps"]["split"]
    assert (passed["text"], passed["label"]) == ("3", "3 records got through")
    buyers, rest = answer["branches"]["split-0"], answer["branches"]["split-1"]
    assert (buyers["text"], rest["text"], rest["label"]) == ("33 %", "67 %", "2 of 3 records took this branch")
    for count, size in ((waiting, 1), (passed, 3), (buyers, 1), (rest, 2)):
        page = client.get(count["url"]).content.decode()
        assert page.count('<th scope="row"') == size
    assert "And there" in page and "Rest" in page
    elsewhere = passed["url"].replace("ended=passed", "ended=failed")
    assert "Nothing matches" in client.get(elsewhere).content.decode()
    assert client.get(passed["url"].replace("ended=passed", "ended=no&way=x&during=?")).status_code == 200


def test_a_workflow_that_was_never_published_costs_no_statement_about_records(client: Any, admin_user: Any) -> None:
    workflow = drafting.create("New", "contact", admin_user)
    client.force_login(admin_user)
    url = f"/admin/workflows/workflow/{workflow.pk}/editor/"
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{url}counts/?period=all").json() == {"steps": {}, "branches": {}, "late": ""}
    assert not [query for query in queries if "enrollment" in query["sql"] or "stepexecution" in query["sql"]]
    assert "flow-period" not in client.get(url).content.decode()


def test_counting_takes_two_statements_whatever_the_size_and_finds_the_log_by_index() -> None:
    """Two hundred records of another workflow have been at eight steps; their lines are not looked at."""
    now = database_now()
    busy = make_workflow([step(f"s{i}", "create_note", body="Hi") for i in range(8)])
    enroll(busy, people(*[""] * 200), now)
    run(now)
    small = make_workflow(STEPS)
    enroll(small, people("Buyer", ""), now)
    run(now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_enrollment, workflows_stepexecution")
    plans: list[dict[str, Any]] = []
    with CaptureQueriesContext(connection) as few:
        assert passing(small, "week").passed["note"] == 2
    with CaptureQueriesContext(connection) as many:
        assert passing(busy, "week").passed["s7"] == 200
    assert len(few) == len(many)
    with connection.execute_wrapper(keeping(plans, "SELECT x.step")):
        passing(small, "week")
    lines = StepExecution.objects.filter(enrollment__workflow=small).count()
    log = [name for name in relations(plans[0]) if name.startswith("workflows_stepexecution")]
    assert 0 < sum(looked_at(plans[0], name) for name in log) <= 2 * lines


def relations(plan: dict[str, Any]) -> set[str]:
    own = {plan["Relation Name"]} if "Relation Name" in plan else set()
    return own.union(*(relations(child) for child in plan.get("Plans", ())))


def test_numbers_are_short_and_shares_never_say_none_or_all_of_some() -> None:
    assert [short(count) for count in (7, 999, 1_234, 15_400, 2_500_000)] == ["7", "999", "1.2k", "15k", "2.5M"]
    assert [percent(*pair) for pair in ((1, 3), (1, 900), (899, 900), (5, 5))] == ["33", "<1", ">99", "100"]
