"""The health page: who runs, what is behind, what is stuck."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.urls import reverse
from rq import Queue
from rq.serializers import JSONSerializer

from crm.models import Contact, User
from records.clock import database_now
from tests.slow_statements import ends_as_after
from tests.workflows.building import enroll, make_workflow, step
from workflows import doorbell
from workflows.health import alerting
from workflows.health.overall import overall
from workflows.health.reporting import PER_PAGE, Health
from workflows.models import Alert, Allowance, Delivery, Tally, Workflow
from workflows.processes.worker import EngineWorker

pytestmark = pytest.mark.django_db
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
URL = "/admin/workflows/alert/"


@pytest.fixture
def page(admin_client):
    cache.clear()
    yield lambda query="": admin_client.get(URL + query).content.decode()
    cache.clear()


@pytest.fixture
def now() -> dt.datetime:
    return database_now()


def late_workflow(now, name="Late one", minutes=90):
    contact = Contact.objects.create(email=f"{name}@example.com")
    workflow = make_workflow([step("wait", "delay", days=1), step("end", "end")])
    Workflow.objects.filter(pk=workflow.pk).update(name=name)
    enroll(workflow, [contact.pk], now=now - minutes * MINUTE)
    return workflow


def test_it_is_for_those_who_may_see_workflows(client):
    ann = User.objects.create(username="ann", is_staff=True)
    client.force_login(ann)
    assert client.get(URL).status_code == 403
    assert client.get(URL + "now/").status_code == 403
    assert "Engine health" not in client.get("/admin/").content.decode()
    ann.user_permissions.add(Permission.objects.get(codename="view_workflow"))
    assert client.get(URL).status_code == 200
    assert client.get(URL + "now/").status_code == 200
    assert "Engine health" in client.get("/admin/").content.decode()


def test_an_empty_installation_is_well(page):
    text = page()
    assert "No workflow is on" in text
    assert "Every change was looked at." in text
    assert "Nothing was ever stuck" in text
    assert "PostgreSQL" in text


@pytest.mark.covers("CPL-13")
def test_it_tells_how_far_each_workflow_is_behind_and_what_it_did(page, now):
    workflow = late_workflow(now)
    Tally.objects.create(workflow=workflow, minute=now - 2 * MINUTE, outcome="success", steps=1_200)
    Tally.objects.create(workflow=workflow, minute=now - 30 * MINUTE, outcome="failed", steps=34)
    Tally.objects.create(workflow=workflow, minute=now - 2 * HOUR, outcome="success", steps=9_999)
    [row] = Health(now).workflows
    assert (row.measured.due, row.lately, row.hour, row.late) == (1, 1_200, 1_234, True)
    text = page()
    assert "1,200" in text
    assert "1,234" in text
    assert "1\xa0hour, 30\xa0minutes" in text
    assert "Some workflows are behind" in text
    Allowance.objects.create(scope=f"workflow:{workflow.pk}", full_until=now + HOUR)
    assert "Throttled until" in page()
    Workflow.objects.update(status="paused")
    Allowance.objects.all().delete()
    assert "Some workflows are behind" not in page()


@pytest.mark.covers("HIS-16")
def test_it_sums_up_all_workflows_by_state_and_by_what_fails(page, now):
    for name, status in (("One", "on"), ("Two", "on"), ("Three", "paused"), ("Four", "off")):
        late = late_workflow(now, name=name)
        Workflow.objects.filter(pk=late.pk).update(status=status)
    Workflow.objects.create(name="Five", object_type="contact")
    one = Workflow.objects.get(name="One")
    for outcome, steps in (("success", 30), ("failed", 10)):
        Tally.objects.create(workflow=one, minute=now - HOUR, outcome=outcome, steps=steps)
    Tally.objects.create(workflow=one, minute=now - 30 * HOUR, outcome="failed", steps=500)
    one.enrollments.update(status="failed")
    found = overall(now)
    assert (found.on, found.paused, found.off, found.drafts) == (2, 1, 1, 1)
    assert (found.failing, found.stopped, found.steps, found.failed_steps, found.succeeded) == (1, 1, 40, 10, 75.0)
    assert "75.0 %" in page() and "10 of 40 failed" in page()


def test_the_latest_workflows_come_first_and_the_others_on_further_pages(page, now):
    for number in range(PER_PAGE + 3):
        late_workflow(now, f"Flow {number:02}", minutes=number)
    first, second = page(), page("?page=2")
    assert f"Flow {PER_PAGE + 2:02}" in first
    assert "Flow 00" not in first
    assert "Flow 00" in second
    assert 'href="/admin/workflows/alert/?page=2"' in first
    assert 'href="/admin/workflows/alert/?page=1"' in second
    assert "?page=3" not in second


def test_the_number_of_queries_does_not_grow(admin_client, now, django_assert_max_num_queries):
    for number in range(PER_PAGE):
        late_workflow(now, f"Flow {number}")
    with django_assert_max_num_queries(35):
        admin_client.get(URL + "now/")


def test_clocks_and_workers_are_listed_with_what_they_do(page, now):
    alerting.beat("here:4711", now - HOUR, now)
    alerting.beat("there:12", now - HOUR, now - HOUR)
    client = doorbell.client()
    client.flushdb()
    worker = EngineWorker([Queue("high", connection=client, serializer=JSONSerializer)], connection=client)
    worker.register_birth()
    try:
        health = Health(now)
        assert health.clock_runs
        assert [(clock.name, clock.level) for clock in health.clocks] == [("here:4711", "ok"), ("there:12", "muted")]
        [listed] = health.workers
        assert (listed.name, listed.does) == (f"{worker.hostname}:{worker.pid}", "fresh changes")
        text = page()
        assert "here:4711" in text
        assert f"{worker.hostname}:{worker.pid}" in text
    finally:
        worker.register_death()
        client.flushdb()


def test_without_redis_it_says_so(page, settings, now):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    doorbell.client.cache_clear()
    try:
        assert "Redis does not answer" in page()
    finally:
        doorbell.client.cache_clear()


def test_what_is_stuck_is_shown_and_announced_on_every_page(page, admin_client, now):
    workflow = late_workflow(now)
    alerting.beat("here:1", now, now)
    for minute in (0, 1):
        alerting.watch(now + minute * MINUTE)
    Alert.objects.update(last_at=now)
    text = page()
    assert "1 record has been due for more than ten minutes and nobody takes it." in text
    assert reverse("admin:workflow_editor", args=[workflow.pk]) in text
    assert "1 thing is stuck" in admin_client.get("/admin/").content.decode()
    cache.clear()
    Alert.objects.update(last_at=now - HOUR)
    assert "thing is stuck" not in admin_client.get("/admin/").content.decode()


def test_that_no_clock_runs_is_announced_on_every_page(page, admin_client, now):
    late_workflow(now)
    assert "No clock is running" in admin_client.get("/admin/").content.decode()
    cache.clear()
    alerting.beat("here:1", now, now)
    assert "No clock is running" not in admin_client.get("/admin/").content.decode()


def test_deliveries_are_counted_by_state(page, now):
    for number, state in enumerate(["pending", "dead", "dead", "done"]):
        Delivery.objects.create(key=str(number), kind="mail", request={}, state=state, created_at=now)
    assert "Deliveries: 1 waiting, 0 being sent, 2 given up, 0 uncertain." in page()


def test_what_the_database_does_not_count_in_time_is_left_out(page, now, monkeypatch):
    from workflows.health import measuring

    late_workflow(now)
    monkeypatch.setattr(measuring, "WHOLE", f"SELECT {ends_as_after(77)} -- {{which}} {{order}}")
    monkeypatch.setattr(measuring, "STATEMENT_TIMEOUT", "77s")
    assert "There is so much that the database did not count it in time." in page()
