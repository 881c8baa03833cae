"""Many workflows kept in order: filters, columns, views, folders, the menu of a row (ORG-01 to ORG-06)."""

from __future__ import annotations

import datetime as dt
import json
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import User
from records.clock import database_now
from records.models import Access
from records.problems import DocumentError
from tests.api.conftest import person
from tests.workflows.building import enroll
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import RAISE, RENAME, made, member, published
from workflows import drafting
from workflows.lifecycle import cataloguing, publishing, viewing
from workflows.models import AuditEntry, Enrollment, Folder, SavedView, Workflow

pytestmark = pytest.mark.django_db
LIST = "/admin/workflows/workflow/"


def called(name: str, workflow: Workflow, **facts: Any) -> Workflow:
    Workflow.objects.filter(pk=workflow.pk).update(name=name, **facts)
    workflow.refresh_from_db()
    return workflow


def shown(client: Client, query: str = "") -> list[str]:
    """The names in the list, in its order."""
    result = client.get(LIST + query).context["cl"].result_list
    return [workflow.name for workflow in result]


@pytest.mark.covers("ORG-03", "ORG-01")
def test_the_list_is_searched_and_filtered_by_all_that_tells_workflows_apart(admin_client: Client):
    sales = Folder.objects.create(name="Sales")
    ann = person("ann", is_staff=True)
    called("Raise", published(RAISE), folder=sales)
    called("Rename", made(RENAME), created_by=ann)
    called("Off", published(RENAME), status="off")
    document = {"format": 1, "trigger": {"kind": "manual"}, "steps": [], "settings": {"metrics": True}}
    counted = called("Counted", drafting.create("Counted", "contact", boss(), document))
    counted.revisions.update(published_at=database_now())
    called("Counted", counted, live=counted.revisions.get(), status="on")
    for query, names in {
        "?q=ena": {"Rename"}, "?status=on": {"Raise", "Counted"}, "?status=off": {"Off"}, "?status=never": {"Rename"},
        "?object_type=contact": {"Counted"}, f"?folder={sales.pk}": {"Raise"},
        "?folder=none": {"Rename", "Off", "Counted"}, f"?author={ann.pk}": {"Rename"},
        "?attention=metrics": {"Counted"},
        "?step=change_number": {"Raise"}, "?uses=property:deal.name": {"Rename", "Off"},
        "?uses=property:deal.name&status=off": {"Off"}, "?uses=nothing:x": set(), "?folder=x": set(),
    }.items():  # fmt: skip
        assert set(shown(admin_client, query)) == names, query


@pytest.mark.covers("ORG-04", "ORG-05")
def test_the_columns_are_sorted_and_the_menu_of_a_row_does_everything(admin_client: Client):
    first, second = called("First", published(RAISE)), called("Second", published(RENAME))
    enroll(second, [1, 2, 3])
    Enrollment.objects.filter(record_id=1).update(status="completed")
    page = unescape(admin_client.get(LIST).content.decode())
    for heading in ("Name", "Object", "Status", "Enrolled", "Active now", "Last changed"):
        assert heading in page
    columns = ("title", "kind", "status_chip", "enrolled", "active", "updated_at")
    display = list(admin_client.get(LIST).context["cl"].list_display)
    for column in columns:
        assert len(shown(admin_client, f"?o={display.index(column)}")) == 2
    assert shown(admin_client, f"?o=-{display.index('enrolled')}") == ["Second", "First"]
    assert shown(admin_client, f"?o={display.index('title')}") == ["First", "Second"]
    menu = page.partition("More for First")[2].partition("More for Second")[0] or page.partition("More for First")[2]
    for entry in ("Edit", "View details", "Make a copy", "Move to folder…", "Export", "Turn off…", "Delete…"):
        assert f">{entry}<" in menu, entry
    answer = admin_client.get(reverse("admin:workflow_export", args=[first.pk]))
    assert json.loads(answer.content)["steps"] == [RAISE] and 'filename="first.json"' in answer["Content-Disposition"]


@pytest.mark.covers("ORG-02", "ORG-01")
def test_many_are_moved_into_a_folder_after_a_page_that_counts_and_the_log_tells_of_it(admin_client: Client):
    one, other = called("One", made(RAISE)), called("Other", made(RENAME))
    changed = Workflow.objects.get(pk=one.pk).updated_at
    asked = admin_client.post(LIST, {"action": "move_selected", "_selected_action": [one.pk, other.pk]})
    page = unescape(admin_client.get(asked.url).content.decode())
    assert "2 workflows will be moved:" in page
    admin_client.post(asked.url, {"folder": "", "new": "Sales"})
    assert set(Workflow.objects.filter(folder__name="Sales").values_list("name", flat=True)) == {"One", "Other"}
    changes = [{"at": "folder", "before": None, "after": "Sales"}]
    assert AuditEntry.objects.filter(action="changed", detail__folder="Sales", detail__changes=changes).count() == 2
    assert Workflow.objects.get(pk=one.pk).updated_at == changed
    admin_client.post(f"{LIST}move/?id={one.pk}", {"folder": "", "new": ""})
    assert Workflow.objects.get(pk=one.pk).folder is None
    ann = member("ann", Access.VIEW)
    client = Client()
    client.force_login(ann)
    ids = f"{LIST}move/?id={one.pk}&id={other.pk}"
    assert "1 workflow stays where it is:" in unescape(client.get(ids).content.decode())
    client.post(ids, {"new": "Mine"})
    assert list(Workflow.objects.filter(folder__name="Mine").values_list("name", flat=True)) == ["Other"]
    assert client.get(f"{LIST}move/?id=999999").status_code == 404


@pytest.mark.covers("ORG-06")
def test_what_needs_review_and_what_nobody_uses_have_views_of_their_own(admin_client: Client):
    now = database_now()
    long_ago = now - dt.timedelta(days=91)
    stopped, idle, used = (called(name, published(RENAME)) for name in ("Stopped", "Idle", "Used"))
    Workflow.objects.update(updated_at=long_ago)
    enroll(stopped, [1], now)
    Enrollment.objects.filter(workflow=stopped).update(status="failed", step="rename")
    enroll(idle, [1], long_ago)
    enroll(used, [1, 2], now)
    called("New", made(RENAME), updated_at=now)
    assert shown(admin_client, "?attention=review") == ["Stopped"]
    assert shown(admin_client, "?attention=unused") == ["Idle"]
    page = admin_client.get(LIST).content.decode()
    assert "?attention=review" in page and "?attention=unused" in page


def test_views_are_saved_shared_and_deleted_by_their_owner_only(admin_client: Client):
    made(RAISE)
    ann = person("ann", "workflows.view_workflow", is_staff=True)
    admin_client.post(f"{LIST}views/", {"name": "Off ones", "query": "status=off&p=3&csrf=x", "shared": "on"})
    admin_client.post(f"{LIST}views/", {"name": "Mine alone", "query": "q=x"})
    view = SavedView.objects.get(name="Off ones")
    assert view.query == "status=off" and view.shared
    page = unescape(admin_client.get(f"{LIST}?status=off").content.decode())
    assert '<a href="?status=off" aria-current="page">Off ones' in page and "Save this view" not in page
    client = Client()
    client.force_login(ann)
    hers = unescape(client.get(LIST).content.decode())
    assert "Off ones" in hers and "Mine alone" not in hers and f"views/{view.pk}/delete" not in hers
    assert client.post(f"{LIST}views/{view.pk}/delete/").status_code == 404
    for name, query in (("", "q=x"), ("x" * 61, "q=x"), ("Nothing", "p=2")):
        client.post(f"{LIST}views/", {"name": name, "query": query})
    assert not SavedView.objects.filter(user=ann).exists()
    assert client.post(f"{LIST}views/", {"name": "A", "query": "o=1"}).status_code == 302
    admin_client.post(f"{LIST}views/{view.pk}/delete/")
    assert set(SavedView.objects.values_list("name", flat=True)) == {"Mine alone", "A"}
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.post(f"{LIST}views/", {"name": "A", "query": "o=1"}).status_code == 403


@pytest.mark.covers("ORG-03")
def test_a_page_of_a_thousand_workflows_costs_what_one_of_four_does(admin_client: Client):
    def queries(count: int) -> list[str]:
        Workflow.objects.bulk_create(
            Workflow(name=f"W{i}", object_type="deal", folder=folder, created_by=boss()) for i in range(count)
        )
        with CaptureQueriesContext(connection) as found:
            assert admin_client.get(f"{LIST}?folder={folder.pk}&o=4").status_code == 200
        # The banner about the engine's health asks every few seconds, not on every page.
        own = [one["sql"] for one in found if "workflows_workflow" in one["sql"]]
        return [sql for sql in own if "workflows_alert" not in sql and "LIMIT 1" not in sql[-8:]]

    folder = Folder.objects.create(name="Many")
    few = queries(4)
    assert len(queries(996)) <= len(few)


@pytest.mark.covers("LIM-01", "CRE-19")
def test_there_are_so_many_workflows_as_the_installation_allows(admin_client: Client, settings: Any):
    settings.WORKFLOW_LIMIT = 2
    first, _second = made(RENAME), made(RENAME)
    sentence = "There are 2 workflows already"
    page = admin_client.post(f"{LIST}add/", {"name": "Third", "object_type": "deal"}, follow=True)
    assert sentence in page.content.decode()
    assert sentence in admin_client.post(f"{LIST}{first.pk}/clone/", follow=True).content.decode()
    cataloguing.remove(first, by=boss(), now=database_now())
    made(RENAME)
    assert sentence in admin_client.post(f"{LIST}{first.pk}/restore/", follow=True).content.decode()
    assert Workflow.objects.filter(deleted_at=None).count() == 2
    settings.WORKFLOW_LIMIT = 0
    assert made(RENAME).pk


def test_a_view_keeps_what_narrows_the_list_and_nothing_else():
    assert viewing.cleaned("status=on&p=2&all=&_popup=1&q=a%20b") == "q=a+b&status=on"
    assert viewing.cleaned("q=%00") == "" and viewing.cleaned("nonsense") == ""


@pytest.mark.covers("LIM-14")
def test_metrics_are_tracked_in_so_many_workflows_at_a_time(settings: Any):
    settings.WORKFLOW_METRICS_LIMIT = 1
    document = {"format": 1, "trigger": {"kind": "manual"}, "steps": [RENAME], "settings": {"metrics": True}}
    first, second = (drafting.create(name, "deal", boss(), document) for name in ("First", "Second"))
    facts: dict[str, Any] = {"by": boss(), "now": database_now(), "enroll_existing": False}
    publishing.publish(first, **facts)
    with pytest.raises(DocumentError) as refused:
        publishing.publish(second, **facts)
    assert [one.path for one in refused.value.problems] == ["settings.metrics"]
    assert "Metrics are tracked in 1 other workflows" in str(refused.value.problems[0].message)
    found = publishing.review(second, user=boss(), now=database_now()).problems
    assert "too_many_metrics" in [one.code for one in found]
    draft = drafting.draft_of(first)
    plain = {**document, "object": "deal", "name": "First", "settings": {}}
    drafting.replace(first, plain, draft.rev, user=boss(), now=database_now())
    publishing.publish(first, **facts)
    publishing.publish(second, **facts)
    assert Workflow.objects.get(pk=second.pk).live is not None
