"""Folders that are written differently or deleted, copies of workflows with long names, and no reviews."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client

from records.clock import database_now
from tests.api.conftest import client_of
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import RENAME, made
from workflows.lifecycle import cataloguing
from workflows.models import AuditEntry, Folder, Workflow

pytestmark = pytest.mark.django_db
LIST, FOLDERS = "/admin/workflows/workflow/", "/admin/workflows/folder/"


@pytest.mark.covers("ORG-02")
@pytest.mark.parametrize("name", ["sales  team", " Sales Team ", "SALES\tTEAM"])
def test_a_folder_that_is_there_is_found_however_its_name_is_written(admin_client: Client, name: str):
    Folder.objects.create(name="Sales Team")
    workflow = made(RENAME)
    admin_client.post(f"{LIST}move/?id={workflow.pk}", {"new": name})
    other = client_of(boss()).send("POST", "workflows/", {"name": "New", "object": "deal", "folder": name}).document
    assert (other["folder"], Workflow.objects.get(pk=workflow.pk).folder) == ("Sales Team", Folder.objects.get())
    told = AuditEntry.objects.get(workflow=workflow, action="changed").detail
    assert told["changes"] == [{"at": "folder", "before": None, "after": "Sales Team"}]


@pytest.mark.covers("ORG-02", "HIS-17")
@pytest.mark.parametrize("many", [False, True])
def test_a_folder_is_deleted_after_a_page_that_counts_what_is_in_it(admin_client: Client, many: bool):
    sales = Folder.objects.create(name="Sales")
    workflow = made(RENAME)
    cataloguing.move([workflow], "Sales", by=boss(), now=database_now())
    page = unescape(admin_client.get(f"{FOLDERS}{sales.pk}/delete/").content.decode())
    assert "1 workflow is in it. It stays, in no folder." in page
    if many:
        form = {"action": "delete_selected", "_selected_action": [sales.pk], "post": "yes"}
        admin_client.post(FOLDERS, form)
    else:
        admin_client.post(f"{FOLDERS}{sales.pk}/delete/", {"post": "yes"})
    assert (Folder.objects.count(), Workflow.objects.get(pk=workflow.pk).folder) == (0, None)
    last = AuditEntry.objects.filter(workflow=workflow, action="changed").latest("pk")
    assert (str(last.user), last.detail["changes"]) == (
        "admin", [{"at": "folder", "before": "Sales", "after": None}]
    )  # fmt: skip


@pytest.mark.covers("CRE-20")
@pytest.mark.parametrize(("name", "copy"), [("Short", "Short (copy)"), ("Ö" * 200, "Ö" * 192 + "… (copy)")])
def test_a_copy_says_that_it_is_one_however_long_the_name_is(admin_client: Client, name: str, copy: str):
    workflow = made(RENAME)
    Workflow.objects.filter(pk=workflow.pk).update(name=name)
    admin_client.post(f"{LIST}{workflow.pk}/clone/")
    twin = Workflow.objects.latest("pk")
    assert (twin.name, len(twin.name) <= 200, twin.pk != workflow.pk) == (copy, True, True)


@pytest.mark.covers("REV-13")
@pytest.mark.parametrize("rev", ["", "abc", "²", "-1", "9" * 30])
def test_what_names_no_review_publishes_nothing_and_shows_the_review_again(admin_client: Client, rev: Any):
    workflow = made(RENAME)
    reply = admin_client.post(f"{LIST}{workflow.pk}/review/", {"rev": rev, "enroll_existing": "no"})
    assert reply.status_code == 200
    assert "Look at the review below again, then publish." in unescape(reply.content.decode())
    assert Workflow.objects.get(pk=workflow.pk).live is None
