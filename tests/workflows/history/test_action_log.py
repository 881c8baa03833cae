"""The action log of a workflow: its columns, its filters, its pages, and how little of it a page looks at."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.models import Contact, User
from records.clock import database_now
from tests.plans import keeping, looked_at
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.history import action_log
from workflows.models import Enrollment, Outcome, Revision, StepExecution, Workflow

pytestmark = pytest.mark.django_db
DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)


def log(client: Client, workflow: Workflow, query: str = "") -> Any:
    answer = client.get(reverse("admin:workflow_log", args=[workflow.pk]) + query)
    assert answer.status_code == 200
    return answer


def told(answer: Any) -> list[tuple[str, str, str]]:
    """Record, action and outcome of each line."""
    return [(row.name, row.label, row.execution.outcome) for row in answer.context["rows"]]


def wrote(enrollment: Enrollment, step_id: str, action: str, outcome: str, at: dt.datetime, **detail: Any) -> None:
    StepExecution.objects.create(
        enrollment=enrollment, revision_id=enrollment.revision_id, visit=0, step=step_id, action=action,
        outcome=outcome, detail=detail, at=at,
    )  # fmt: skip


def two_people() -> tuple[Workflow, list[Enrollment]]:
    """Bo and Eva in a workflow of two steps, with a line of each kind, a minute or a day apart."""
    people = [Contact.objects.create(email=f"{name}@example.com", first_name=name) for name in ("Bo", "Eva")]
    workflow = make_workflow(
        [step("city", "edit_record", property="city", value="Oslo"), step("wait", "delay", days=2)]
    )
    bo, eva = enroll(workflow, [one.pk for one in people])
    now = database_now()
    wrote(bo, "city", "edit_record", "success", now - 40 * DAY)
    wrote(bo, "wait", "delay", "waiting", now - 2 * DAY)
    wrote(eva, "city", "edit_record", "failed", now - 3 * SECOND, reason="not_unique")
    wrote(eva, "city", "edit_record", "retrying", now - 2 * SECOND)
    wrote(eva, "city", "edit_record", "skipped", now - SECOND, reason="nothing_to_copy")
    return workflow, [bo, eva]


@pytest.mark.covers("HIS-08")
def test_a_line_has_record_action_outcome_and_time_and_the_newest_comes_first(ann: User, client: Client) -> None:
    workflow, _people = two_people()
    answer = log(client, workflow)
    assert [row[1:] for row in told(answer)] == [
        ("1. Edit record", "skipped"),
        ("1. Edit record", "retrying"),
        ("1. Edit record", "failed"),
        ("2. Delay for a set amount of time", "waiting"),
        ("1. Edit record", "success"),
    ]
    page, record = answer.content.decode(), Contact.objects.get(first_name="Bo")
    assert reverse("admin:crm_contact_change", args=[record.pk]) in page
    assert "Another record already has this value" in page
    assert page.count("<time ") >= 5


@pytest.mark.covers("HIS-09")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?kind=error", ["failed"]),
        ("?kind=alert", ["skipped"]),
        ("?kind=progress", ["retrying", "waiting"]),
        ("?kind=success", ["success"]),
        ("?action=delay", ["waiting"]),
        ("?step=wait", ["waiting"]),
        ("?during=hour", ["skipped", "retrying", "failed"]),
        ("?during=week", ["skipped", "retrying", "failed", "waiting"]),
        ("?q=bo@", ["waiting", "success"]),
        ("?kind=nonsense", []),
        ("?action=nonsense", []),
        ("?record=x", []),
        ("?q=nobody", []),
    ],
)
def test_the_log_is_filtered_by_time_action_kind_and_record(
    ann: User, client: Client, query: str, found: list[str]
) -> None:
    workflow, _people = two_people()
    assert [row[2] for row in told(log(client, workflow, query))] == found


@pytest.mark.covers("HIS-09")
def test_the_log_of_one_record_and_up_to_a_day(ann: User, client: Client) -> None:
    workflow, [_bo, eva] = two_people()
    assert len(told(log(client, workflow, f"?record={eva.record_id}"))) == 3
    then = (database_now() - 10 * DAY).date()
    assert [row[2] for row in told(log(client, workflow, f"?until={then:%Y-%m-%d}"))] == ["success"]
    assert len(told(log(client, workflow, "?until=2026-02-31"))) == 5, "a day there is none of says nothing"


@pytest.mark.covers("HIS-07")
def test_an_error_on_the_way_is_in_the_log_with_its_reason(ann: User, client: Client) -> None:
    """Going on to another workflow in which the record is already."""
    contact = Contact.objects.create(email="bo@example.com")
    other = make_workflow([step("wait", "delay", days=2)])
    enroll(other, [contact.pk])
    workflow = make_workflow([step("go", "go_to_workflow", workflow=other.pk)])
    enroll(workflow, [contact.pk], database_now())
    while run_due(database_now()):
        pass
    [line] = StepExecution.objects.filter(revision_id=workflow.live_id, step="go")
    assert line.outcome in (Outcome.SKIPPED, Outcome.FAILED)
    page = log(client, workflow).content.decode()
    assert "already" in page
    kind = "error" if line.outcome == Outcome.FAILED else "alert"
    assert len(told(log(client, workflow, f"?kind={kind}"))) == 1


@pytest.mark.covers("HIS-04")
def test_the_menu_of_a_workflow_in_the_list_leads_to_its_history_and_on_to_its_log(ann: User, client: Client) -> None:
    workflow, _people = two_people()
    history = f"{reverse('admin:workflows_enrollment_changelist')}?workflow__id__exact={workflow.pk}"
    listed = client.get(reverse("admin:workflows_workflow_changelist")).content.decode()
    assert f'<a href="{history}">View details</a>' in listed
    assert reverse("admin:workflow_log", args=[workflow.pk]) in client.get(history).content.decode()


def test_pages_by_key_show_every_line_once_though_many_have_the_same_time(ann: User, client: Client) -> None:
    people = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(120))
    workflow = make_workflow([step("note", "create_note", body="Hi")])
    made, now = enroll(workflow, [one.pk for one in people]), database_now()
    for one in made:
        wrote(one, "note", "create_note", "success", now)
    seen: list[int] = []
    query = "?"
    while query:
        answer = log(client, workflow, query)
        seen += [row.execution.enrollment_id for row in answer.context["rows"]]
        query = answer.context["listing"].older
    assert sorted(seen) == [one.pk for one in made] and len(seen) == 120


@pytest.mark.parametrize("query", ["?record={record}", "?q=bo@", "?kind=success&q=bo@&during=week"])
@pytest.mark.parametrize("whole", [False, True])
def test_the_log_of_a_record_goes_on_over_all_its_enrollments(
    ann: User, client: Client, monkeypatch: pytest.MonkeyPatch, query: str, whole: bool
) -> None:
    monkeypatch.setattr("workflows.admin.log_list.FOUND", 3)
    for module in ("log_list", "whole_log_list"):
        monkeypatch.setattr(f"workflows.admin.{module}.PER_PAGE", 2)
    contact = Contact.objects.create(email="bo@example.com")
    workflow = make_workflow([step("note", "create_note", body="Hi")])
    made, now = [], database_now() - DAY
    for place in range(8):
        made += enroll(workflow, [contact.pk])
        Enrollment.objects.filter(pk=made[-1].pk).update(status="completed", due_at=None, ended_at=now)
        wrote(made[-1], "note", "create_note", "success", now + place * SECOND)
    seen: list[int] = []
    query, pages = query.format(record=contact.pk), 0
    url = reverse("admin:enrollment_log") if whole else reverse("admin:workflow_log", args=[workflow.pk])
    while query:
        answer, pages = client.get(url + query), pages + 1
        seen += [row.execution.enrollment_id for row in answer.context["rows"]]
        says = "The lines of the 3 newest enrollments that were found" in answer.content.decode()
        assert says is (len(seen) < 7), "as long as there are more"
        query = answer.context["listing"].older
    assert seen == [one.pk for one in reversed(made)]
    assert pages == 5, "two of three and one, twice, and the last two"
    back = answer.context["listing"].newest
    assert back and "earlier" not in back and "before" not in back
    assert "earlier" not in str(answer.context["filters"]), "another filter begins anew"
    assert 'name="earlier"' not in answer.content.decode(), "so does another search"


def test_the_log_goes_on_over_the_versions_of_a_workflow() -> None:
    workflow, [bo, eva] = two_people()
    second = Revision.objects.create(
        workflow=workflow, number=2, definition=workflow.live.definition, published_at=database_now()
    )
    StepExecution.objects.filter(enrollment=eva).update(revision_id=second.pk)
    both = action_log.Asked([workflow.live_id, second.pk])
    assert [line.enrollment_id for line in action_log.page(both, 10).lines] == [eva.pk] * 3 + [bo.pk] * 2
    first = action_log.page(both, 2)
    assert [line.enrollment_id for line in action_log.page(both, 10, first.older).lines] == [eva.pk, bo.pk, bo.pk]


def test_a_filter_looks_back_through_so_many_lines_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action_log, "LOOKS", (2, 4))
    workflow, [bo, _eva] = two_people()
    now = database_now()
    for back in range(1, 11):
        wrote(bo, "wait", "delay", "waiting", now - back * DAY / 100)
    asked = action_log.Asked([workflow.live_id], outcomes=["success"])
    found, pages = action_log.page(asked, 5), 1
    assert found.looked_back_to is not None
    while not found.lines:
        assert found.older is not None
        found, pages = action_log.page(asked, 5, found.older), pages + 1
    assert [line.outcome for line in found.lines] == ["success"]
    assert 2 < pages <= 4


def test_a_page_looks_at_a_few_lines_of_thousands_whatever_is_asked(ann: User, client: Client) -> None:
    """Two workflows with five thousand lines between them over three months; of the log of either a page is read."""
    people = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(250))
    busy, quiet = (make_workflow([step("note", "create_note", body="Hi"), step("end", "end")]) for _each in range(2))
    made = [*enroll(busy, [one.pk for one in people]), *enroll(quiet, [one.pk for one in people[:10]])]
    fill(made, 20)
    last = made[249]
    asked = {
        "": 110, "?kind=error": 110, "?kind=success": 700, "?action=create_note": 700, "?during=day": 110,
        f"?record={last.record_id}": 25,
    }  # fmt: skip
    for workflow in (busy, quiet):
        for query, most in asked.items():
            plans: list[dict[str, Any]] = []
            with connection.execute_wrapper(keeping(plans, "\n    SELECT", "SELECT")):
                log(client, workflow, query)
            looked = sum(lines_looked_at(plan) for plan in plans)
            assert looked <= most, f"{looked} lines for {query or 'the first page'}"


def fill(enrollments: list[Enrollment], lines: int) -> None:
    """So many lines for each, over three months; one in fifty failed."""
    now = database_now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail,"
            " at) SELECT e.id, e.revision_id, n, 'note', 'create_note',"
            " CASE WHEN mod(e.id + n, 50) = 0 THEN 'failed' ELSE 'success' END, '{}',"
            " %s::timestamptz - n * interval '4 days' - mod(e.id, 1000) * interval '1 second'"
            " FROM workflows_enrollment e, generate_series(1, %s) AS n WHERE e.id = ANY(%s)",
            [now, lines, [one.pk for one in enrollments]],
        )
        cursor.execute("ANALYZE workflows_enrollment, workflows_stepexecution, crm_contact")


def lines_looked_at(plan: dict[str, Any]) -> int:
    names = {plan["Relation Name"]} if "Relation Name" in plan else set()
    own = looked_at({**plan, "Plans": []}, *names) if any("stepexecution" in name for name in names) else 0
    return own + sum(lines_looked_at(child) for child in plan.get("Plans", ()))


def test_what_means_nothing_finds_nothing(ann: User, client: Client) -> None:
    """In an address that was cut off or made up."""
    workflow, _people = two_people()
    for query in (
        "kind=x", "action=x", "step=x", "during=x", "record=x", "q=nobody", "ended=x",
        "way=x", "issue=x", "issue=0", "record=99999999999999999999",
    ):  # fmt: skip
        assert told(log(client, workflow, f"?{query}")) == [], query
    for query in ("before=x", "before=2026-01-01", "before=9999-12-31T00:00:00,5", "until=9999-12-31"):
        assert len(told(log(client, workflow, f"?{query}"))) == 5, query
    history = reverse("admin:workflows_enrollment_changelist")
    Enrollment.objects.update(enrolled_at=database_now() - DAY)
    for query in ("status__exact=x", "enrolled=x", "step=x", "record=x", "q=nobody"):
        answer = client.get(f"{history}?workflow__id__exact={workflow.pk}&{query}")
        assert answer.status_code == 200 and answer.context["rows"] == [], query


def test_a_day_ends_where_it_does_for_who_looks(ann: User, client: Client) -> None:
    workflow, [bo, _eva] = two_people()
    StepExecution.objects.all().delete()
    wrote(bo, "city", "edit_record", "success", dt.datetime(2026, 3, 1, 3, 30, tzinfo=dt.UTC))
    for zone, days in (("UTC", 0), ("America/New_York", 1), ("Asia/Tokyo", 0)):
        User.objects.filter(pk=ann.pk).update(time_zone=zone)
        assert (len(told(log(client, workflow, "?until=2026-02-28"))) == 1) == (days == 1), zone
        assert len(told(log(client, workflow, "?until=2026-03-01"))) == 1, zone


def test_the_log_of_records_of_a_type_that_is_gone_is_read_all_the_same(ann: User, client: Client) -> None:
    workflow, _people = two_people()
    Workflow.objects.filter(pk=workflow.pk).update(object_type="spaceship")
    assert len(told(log(client, workflow))) == 5
    assert told(log(client, workflow, "?q=bo")) == []
    history = reverse("admin:workflows_enrollment_changelist")
    assert client.get(f"{history}?workflow__id__exact={workflow.pk}&q=bo").context["rows"] == []
