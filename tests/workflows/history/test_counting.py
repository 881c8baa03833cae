"""The numbers of enrollments in the list of workflows: exact where they are few, about where they are many."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils.html import strip_tags

from crm.models import User
from tests.plans import keeping, looked_at
from tests.workflows.building import enroll, make_workflow, step
from workflows.history import counting
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db
LIST = "/admin/workflows/workflow/"


@pytest.fixture
def busy_and_quiet(monkeypatch: pytest.MonkeyPatch) -> tuple[Workflow, Workflow]:
    """Three thousand enrollments in one, a third of which were refused, and three in the other; bounds of 100."""
    monkeypatch.setattr(counting, "ENROLLED", 100)
    monkeypatch.setattr(counting, "INSIDE", 100)
    busy, quiet = (make_workflow([step("wait", "delay", days=2)]) for _each in range(2))
    enroll(busy, range(1, 3001))
    Enrollment.objects.filter(record_id__lte=1000).update(status="refused", due_at=None)
    Enrollment.objects.filter(record_id__in=range(1001, 2950)).update(status="completed", due_at=None)
    enroll(quiet, range(1, 4))
    Enrollment.objects.filter(workflow=quiet, record_id=1).update(status="refused", due_at=None)
    return busy, quiet


def shown(client: Client, query: str = "") -> dict[int, list[str]]:
    """By workflow, in the order of the list, enrolled and active as it has them."""
    client.force_login(User.objects.get_or_create(username="ann", is_superuser=True, is_staff=True)[0])
    page = client.get(LIST + query)
    columns = page.context["cl"].model_admin
    return {row.pk: [strip_tags(columns.enrolled(row)), columns.active(row)] for row in page.context["cl"].result_list}


@pytest.mark.covers("ORG-04")
def test_few_are_counted_and_many_are_said_to_be_about_so_many(busy_and_quiet: Any, client: Client) -> None:
    busy, quiet = busy_and_quiet
    Enrollment.objects.filter(workflow=busy, record_id__gt=2900).update(status="active")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_enrollment")
    assert shown(client) == {
        busy.pk: ["about 2,000", "100"], quiet.pk: ["2", "2"],
    }  # fmt: skip
    enroll(busy, [4000])
    assert shown(client)[busy.pk] == ["about 2,000", "more than 100"]


def test_without_statistics_the_bound_is_said(busy_and_quiet: Any, client: Client, monkeypatch: Any) -> None:
    busy, _quiet = busy_and_quiet
    monkeypatch.setattr(counting, "about", dict)
    assert shown(client)[busy.pk][0] == "more than 100"


def test_the_list_is_sorted_by_either(busy_and_quiet: Any, client: Client) -> None:
    busy, quiet = busy_and_quiet
    for column in (4, 5):
        assert list(shown(client, f"?o={column}")) == [quiet.pk, busy.pk]
        assert list(shown(client, f"?o=-{column}")) == [busy.pk, quiet.pk]


def test_no_more_are_looked_at_than_are_counted(busy_and_quiet: Any, client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_enrollment")
    plans: list[dict[str, Any]] = []
    shown(client)
    with connection.execute_wrapper(keeping(plans, "SELECT")):
        shown(client)
    assert sum(looked_at(plan, "workflows_enrollment") for plan in plans) < 500
