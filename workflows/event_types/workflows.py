"""A record enters a workflow, leaves it, or reaches its goal (EVT-35, EVT-36, EVT-37).

Enrollments themselves are the history, so these are recorded only while somebody listens.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from records.event_types import EventType, event_types
from records.properties import Option, Property
from records.vocabulary import ListedIn
from workflows.models import Workflow
from workflows.rights.opening import closed_to

CATEGORY = _("Workflows")


def workflows() -> Iterable[Option]:
    """Every workflow by its id."""
    rows = Workflow.objects.filter(deleted_at=None).order_by("name", "pk").values_list("pk", "name")
    return [Option(str(pk), name) for pk, name in rows]


#: A draft is saved with every change of it: only what workflows are called counts.
NAMED = ListedIn(workflows, Workflow, columns=("id", "name", "deleted_at"), closed_to=closed_to)
WORKFLOW = Property("workflow", _("Workflow"), "select", options_source=NAMED, required=True)
TYPES = (
    EventType(
        "workflow_enrolled", _("Enrolled in a workflow"), CATEGORY, properties=(WORKFLOW,),
        told=False, counted=False, ingested=False,
    ),
    EventType(
        "workflow_unenrolled", _("Unenrolled from a workflow"), CATEGORY,
        properties=(WORKFLOW, Property("reason", _("Reason"), "text")),
        told=False, counted=False, ingested=False,
    ),
    EventType(
        "workflow_goal_met", _("Reached a workflow's goal"), CATEGORY, properties=(WORKFLOW,),
        told=False, counted=False, ingested=False,
    ),
)  # fmt: skip

for event_type in TYPES:
    event_types.register(event_type)
