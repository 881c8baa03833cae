"""The record has completed another workflow while it waited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.events.base import Event, Wait, Want
from workflows.events.fields import WorkflowField
from workflows.models import Workflow
from workflows.registries import events
from workflows.rights.opening import closed_name
from workflows.step_forms.params import StepContext

# A record is inside a workflow once at a time, so what is completed later has a larger id.
FOUND = """
    SELECT w.id, min(e.ended_at)
    FROM unnest(%(ids)s::bigint[], %(workflows)s::bigint[], %(records)s::bigint[], %(marks)s::bigint[])
        AS w (id, workflow_id, record_id, mark)
    JOIN workflows_enrollment e ON e.record_id = w.record_id AND e.workflow_id = w.workflow_id
    WHERE e.status = 'completed' AND e.id > w.mark
    GROUP BY w.id
"""


@events.register
class WorkflowCompleted(Event):
    slug = "workflow_completed"
    category = gettext_lazy("Workflows")
    triggering = False
    label = gettext_lazy("The record completes a workflow")
    mark = """
        COALESCE((
            SELECT max(e.id) FROM workflows_enrollment e
            WHERE e.record_id = v.record_id AND e.workflow_id = %(through)s::bigint AND e.status = 'completed'
        ), 0)
    """
    # A workflow completed in a transaction that has not seen the wait, nor been seen by its check.
    again = dt.timedelta(minutes=1)

    def fields(self) -> dict[str, forms.Field]:
        return {"workflow": WorkflowField(label=gettext_lazy("Workflow"))}

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        if not document.get("workflow"):
            return _("The record completes a workflow: choose one")
        name = name_of(document) or document.get("name")
        if not name:
            return _("The record completes a workflow that is gone")
        return _("The record completes the workflow %(workflow)s") % {"workflow": name}

    def facts(self, document: dict[str, Any], context: StepContext) -> dict[str, Any]:
        found = super().facts(document, context)
        return found | {"name": name_of(document)}

    def want(self, params: dict[str, Any], context: StepContext) -> Want:
        return Want("workflow", str(params["workflow"]), {})

    def found(self, waits: Sequence[Wait]) -> dict[int, dt.datetime]:
        with connection.cursor() as cursor:
            facts: dict[str, Any] = {
                "ids": [wait.id for wait in waits],
                "workflows": [int(wait.through) for wait in waits],
                "records": [wait.record_id for wait in waits],
                "marks": [wait.mark for wait in waits],
            }
            cursor.execute(FOUND, facts)
            return dict(cursor.fetchall())


def name_of(document: dict[str, Any]) -> str:
    """The name of the workflow chosen; "" when there is none (any more)."""
    chosen = str(document.get("workflow"))
    if not (chosen.isascii() and chosen.isdecimal() and len(chosen) < 18):
        return ""
    name = Workflow.objects.filter(pk=int(chosen)).values_list("name", flat=True).first() or ""
    return (name and closed_name(int(chosen))) or name
