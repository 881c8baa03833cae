"""The action log of all workflows: what is in it for whom, its filters, its pages, and how little a page looks at."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.models import Contact, Deal, User
from records.clock import database_now
from records.models import Access
from tests.api.conftest import person
from tests.plans import keeping
from tests.workflows.building import enroll, make_workflow, step
from tests.workflows.history.test_action_log import lines_looked_at, wrote
from tests.workflows.publishing_deals import boss, settle
from tests.workflows.restricted import RAISE, RENAME, document, member
from workflows import drafting
from workflows.enrollment.enrolling import enroll as let_in
from workflows.history import action_log, whole_log
from workflows.lifecycle import publishing
from workflows.models import Enrollment, StepExecution, Workflow

pytestmark = pytest.mark.django_db
DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)
NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def log(client: Client, query: str = "") -> Any:
    answer = client.get(reverse("admin:enrollment_log") + query)
    assert answer.status_code == 200
    return answer


def told(answer: Any) -> list[tuple[str, str, str]]:
    """Workflow, record and outcome of each line."""
    return [(row.workflow.name, row.name, row.execution.outcome) for row in answer.context["rows"]]


def two_workflows() -> list[Enrollment]:
    """Bo in "One", Eva in "Two", with lines of both by turns."""
    found = []
    for name, who in (("One", "Bo"), ("Two", "Eva")):
        contact = Contact.objects.create(email=f"{who}@example.com", first_name=who)
        workflow = make_workflow([step("city", "edit_record", property="city", value="Oslo"), step("wait", "delay")])
        Workflow.objects.filter(pk=workflow.pk).update(name=name)
        found += enroll(workflow, [contact.pk])
    bo, eva = found
    now = database_now()
    wrote(bo, "city", "edit_record", "success", now - 40 * DAY)
    wrote(eva, "city", "edit_record", "failed", now - 3 * DAY, reason="not_unique")
    wrote(bo, "wait", "delay", "waiting", now - 2 * SECOND)
    wrote(eva, "city", "edit_record", "skipped", now - SECOND, reason="nothing_to_copy")
    return found


@pytest.mark.covers("HIS-08", "HIS-09")
def test_the_lines_of_all_workflows_stand_together_and_are_filtered(ann: User, client: Client) -> None:
    bo, _eva = two_workflows()
    first = log(client)
    assert told(first) == [
        ("Two", "Eva", "skipped"), ("One", "Bo", "waiting"), ("Two", "Eva", "failed"), ("One", "Bo", "success"),
    ]  # fmt: skip
    own = reverse("admin:workflow_log", args=[bo.workflow_id])
    assert f'href="{own}"' in first.content.decode()
    asked = {
        "kind=error": [2], "kind=progress": [1], "action=delay": [1], "during=day": [0, 1], "q=bo": [1, 3],
        f"record={bo.record_id}": [1, 3], f"until={database_now() - 20 * DAY:%Y-%m-%d}": [3],
        "kind=nonsense": [], "action=nonsense": [], "during=nonsense": [], "q=nobody": [],
        "record=nobody": [],
    }  # fmt: skip
    for query, lines in asked.items():
        assert told(log(client, f"?{query}")) == [told(first)[line] for line in lines], query
    # A workflow's own log is narrowed as this one is.
    choices = {one.display: one.query_string for one in log(client, "?kind=error").context["filters"][0]["choices"]}
    assert choices["One"] == f"{own}?kind=error"


@pytest.mark.covers("PRM-09")
def test_nobody_reads_of_workflows_that_are_closed_to_them_nor_of_records_they_may_not_see(client: Client) -> None:
    for name, taken in (("Raises pay", RAISE), ("Renames", RENAME)):
        workflow = drafting.create(name, "deal", boss(), document(taken))
        publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
        let_in(
            workflow, [Deal.objects.create(name="Big").pk], cause={"kind": "manual"}, now=database_now(), manual=True
        )
    settle()
    for one in Enrollment.objects.all():
        wrote(one, "x", "edit_record", "success", database_now())
    seen = {
        boss(): {"Raises pay", "Renames"},
        member("una", Access.NONE): {"Renames"},
        person("clerk", "workflows.view_enrollment", is_staff=True): set(),
    }
    for user, names in seen.items():
        client.force_login(user)
        page = log(client)
        assert {name for name, _record, _outcome in told(page)} == names
        assert ("Raises pay" in page.content.decode()) == ("Raises pay" in names)
    client.force_login(person("nobody", is_staff=True))
    assert client.get(reverse("admin:enrollment_log")).status_code == 403


def test_filters_that_do_not_offer_all_workflows_lead_to_their_list(
    ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_workflows()
    every = f'<a href="{reverse("admin:workflows_workflow_changelist")}">More workflows…</a>'
    pages = [reverse("admin:enrollment_log"), reverse("admin:workflows_enrollment_changelist")]
    assert [every in client.get(url).content.decode() for url in pages] == [False, False]
    for module in ("whole_log_list", "enrollment_list"):
        monkeypatch.setattr(f"workflows.admin.{module}.OFFERED", 1)
    assert [every in client.get(url).content.decode() for url in pages] == [True, True]


def test_pages_are_in_the_order_of_writing_and_lose_no_line_of_the_same_instant(ann: User, client: Client) -> None:
    workflow = make_workflow([step("note", "create_note", body="Hi")])
    made = enroll(workflow, [one.pk for one in Contact.objects.bulk_create(Contact() for _each in range(120))])
    now = database_now()
    for one in made:
        wrote(one, "note", "create_note", "success", now)
    seen: list[int] = []
    query = "?"
    while query:
        page = log(client, query)
        seen += [row.execution.enrollment_id for row in page.context["rows"]]
        query = page.context["listing"].older
    assert seen == [one.pk for one in reversed(made)]


def test_a_page_says_how_far_it_looked_and_the_next_goes_on_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_log, "LOOKS", (2, 4))
    bo, _eva = two_workflows()
    for _line in range(10):
        wrote(bo, "wait", "delay", "waiting", database_now())
    asked = action_log.Asked([bo.workflow.live_id], outcomes=["success"])
    found, pages = whole_log.page(asked, 5, now=NOW), 1
    assert found.looked_back_to is not None and not found.lines
    while not found.lines:
        assert found.older is not None
        found, pages = whole_log.page(asked, 5, found.older, now=NOW), pages + 1
    assert [line.outcome for line in found.lines] == ["success"]
    assert 2 < pages <= 5


def test_it_goes_on_over_numbers_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken back, or forgotten by months, leaves no lines with its numbers."""
    monkeypatch.setattr(whole_log, "LOOKS", (2, 4))
    monkeypatch.setattr(whole_log, "GAP", 10)
    bo, _eva = two_workflows()
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('workflows_stepexecution', 'id'), 1000000)")
        cursor.execute(
            "UPDATE workflows_stepexecution x SET id = 999950 + 5 * r.n FROM"
            " (SELECT id, row_number() OVER (ORDER BY id) AS n FROM workflows_stepexecution) r WHERE r.id = x.id"
        )
    asked = action_log.Asked([bo.workflow.live_id])
    found, pages = whole_log.page(asked, 5, now=NOW), 1
    lines, told = list(found.lines), [found.looked_back_to]
    while found.older is not None and pages < 50:
        found, pages = whole_log.page(asked, 5, found.older, now=NOW), pages + 1
        lines += found.lines
        told.append(found.looked_back_to)
    assert [line.outcome for line in lines] == ["waiting", "success"] and 10 < pages < 20
    assert NOW in told, "among missing numbers nothing tells the time but the caller"
    # Days are found among them, too.
    monkeypatch.setattr(whole_log, "LOOKS", (60,))
    old = action_log.Asked([bo.workflow.live_id], until=database_now() - 20 * DAY)
    assert [line.outcome for line in whole_log.page(old, 5, now=NOW).lines] == ["success"]


def test_a_day_long_ago_is_found_without_looking_through_all_that_came_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_log, "GAP", 4)
    bo, _eva = two_workflows()
    now = database_now()
    for back in range(200, 0, -1):
        wrote(bo, "wait", "delay", "waiting", now - back * DAY / 4)
    first = StepExecution.objects.filter(enrollment=bo).order_by("-id")[199].pk
    found = whole_log.first_after(now - 25 * DAY)
    assert first + 100 < found <= first + 106


def test_a_page_looks_at_a_few_lines_of_thousands(ann: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_log, "LOOKS", (200, 500))
    people = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(250))
    workflow = make_workflow([step("note", "create_note", body="Hi"), step("end", "end")])
    enroll(workflow, [one.pk for one in people])
    with connection.cursor() as cursor:
        # Blocks that other tests have left half empty would be in ranges of their own.
        cursor.execute("TRUNCATE workflows_stepexecution")
        cursor.execute(
            "INSERT INTO workflows_stepexecution"
            " (enrollment_id, revision_id, visit, step, action, outcome, detail, at)"
            " SELECT e.id, e.revision_id, n, 'note', 'create_note', 'success', '{}',"
            " %s::timestamptz - n * interval '1 hour'"
            " FROM workflows_enrollment e, generate_series(1, 80) AS n ORDER BY n DESC",
            [database_now()],
        )
        cursor.execute("ANALYZE workflows_stepexecution")
        cursor.execute(
            "SELECT brin_summarize_new_values(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid"
            " WHERE c.relname LIKE 'workflows_stepexecution%number%' AND c.relkind = 'i'"
        )
    for query in ("", "?kind=error", "?action=create_note", "?action=send_webhook", "?during=day"):
        plans: list[dict[str, Any]] = []
        with connection.execute_wrapper(keeping(plans, "\n    SELECT", "SELECT")):
            log(client, query)
        looked = sum(lines_looked_at(plan) for plan in plans)
        assert looked <= 7_000, f"{looked} lines for {query or 'the first page'}"
