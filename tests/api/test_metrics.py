"""/metrics: what Prometheus reads, for whom, and at what cost."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from crm.models import Contact, User
from records.clock import database_now
from records.happening import happen
from records.models import PendingEvent
from tests.slow_statements import ends_as_after
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine import tallying
from workflows.engine.taking_steps import run_due
from workflows.health import alerting, timing
from workflows.intake.dispatching import dispatch
from workflows.models import Delivery, Enrollment, Workflow

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def token(settings) -> str:
    settings.METRICS_TOKEN = "let me in"
    return "Bearer let me in"


def scrape(token: str) -> dict[tuple[str, ...], float]:
    """Every number by its name and its labels' values, in the order of the labels' names; without those of names."""
    answer = Client().get("/metrics", headers={"Authorization": token})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    return {
        (sample.name, *(value for key, value in sorted(sample.labels.items()) if key != "name")): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_without_a_token_set_they_are_nowhere_but_for_super_admins(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    client.force_login(User.objects.create(username="ann", is_staff=True))
    assert client.get("/metrics").status_code == 404
    client.force_login(User.objects.create(username="boss", is_staff=True, is_superuser=True))
    assert client.get("/metrics").status_code == 200
    assert client.post("/metrics").status_code == 405


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer let me", "let me in", "Basic let me in", "Bearer ünïcode"])
def test_a_wrong_token_is_refused(client, token, sent):
    answer = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.content == b""


def test_an_empty_installation_has_numbers_too(token):
    found = scrape(token)
    assert found[("headrace_clock_silence_seconds",)] == float("inf")
    assert found[("headrace_changes_pending",)] == 0
    assert found[("headrace_redis_up",)] == 1
    assert found[("headrace_workflows", "on")] == 0
    assert {value for key, value in found.items() if key[0] == "headrace_scrape_failed"} == {0}


def test_the_numbers_are_those_of_the_database(token):
    now = database_now()
    steps = [step("set", "edit_record", property="city", value="Malmö"), step("wait", "delay", days=1)]
    workflow = make_workflow(steps)
    ids = [Contact.objects.create(email=f"c{i}@example.com").pk for i in range(5)]
    enroll(workflow, ids[:2], now=now)
    run_due(now)
    enroll(workflow, ids[2:4], now=now - HOUR)
    [stopped] = enroll(workflow, ids[4:], now=now)
    Enrollment.objects.filter(pk=stopped.pk).update(status="failed", due_at=None)
    Delivery.objects.create(key="x", kind="mail", request={}, state="dead", created_at=now)
    alerting.beat("here:1", now, now - HOUR)
    happen("page_viewed", "contact", ids[:2], properties={"url": "a.test"}, now=now)
    PendingEvent.objects.update(at=now - HOUR)
    tallying.flush()
    found, of = scrape(token), str(workflow.pk)
    assert found[("headrace_enrollments", "active", of)] == 4
    assert found[("headrace_enrollments", "waiting", of)] == 2
    assert found[("headrace_enrollments", "failed", of)] == 1
    assert found[("headrace_steps_due", of)] == 2
    assert 3_600 <= found[("headrace_steps_lag_seconds", of)] < 3_700
    assert found[("headrace_steps_total", "success", of)] == 2
    assert found[("headrace_steps_total", "waiting", of)] == 2
    assert found[("headrace_deliveries", "dead")] == 1
    assert found[("headrace_changes_pending",)] >= 5
    assert found[("headrace_events_pending",)] == 2
    assert 3_600 <= found[("headrace_events_oldest_seconds",)] < 3_700
    assert 3_600 <= found[("headrace_clock_silence_seconds",)] < 3_700
    assert found[("headrace_workflows", "on")] == 1
    Workflow.objects.update(status="paused")
    assert scrape(token)[("headrace_steps_lag_seconds", of)] == 0


def test_a_workflow_that_wants_no_metrics_has_none(token):
    workflow = make_workflow([step("end", "end")])
    live = workflow.live
    document = {**live.definition, "settings": {"metrics": False}}
    copy = type(live).objects.create(workflow=workflow, number=2, definition=document, published_at=database_now())
    Workflow.objects.update(live=copy)
    assert not any(key[0] == "headrace_enrollments" for key in scrape(token))


def test_a_part_that_takes_too_long_is_left_out_and_said_to_be(token, monkeypatch):
    from workflows.health import measuring

    make_workflow([step("end", "end")])
    monkeypatch.setattr(measuring, "CHANGES", f"SELECT 1, NULL FROM {ends_as_after(77)} AS ended")
    monkeypatch.setattr(measuring, "STATEMENT_TIMEOUT", "77s")
    found = scrape(token)
    assert found[("headrace_scrape_failed", "changes")] == 1
    assert found[("headrace_scrape_failed", "enrollments")] == 0
    assert ("headrace_changes_pending",) not in found
    assert found[("headrace_workflows", "on")] == 1


def test_the_number_of_queries_does_not_grow_with_the_workflows(token, django_assert_max_num_queries):
    for _number in range(30):
        make_workflow([step("end", "end")])
    with django_assert_max_num_queries(40):
        scrape(token)


def test_how_long_batches_and_dispatching_took_is_a_histogram(token):
    # What other tests of this process have left is not of this one.
    timing.counts.clear()
    timing.sums.clear()
    enroll(make_workflow([step("wait", "delay", days=1)]), [Contact.objects.create().pk], now=database_now())
    dispatch(database_now())
    run_due(database_now())
    tallying.flush()
    timing.took(timing.BATCH, 99.0)
    timing.took(timing.BATCH, 0.3)
    timing.flush()
    found = scrape(token)
    assert found["headrace_batch_seconds_count",] == found["headrace_batch_seconds_bucket", "+Inf"] == 3
    assert found["headrace_batch_seconds_bucket", "60.0"] == 2
    assert found["headrace_batch_seconds_bucket", "0.5"] - found["headrace_batch_seconds_bucket", "0.25"] >= 1
    assert found["headrace_batch_seconds_sum",] > 99.3
    assert found["headrace_dispatch_seconds_count",] == 1
    assert found["headrace_claim_seconds_count",] == 1
