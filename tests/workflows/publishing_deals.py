"""Deal workflows with a filter trigger, drafted and published as an entry point would."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from crm.models import Deal
from records.clock import database_now
from workflows import drafting
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow

WON = {"property": "stage", "operator": "is_equal_to_any_of", "value": ["won"]}
BIG = {"property": "amount", "operator": "is_greater_than", "value": 10}
WAIT = {"id": "wait", "action": "delay", "params": {"days": 2}}


def boss() -> Any:
    users = get_user_model().objects
    return users.filter(username="boss").first() or users.create_superuser("boss")


def document(*filters: dict[str, Any], **parts: Any) -> dict[str, Any]:
    trigger = {"kind": "filter", "criteria": {"any": [{"all": list(filters)}]}}
    if "reenroll" in parts:
        trigger["reenroll"] = parts.pop("reenroll")
    return {"format": 1, "object": "deal", "trigger": trigger, "steps": [WAIT], **parts}


def draft(*filters: dict[str, Any], **parts: Any) -> Workflow:
    return drafting.create("Test", "deal", boss(), definition=document(*filters, **parts))


def publish(workflow: Workflow, *, existing: bool = False, **options: Any) -> publishing.Published:
    return publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=existing, **options)


def live(*filters: dict[str, Any], existing: bool = False, **parts: Any) -> Workflow:
    workflow = draft(*filters, **parts)
    publish(workflow, existing=existing)
    return workflow


def change(deal: Deal, **values: Any) -> None:
    """Change a deal and let the change be dispatched."""
    Deal.objects.filter(pk=deal.pk).update(**values)
    settle()


def settle() -> int:
    taken = 0
    while more := dispatch(database_now()):
        taken += more
    return taken


def inside(workflow: Workflow) -> list[int]:
    """Ids of the records with an active enrollment."""
    rows = Enrollment.objects.filter(workflow=workflow, status="active")
    return list(rows.order_by("record_id").values_list("record_id", flat=True))


def finish(workflow: Workflow) -> None:
    """Everybody inside has reached the end."""
    rows = Enrollment.objects.filter(workflow=workflow, status="active")
    rows.update(status="completed", step="", due_at=None, ended_at=database_now(), ended_reason="completed")


def history(workflow: Workflow, deal: Deal) -> list[tuple[str, str]]:
    """(status, reason) of the deal's enrollments, oldest first."""
    rows = Enrollment.objects.filter(workflow=workflow, record_id=deal.pk).order_by("id")
    return list(rows.values_list("status", "ended_reason"))
