"""Steps that fail become issues; people mark them as fixed, put them off, or ignore them until they happen again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import User
from records.clock import database_now
from records.problems import DocumentError
from tests.workflows.history.test_action_log import two_people, wrote
from workflows.history import issues, retention
from workflows.models import AuditEntry, Enrollment, Issue, StepExecution, Workflow

pytestmark = pytest.mark.django_db
DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)


def failing() -> tuple[Workflow, Enrollment, Issue]:
    """A workflow one step of which has failed once."""
    workflow, [_bo, eva] = two_people()
    issues.gather(database_now())
    return workflow, eva, Issue.objects.get()


def listed(client: Client, query: str = "") -> str:
    return client.get(reverse("admin:enrollment_attention") + query).content.decode()


def decided(client: Client, issue: Issue, verb: str, **form: str) -> str:
    url = reverse("admin:enrollment_issue", args=[issue.pk])
    return client.post(url, {"verb": verb, **form}, follow=True).content.decode()


def test_failures_of_a_step_for_one_reason_are_one_issue_however_often_they_are_gathered() -> None:
    workflow, eva, issue = failing()
    now = database_now()
    assert (issue.workflow, issue.step, issue.reason, issue.state) == (workflow, "city", "not_unique", "open")
    assert issues.gather(now) == 0, "nothing new"
    wrote(eva, "city", "edit_record", "failed", now, reason="not_unique")
    wrote(eva, "city", "edit_record", "failed", now, reason="does_not_fit")
    issues.gather(now)
    assert Issue.objects.count() == 2
    issue.refresh_from_db()
    assert issue.last_at == now and issue.first_at < now
    assert issues.occurrences([issue]) == {issue.pk: 2}


def test_a_line_that_was_committed_late_is_gathered_all_the_same() -> None:
    _workflow, eva, issue = failing()
    wrote(eva, "wait", "delay", "failed", issue.last_at - 5 * SECOND, reason="crashed")
    assert issues.gather(database_now()) == 1


@pytest.mark.covers("HIS-11")
def test_workflows_whose_steps_fail_are_marked_in_red_and_listed_to_be_reviewed(ann: User, client: Client) -> None:
    workflow, _eva, _issue = failing()
    healthy = Workflow.objects.create(name="Healthy", object_type="contact")
    page = client.get(reverse("admin:workflows_workflow_changelist")).content.decode()
    assert f'<a class="chip chip-danger" href="/admin/workflows/enrollment/attention/?workflow={workflow.pk}"' in page
    assert page.count("1 issue") == 1 and healthy.name in page
    page = client.get(reverse("admin:workflows_workflow_changelist") + "?attention=review").content.decode()
    assert workflow.name in page and ">Healthy<" not in page
    assert '<span class="chip chip-danger">1</span>' in page, "the sidebar counts it"
    page = listed(client)
    assert "Another record already has this value" in page and "1. Edit record" in page
    assert "Another record" not in listed(client, f"?workflow={healthy.pk}")


def test_all_issues_are_listed_a_page_at_a_time_with_the_filters_kept(ann: User, client: Client) -> None:
    now = database_now()
    bad, worse = (Workflow.objects.create(name=name, object_type="contact") for name in ("Bad", "Worse"))

    def issue(workflow: Workflow, number: int) -> Issue:
        return Issue(workflow=workflow, step=f"s{number}", first_at=now, last_at=now, example=0)

    Issue.objects.bulk_create(issue(worse, number) for number in range(120))
    Issue.objects.bulk_create(issue(bad, number) for number in range(3))
    Issue.objects.filter(workflow=worse).update(state=Issue.State.FIXED, decided_at=now)
    asked, seen = f"?aside=1&workflow={worse.pk}", []
    with CaptureQueriesContext(connection) as first:
        page = listed(client, asked)
    assert "Page 1 of 3: 1 to 50 of 120" in page
    for number in (1, 2, 3):
        answer = client.get(reverse("admin:enrollment_attention") + f"{asked}&page={number}")
        seen += [row.issue.pk for row in answer.context["issues"].rows]
        follows = f'rel="next" href="{asked.replace("&", "&amp;")}&amp;page={number + 1}"'
        assert (follows in answer.content.decode()) is (number < 3)
    assert sorted(seen) == sorted(worse.issues.values_list("pk", flat=True)), "each on one page"
    assert len(first) <= 20
    assert "Page 3 of 3" in listed(client, asked + "&page=99")
    assert "Page 1 of 3" in listed(client, asked + "&page=x")
    assert "Page 1 of" not in listed(client, f"?workflow={bad.pk}")


@pytest.mark.covers("HIS-12")
def test_the_panel_of_an_issue_describes_it_and_lists_its_occurrences_by_time_and_record(
    ann: User, client: Client
) -> None:
    workflow, eva, issue = failing()
    wrote(eva, "city", "edit_record", "failed", database_now() - 20 * DAY, reason="not_unique")
    wrote(eva, "city", "edit_record", "failed", database_now(), reason="does_not_fit")
    url = reverse("admin:workflow_log", args=[workflow.pk]) + f"?issue={issue.pk}"

    def found(query: str = "") -> list[str]:
        return [row.execution.detail["reason"] for row in client.get(url + query).context["rows"]]

    page = client.get(url).content.decode()
    assert "1. Edit record" in page and "Another record already has this value" in page
    assert reverse("admin:workflow_editor", args=[workflow.pk]) + "?step=city" in page
    assert found() == ["not_unique"] * 2
    assert found("&during=week") == ["not_unique"]
    assert found(f"&record={eva.record_id}") == ["not_unique"] * 2
    assert found("&record=0") == [] and found("&q=bo@") == []


@pytest.mark.covers("HIS-12")
@pytest.mark.parametrize("verb", ["fix", "ignore"])
def test_what_is_fixed_or_ignored_comes_back_when_it_happens_again(ann: User, client: Client, verb: str) -> None:
    _workflow, eva, issue = failing()
    decided(client, issue, verb)
    assert "Another record already has this value" not in listed(client)
    assert "Another record already has this value" in listed(client, "?aside=1")
    issues.gather(database_now())
    assert not issues.open_issues(database_now()).exists()
    wrote(eva, "city", "edit_record", "failed", database_now() + SECOND, reason="not_unique")
    issues.gather(database_now() + 2 * SECOND)
    page = listed(client)
    assert "Another record already has this value" in page and "Happened again" in page
    assert AuditEntry.objects.get().user == ann


@pytest.mark.covers("HIS-12")
def test_what_is_put_off_comes_back_on_its_day_whatever_happens_meanwhile(ann: User, client: Client) -> None:
    _workflow, eva, issue = failing()
    decided(client, issue, "remind", span="week")
    wrote(eva, "city", "edit_record", "failed", database_now(), reason="not_unique")
    now = database_now()
    issues.gather(now)
    assert not issues.open_issues(now + 6 * DAY).exists()
    assert list(issues.open_issues(now + 8 * DAY)) == [issue]
    decided(client, issue, "reopen")
    assert list(issues.open_issues(now)) == [issue]


def test_only_who_may_publish_decides_and_only_what_there_is(ann: User, client: Client) -> None:
    _workflow, _eva, issue = failing()
    assert "none of" in decided(client, issue, "explode")
    assert "none of" in decided(client, issue, "remind", span="never")
    with pytest.raises(DocumentError):
        issues.decide(Issue.objects.all(), "nothing", by=ann, now=database_now())
    guest = User.objects.create(username="guest", is_staff=True)
    guest.user_permissions.add(Permission.objects.get(codename="view_enrollment"))
    client.force_login(guest)
    assert client.post(reverse("admin:enrollment_issue", args=[issue.pk]), {"verb": "fix"}).status_code == 403
    assert 'value="fix"' not in listed(client)
    with pytest.raises(PermissionDenied):
        issues.decide(Issue.objects.all(), "fix", by=guest, now=database_now())
    issue.refresh_from_db()
    assert issue.state == "open"


def test_an_issue_is_forgotten_with_the_log_and_not_found_anew(settings: Any) -> None:
    workflow, [bo, _eva] = two_people()
    StepExecution.objects.filter(outcome="failed").delete()
    old = database_now() - 91 * DAY
    wrote(bo, "city", "edit_record", "failed", old, reason="not_unique")
    Issue.objects.create(
        workflow=workflow, step="city", reason="not_unique", first_at=old, last_at=old, example=1
    )  # fmt: skip
    while retention.prune(database_now()):
        pass
    assert not Issue.objects.exists()
    assert issues.gather(database_now()) == 0


def test_reasons_longer_than_issues_tell_apart_are_counted_and_listed(ann: User, client: Client) -> None:
    """An app's own action may give a reason of any length: of two that begin alike one issue is made."""
    workflow, eva, first = failing()
    now = database_now()
    for end in ("one", "two"):
        wrote(eva, "city", "edit_record", "failed", now, reason="x" * 60 + end)
    issues.gather(now)
    issue = Issue.objects.exclude(pk=first.pk).get()
    assert issues.occurrences([issue, first]) == {issue.pk: 2, first.pk: 1}
    page = client.get(reverse("admin:workflow_log", args=[workflow.pk]) + f"?issue={issue.pk}")
    assert len(page.context["rows"]) == 2


@pytest.mark.usefixtures("trouble_asked_once")
def test_the_list_takes_as_many_statements_for_many_issues_as_for_one(
    ann: User, client: Client, django_assert_num_queries: Any
) -> None:
    _workflow, eva, _issue = failing()
    listed(client)
    with CaptureQueriesContext(connection) as few:
        listed(client)
    for number in range(10):
        wrote(eva, "city", "edit_record", "failed", database_now(), reason=f"code_{number}")
    issues.gather(database_now())
    with django_assert_num_queries(len(few)):
        assert "11" in listed(client)
    told = issues.examples(list(Issue.objects.all()))
    assert {pk: line.detail["reason"] for pk, line in told.items()} == dict(Issue.objects.values_list("pk", "reason"))
