"""Switching and publishing over the API: pausing, finishing, and what becomes of the records inside."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Deal
from records.clock import database_now
from tests.api.conftest import ApiClient
from tests.api.test_workflows import definition, make, publish
from workflows.engine.taking_steps import run_due
from workflows.models import AuditEntry, Enrollment


def wait(step: str, days: int = 1) -> dict[str, Any]:
    return {"id": step, "action": "delay", "params": {"days": days}}


@pytest.fixture
def workflow(api: ApiClient) -> int:
    """On, with two deals waiting in its delay."""
    Deal.objects.bulk_create(Deal(name=f"Deal {n}", amount=9_000) for n in range(2))
    made = make(api, steps=[wait("one"), wait("two")])
    publish(api, made, existing=True)
    run_due(database_now())
    return made


def switch(api: ApiClient, workflow: int, how: str, body: Any = None) -> Any:
    reply = api.send("POST", f"workflows/{workflow}/{how}/", body)
    assert reply.status_code == 200, reply.document
    return reply.document["status"]


def redraft(api: ApiClient, workflow: int, *steps: dict[str, Any]) -> None:
    etag = api.send("GET", f"workflows/{workflow}/draft/").headers["ETag"]
    reply = api.send("PUT", f"workflows/{workflow}/draft/", definition(steps=list(steps)), If_Match=etag)
    assert reply.status_code == 200, reply.document


@pytest.mark.covers("LIF-01", "LIF-04")
def test_a_workflow_is_paused_resumed_finished_and_turned_off_and_repeating_it_changes_nothing(api, workflow):
    for how, status in (("pause", "paused"), ("resume", "on"), ("turn-off", "off"), ("turn-on", "on")):
        assert [switch(api, workflow, how) for _time in range(2)] == [status, status]
    assert switch(api, workflow, "turn-off", {"drain": True}) == "draining"
    assert switch(api, workflow, "turn-off", {"drain": False}) == "off"
    entries = AuditEntry.objects.filter(workflow=workflow).exclude(action="created").order_by("id")
    noted = entries.values_list("action", flat=True)
    assert list(noted) == ["published", "paused", "resumed", "turned_off", "turned_on", "draining", "turned_off"]


def test_what_cannot_be_done_says_why(api, workflow):
    switch(api, workflow, "turn-off")
    reply = api.send("POST", f"workflows/{workflow}/pause/")
    assert reply.status_code == 400
    assert "Turn it on first" in reply.document["errors"][0]["message"]
    reply = api.send("POST", f"workflows/{workflow}/turn-off/", {"drain": "yes"})
    assert (reply.status_code, reply.document["errors"][0]["path"]) == (400, "drain")
    reply = api.send("POST", f"workflows/{make(api, name='New')}/pause/")
    assert (reply.status_code, "never published" in reply.document["errors"][0]["message"]) == (400, True)


@pytest.mark.covers("DLY-16")
def test_the_review_lists_orphans_and_changed_delays_and_publishing_takes_what_becomes_of_them(api, workflow):
    Enrollment.objects.filter(pk=Enrollment.objects.order_by("pk").first().pk).update(step="two", waiting_in="two")
    redraft(api, workflow, wait("one", 5), wait("three"))
    review = api.send("GET", f"workflows/{workflow}/review/").document
    assert [(one["step"], one["count"]) for one in review["orphans"]] == [("two", 1)]
    assert [(one["step"], one["count"]) for one in review["delays"]] == [("one", 1)]
    assert review["in_flight"] == "follow"

    place = f"workflows/{workflow}/publish/"
    for body, path in (
        ({"orphans": {"two": "nowhere"}}, "orphans.two"),
        ({"orphans": {"one": ""}}, "orphans.one"),
        ({"orphans": {"two": 3}}, "orphans.two"),
        ({"delays": "maybe"}, "delays"),
        ({"in_flight": "wait"}, "in_flight"),
    ):
        reply = api.send("POST", place, {"enroll_existing": False, **body})
        assert (reply.status_code, [one["path"] for one in reply.document["errors"]]) == (400, [path])
    body = {"enroll_existing": False, "orphans": {"two": "three"}, "delays": "recompute"}
    found = api.send("POST", place, body).document
    assert found == {"revision": 2, "enrolled": 0, "moved": 2, "sent_on": 1, "removed": 0, "recomputed": 1}
    page = api.send("GET", f"enrollments/?workflow={workflow}&step=three").document
    assert [one["step"] for one in page["results"]] == ["three"]
