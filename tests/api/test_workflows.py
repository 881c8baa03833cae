"""Workflows over the API: from a new draft to the history of an enrollment."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Deal, User
from records.clock import database_now
from records.lists import keeping
from records.object_types import object_types
from tests.api.conftest import ApiClient, client_of, person
from workflows.engine.taking_steps import run_due
from workflows.models import AuditEntry, Enrollment, Folder, Workflow

BIG = {"all": [{"property": "amount", "operator": "is_greater_than_or_equal_to", "value": 5000}]}
STEPS = [
    {"id": "halve", "action": "edit_record", "params": {"property": "currency", "value": "SEK"}},
    {"id": "wait", "action": "delay", "params": {"days": 1}},
]


def definition(**changes: Any) -> dict[str, Any]:
    return {"format": 1, "object": "deal", "trigger": {"kind": "filter", "criteria": BIG}, "steps": STEPS, **changes}


def make(api: ApiClient, name: str = "Big deals", **changes: Any) -> int:
    reply = api.send("POST", "workflows/", {"name": name, "object": "deal", "definition": definition(**changes)})
    assert reply.status_code == 201, reply.document
    return reply.document["id"]


def publish(api: ApiClient, workflow: int, existing: bool = False) -> dict[str, Any]:
    reply = api.send("POST", f"workflows/{workflow}/publish/", {"enroll_existing": existing})
    assert reply.status_code == 200, reply.document
    return reply.document


def test_a_workflow_is_renamed_and_described_as_it_is_published(api: ApiClient) -> None:
    Deal.objects.create(name="Big", amount=6000)
    workflow = make(api, goal={"all": [{"property": "amount", "operator": "is_between", "from": 5500, "to": 9000}]})
    review = api.send("GET", f"workflows/{workflow}/review/").document
    assert (review["matching"], review["already_enrolled"], review["kept_out"]) == (1, 0, 1)
    body = {"enroll_existing": True, "name": "Big ones", "description": "Halves the rest."}
    assert api.send("POST", f"workflows/{workflow}/publish/", body).document["enrolled"] == 0
    shown = api.send("GET", f"workflows/{workflow}/").document
    assert (shown["name"], shown["description"]) == ("Big ones", "Halves the rest.")
    assert api.send("GET", f"workflows/{workflow}/draft/").document["name"] == "Big ones"


def test_a_workflow_is_made_reviewed_published_and_its_history_read(api: ApiClient) -> None:
    deals = [Deal.objects.create(name=f"Deal {n}", amount=4000 + n * 500) for n in range(5)]
    workflow = make(api)
    review = api.send("GET", f"workflows/{workflow}/review/").document
    assert (review["ready"], review["problems"], review["matching"]) == (True, [], 3)
    assert review["next_times"] == []
    assert sorted(sample["id"] for sample in review["samples"]) == [deal.pk for deal in deals[2:]]
    nobody = {"moved": 0, "sent_on": 0, "removed": 0, "recomputed": 0}
    assert publish(api, workflow, existing=True) == {"revision": 1, "enrolled": 3, **nobody}
    shown = api.send("GET", f"workflows/{workflow}/").document
    assert (shown["status"], shown["live"], shown["draft"]) == ("on", 1, None)
    run_due(database_now() + dt.timedelta(seconds=1))
    page = api.send("GET", f"enrollments/?workflow={workflow}&status=active").document
    assert [one["record"] for one in page["results"]] == [deal.pk for deal in reversed(deals[2:])]
    detail = api.send("GET", f"enrollments/{page['results'][0]['id']}/").document
    assert (detail["step"], detail["cause"]) == ("wait", "existing")
    lines = detail["history"]
    assert [line["kind"] for line in lines][:2] == ["enrolled", "step"]
    assert lines[1]["step"] == "halve"
    assert "SEK" in lines[1]["sentence"] and "<" not in lines[1]["sentence"]


def test_workflows_are_listed_by_name_status_object_and_folder(api: ApiClient) -> None:
    first, second = make(api, "Follow up"), make(api, "Clean up")
    api.send("PATCH", f"workflows/{first}/", {"folder": "Sales", "description": "Calls"})
    publish(api, second)

    def names(query: str) -> list[str]:
        return [one["name"] for one in api.send("GET", f"workflows/?{query}").document["results"]]

    assert names("") == ["Clean up", "Follow up"]
    assert names("name=follow") == names("folder=Sales") == names("status=off") == ["Follow up"]
    assert names("object=deal&page_size=1") == ["Clean up"]
    assert names("object=contact") == []


def test_lists_cost_the_same_queries_however_long_they_are(api: ApiClient) -> None:
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.send("GET", path).status_code == 200
        return len(queries)

    def more(count: int) -> None:
        for n in range(count):
            Deal.objects.create(name=f"Deal {n}", amount=6000)
            publish(api, make(api, f"W {n}"), existing=True)

    more(1)
    api.send("GET", "workflows/")
    few = cost("workflows/"), cost("enrollments/")
    more(6)
    assert (cost("workflows/"), cost("enrollments/")) == few
    assert max(few) <= 8


def test_a_draft_is_replaced_only_by_who_has_seen_it(api: ApiClient, boss: User) -> None:
    workflow = make(api)
    path = f"workflows/{workflow}/draft/"
    read = api.send("GET", path)
    assert read.document["steps"] == STEPS
    changed = {**read.document, "steps": STEPS[:1]}
    missing = api.send("PUT", path, changed)
    assert missing.status_code == 428
    done = api.send("PUT", path, changed, If_Match=read["ETag"])
    assert (done.status_code, done.document["steps"]) == (200, STEPS[:1])
    assert done["ETag"] != read["ETag"]
    stale = api.send("PUT", path, read.document, If_Match=read["ETag"])
    assert stale.status_code == 409
    assert stale.document["conflict"]["by"] == "boss"
    assert stale.document["conflict"]["rev"] == int(done["ETag"].strip('"'))
    assert "boss" in stale.document["detail"]
    assert api.send("GET", path).document["steps"] == STEPS[:1]


def test_the_review_of_a_schedule_has_its_next_times(api: ApiClient) -> None:
    schedule = {"every": "day", "at": "09:00", "timezone": "UTC"}
    workflow = make(api, trigger={"kind": "schedule", "schedule": schedule, "criteria": BIG})
    times = api.send("GET", f"workflows/{workflow}/review/").document["next_times"]
    found = [dt.datetime.fromisoformat(moment) for moment in times]
    assert len(found) == 5 and found == sorted(found) and found[0] > database_now()
    assert {(moment.hour, moment.minute) for moment in found} == {(9, 0)}


def test_a_publisher_with_an_old_review_is_told(api: ApiClient) -> None:
    workflow = make(api)
    read = api.send("GET", f"workflows/{workflow}/draft/")
    api.send("PUT", f"workflows/{workflow}/draft/", {**read.document, "steps": STEPS[:1]}, If_Match=read["ETag"])
    stale = api.send("POST", f"workflows/{workflow}/publish/", {"enroll_existing": False}, If_Match=read["ETag"])
    assert stale.status_code == 409
    assert Workflow.objects.get().live is None


@pytest.mark.covers("MAN-01", "MAN-05")
def test_records_are_enrolled_and_taken_out_by_hand(api: ApiClient, boss: User) -> None:
    workflow = make(api, trigger={"kind": "manual"})
    publish(api, workflow)
    deal = Deal.objects.create(name="Small", amount=1)
    reply = api.send("POST", f"workflows/{workflow}/enroll/", {"records": [deal.pk, 999_999]})
    assert reply.document["enrolled"] == [deal.pk]
    assert [(one["record"], one["code"]) for one in reply.document["refused"]] == [(999_999, "record_deleted")]
    assert Enrollment.objects.get(record_id=deal.pk).cause["actor"] == boss.pk
    again = api.send("POST", f"workflows/{workflow}/enroll/", {"records": [deal.pk]}).document
    assert again["enrolled"] == [] and "already enrolled" in again["refused"][0]["message"]
    out = api.send("POST", f"workflows/{workflow}/unenroll/", {"records": [deal.pk]})
    assert out.document == {"unenrolled": 1}
    ended = api.send("GET", f"enrollments/?record={deal.pk}&object=deal&status=unenrolled").document["results"]
    assert ended[0]["ended_because"]


def test_why_a_record_is_not_enrolled_is_explained_filter_by_filter(api: ApiClient) -> None:
    workflow = make(api)
    publish(api, workflow)
    deal = Deal.objects.create(name="Small", amount=1)
    told = api.send("GET", f"workflows/{workflow}/explain/?record={deal.pk}").document
    assert told["verdict"] == "criteria_not_met"
    assert [(leaf["path"], leaf["met_now"]) for leaf in told["leaves"]] == [("all.0", False)]
    assert api.send("GET", f"workflows/{workflow}/explain/?record=999999").status_code == 404
    assert api.send("GET", f"workflows/{workflow}/explain/").status_code == 400


def test_a_workflow_is_turned_off_and_on(api: ApiClient) -> None:
    workflow = make(api)
    early = api.send("POST", f"workflows/{workflow}/turn-on/")
    assert early.status_code == 400 and "Publish it first" in early.document["detail"]
    publish(api, workflow)
    assert api.send("POST", f"workflows/{workflow}/turn-off/").document["status"] == "off"
    assert api.send("POST", f"workflows/{workflow}/turn-on/").document["status"] == "on"


def test_a_deleted_workflow_is_gone_and_nobody_is_left_inside(api: ApiClient) -> None:
    Deal.objects.create(name="Big", amount=6000)
    workflow = make(api)
    publish(api, workflow, existing=True)
    assert api.send("DELETE", f"workflows/{workflow}/").status_code == 204
    for path in (f"workflows/{workflow}/", f"workflows/{workflow}/draft/"):
        assert api.send("GET", path).status_code == 404
    assert api.send("GET", "workflows/").document["results"] == []
    left = Enrollment.objects.get()
    assert (left.status, left.ended_reason) == ("unenrolled", "workflow_deleted")
    shown = api.send("GET", f"enrollments/{left.pk}/").document
    assert shown["ended_because"] == "The workflow was deleted."
    assert AuditEntry.objects.filter(action="deleted").exists()
    assert Workflow.objects.get().status == "off"


def test_a_new_name_is_the_drafts_name_too(api: ApiClient) -> None:
    workflow = make(api, "Old")
    changed = api.send("PATCH", f"workflows/{workflow}/", {"name": "New", "folder": "Sales"}).document
    assert (changed["name"], changed["folder"]) == ("New", "Sales")
    assert api.send("GET", f"workflows/{workflow}/draft/").document["name"] == "New"
    publish(api, workflow)
    assert api.send("GET", f"workflows/{workflow}/").document["name"] == "New"
    # Nothing has changed since: there is no draft, and one would begin under the name of now.
    assert api.send("PATCH", f"workflows/{workflow}/", {"name": "Newest"}).document["draft"] is None
    read = api.send("GET", f"workflows/{workflow}/draft/")
    assert (read.document["name"], read["Draft-Exists"]) == ("Newest", "false")
    changed = {**read.document, "steps": STEPS[:1]}
    assert api.send("PUT", f"workflows/{workflow}/draft/", changed, If_Match=read["ETag"])["Draft-Exists"] == "true"
    read = api.send("GET", f"workflows/{workflow}/draft/")
    assert (read.document["name"], read["Draft-Exists"]) == ("Newest", "true")
    assert api.send("PATCH", f"workflows/{workflow}/", {"folder": None}).document["folder"] is None
    assert Folder.objects.count() == 1


@pytest.mark.covers("CRE-22")
def test_a_whole_definition_is_made_read_updated_by_its_revision_and_deleted(api: ApiClient, boss: User) -> None:
    """Schedule and criteria, a graph of steps, data sources, time windows, blocked dates, suppression."""
    holidays = keeping.create(object_types["deal"], "Frozen", now=database_now())
    branches = [
        {"name": "Big", "criteria": BIG, "steps": [{"id": "mark", "action": "end"}]},
        {"name": "Others", "steps": [{"id": "jump", "action": "go_to", "params": {"step": "mark"}}]},
    ]
    whole = definition(
        steps=[*STEPS, {"id": "split", "action": "branch", "branches": branches}],
        sources=[{"id": "firm", "name": "Firm", "object": "company", "condition": "association", "label": "buyer"}],
        settings={
            "timezone": "Europe/Stockholm", "windows": [{"days": ["mon"], "from": "08:00", "to": "17:00"}],
            "pause_dates": ["2026-12-24"],
        },
        suppress=[holidays.slug],
    )  # fmt: skip
    made = api.send("POST", "workflows/", {"name": "Whole", "object": "deal", "definition": whole})
    path = f"workflows/{made.document['id']}/"
    read = api.send("GET", f"{path}draft/")
    for part in ("trigger", "steps", "sources", "settings", "suppress"):
        assert read.document[part] == whole[part], part
    review = api.send("GET", f"{path}review/").document
    assert review["ready"], review["problems"]
    timed = {"kind": "schedule", "schedule": {"every": "day", "at": "09:00", "timezone": "UTC"}, "criteria": BIG}
    settings = {"timezone": "Europe/Stockholm", "pause_dates": ["2026-12-25"]}
    changed = {**read.document, "trigger": timed, "suppress": [], "settings": settings}
    assert api.send("PUT", f"{path}draft/", changed).status_code == 428, "an update names the revision it is about"
    done = api.send("PUT", f"{path}draft/", changed, If_Match=read["ETag"])
    assert [done.document[part] for part in ("trigger", "suppress", "settings")] == [timed, [], settings]
    assert api.send("GET", f"{path}review/").document["ready"]
    assert api.send("PUT", f"{path}draft/", read.document, If_Match=read["ETag"]).status_code == 409
    assert api.send("DELETE", path).status_code == 204
    assert api.send("GET", path).status_code == 404 == api.send("GET", f"{path}draft/").status_code


def test_enrollments_of_records_one_may_not_see_are_not_shown(api: ApiClient) -> None:
    Deal.objects.create(name="Big", amount=6000)
    publish(api, make(api), existing=True)
    enrollment = Enrollment.objects.get()
    blind = client_of(person("blind", "workflows.view_enrollment", "workflows.view_workflow"))
    assert blind.send("GET", "enrollments/").document["results"] == []
    assert blind.send("GET", f"enrollments/{enrollment.pk}/").status_code == 404
    review = blind.send("GET", f"workflows/{enrollment.workflow_id}/review/").document
    assert review["samples"] == []
    assert blind.send("GET", f"workflows/{enrollment.workflow_id}/explain/?record=1").status_code == 403


def test_the_catalog_tells_what_definitions_are_made_of(api: ApiClient) -> None:
    catalog = api.send("GET", "catalog/").document
    actions = {action["slug"]: action for action in catalog["actions"]}
    assert {"edit_record", "delay", "branch", "end"} <= actions.keys()
    assert actions["delay"]["params"]["properties"]["days"]["type"] == "integer"
    assert actions["branch"]["has_branches"] and not actions["delay"]["has_branches"]
    assert {trigger["slug"] for trigger in catalog["triggers"]} >= {"filter", "manual"}
    assert {kind["key"] for kind in catalog["filters"]} >= {"property", "association", "event", "list", "workflow"}
    events = {event["slug"]: event for event in catalog["events"]}
    assert events["record_created"]["object_types"] is None and events["record_created"]["triggers"]
    assert events["page_viewed"]["object_types"] == ["contact"]
    assert "url" in [prop["slug"] for prop in events["page_viewed"]["properties"]]
    operators = {(one["slug"], kind) for one in catalog["operators"] for kind in one["types"]}
    assert ("is_any_of", "select") in operators and ("is_greater_than", "number") in operators


@pytest.mark.parametrize("in_flight", ["follow", "pin"])
def test_publishing_again_says_what_becomes_of_those_inside(api: ApiClient, in_flight: str) -> None:
    Deal.objects.create(name="Big", amount=6000)
    workflow = make(api)
    publish(api, workflow, existing=True)
    read = api.send("GET", f"workflows/{workflow}/draft/")
    document = {**read.document, "steps": [*STEPS, {"id": "stop", "action": "end"}]}
    assert api.send("PUT", f"workflows/{workflow}/draft/", document, If_Match=read["ETag"]).status_code == 200
    review = api.send("GET", f"workflows/{workflow}/review/").document
    assert [place["count"] for place in review["inside"]] == [1]
    body = {"enroll_existing": False, "in_flight": in_flight}
    done = api.send("POST", f"workflows/{workflow}/publish/", body).document
    assert (done["revision"], done["moved"]) == (2, 1 if in_flight == "follow" else 0)


@pytest.mark.covers("TRG-12")
def test_the_catalog_leaves_out_what_its_reader_may_not_use(db: None) -> None:
    reader = client_of(person("reader", "workflows.view_workflow"), "workflows:read")
    catalog = reader.send("GET", "catalog/").document
    found = {event["slug"] for event in catalog["events"]}
    assert "page_viewed" in found and "form_submitted" not in found
    assert "list" not in {kind["key"] for kind in catalog["filters"]}
