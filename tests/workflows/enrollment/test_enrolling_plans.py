"""Enrolling costs what the candidates cost, also where the planner knows nothing of any table yet."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from crm.models import Contact
from tests import plans
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.enrollment import enrolling
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db
COUNT = 2_500
ROWS_PER_CANDIDATE = 12


@pytest.fixture(params=["never analysed", "analysed when it was small"])
def crowded(request: pytest.FixtureRequest) -> tuple[Workflow, list[int], list[int]]:
    """A workflow in which thousands have been before, unknown to the planner; those and as many who have not.

    The tables begin empty: by what other tests have left in an index, the planner may think it longer than the table.
    """
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE workflows_enrollment, crm_contact CASCADE")
    if request.param != "never analysed":
        lonely = Contact.objects.create()
        for _number in range(40):
            enroll(make_workflow([step("wait", "delay", days=1)]), [lonely.pk])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE workflows_enrollment; ANALYZE crm_contact")
    workflow = make_workflow([step("wait", "delay", days=1)])
    made = [one.pk for one in Contact.objects.bulk_create(Contact(lead_score=0) for _number in range(2 * COUNT))]
    facts: dict[str, Any] = {"workflow": workflow, "revision": workflow.live, "cause": {}, "enrolled_at": NOW}
    facts |= {"status": "completed", "ended_at": NOW, "ended_reason": "completed"}
    before = made[:COUNT]
    Enrollment.objects.bulk_create((Enrollment(record_id=pk, **facts) for pk in before), batch_size=2_000)
    return workflow, before, made[COUNT:]


def test_thousands_enroll_in_a_workflow_where_thousands_were_before(crowded: Any) -> None:
    workflow, before, new = crowded
    tried: list[dict[str, Any]] = []
    causes = {pk: {"kind": "filter", "change": pk} for pk in [*before[:2_000], *new[:1_000]]}
    with connection.execute_wrapper(plans.keeping(tried, "INSERT INTO workflows_enrollment")):
        listed = enrolling.enroll(workflow, causes, cause={"kind": "filter"}, causes=causes, now=NOW)
        assert sorted(listed.enrolled) == new[:1_000]
        alike = enrolling.enroll(workflow, [*before, *new], cause={"kind": "filter"}, now=NOW)
        assert sorted(alike.enrolled) == new[1_000:]
        found = Contact.objects.filter(pk__gte=before[0]).values_list("pk")
        sql, params = found.query.sql_with_params()
        selected = f"SELECT id, '[]'::jsonb FROM ({sql}) AS found (id)"
        assert enrolling.enroll_selected(workflow, selected, params, cause={"kind": "existing"}, now=NOW) == 0
    handled = [plans.looked_at(plan) for plan in tried]
    assert len(handled) == 3
    assert all(
        0 < rows <= ROWS_PER_CANDIDATE * count for rows, count in zip(handled, (3_000, 5_000, 5_000), strict=True)
    ), handled
