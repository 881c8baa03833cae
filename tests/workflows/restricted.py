"""People whose groups may not do everything with single properties, and workflows that use such properties."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group

from crm.models import User
from records.clock import database_now
from records.models import Access
from records.object_types import object_types
from records.property_access.granting import grant
from tests.api.conftest import person
from tests.workflows.publishing_deals import boss
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow

WORKFLOW_RIGHTS = tuple(f"workflows.{verb}_workflow" for verb in ("view", "add", "change", "delete", "publish"))
RIGHTS = (
    *WORKFLOW_RIGHTS, "workflows.view_enrollment", "workflows.view_auditentry", "crm.view_deal", "crm.add_deal",
    "crm.change_deal",
)  # fmt: skip
MANUAL = {"kind": "manual"}
#: Writes the amount, which the tests restrict.
RAISE = {"id": "raise", "action": "change_number", "params": {"property": "amount", "by": 5}}
RENAME = {"id": "rename", "action": "edit_record", "params": {"property": "name", "value": "Z"}}
BIG = {"any": [{"all": [{"property": "amount", "operator": "is_greater_than", "value": 10}]}]}


def member(name: str, level: Access | None, *more: str, slug: str = "amount") -> User:
    """Somebody whose only group has this right on a property of deals; read afresh, as a request would."""
    user = person(name, *RIGHTS, *more, is_staff=True)
    group = Group.objects.create(name=f"{name}s")
    user.groups.add(group)
    if level is not None:
        grant(group, object_types["deal"], {slug: level}, by=boss(), now=database_now())
    return User.objects.get(pk=user.pk)


def document(*steps: dict[str, Any], trigger: dict[str, Any] = MANUAL) -> dict[str, Any]:
    return {"format": 1, "object": "deal", "name": "W", "trigger": trigger, "steps": list(steps)}


def made(*steps: dict[str, Any], by: User | None = None, trigger: dict[str, Any] = MANUAL) -> Workflow:
    """A draft."""
    return drafting.create("W", "deal", by or boss(), document(*steps, trigger=trigger))


def published(*steps: dict[str, Any], trigger: dict[str, Any] = MANUAL, by: User | None = None) -> Workflow:
    workflow = made(*steps, trigger=trigger, by=by)
    publishing.publish(workflow, by=by or boss(), now=database_now(), enroll_existing=False)
    return workflow


def changed(workflow: Workflow, *steps: dict[str, Any], by: User, trigger: dict[str, Any] = MANUAL) -> Any:
    """Replace the draft, as the editor and the API do."""
    rev = (drafting.shown(workflow) or drafting.draft_of(workflow)).rev
    return drafting.replace(workflow, document(*steps, trigger=trigger), rev, user=by, now=database_now())
