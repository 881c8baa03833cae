"""Using a webhook as the trigger of a workflow (WBH-13)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from workflows import drafting
from workflows.models import Webhook, Workflow
from workflows.registries import triggers


def trigger_with(trigger: dict[str, Any], slug: str) -> dict[str, Any]:
    """A trigger that a webhook begins, too: besides the events it has, instead of anything else."""
    item = {"event": slug}
    if trigger.get("kind") != "event":
        return {"kind": "event", "events": [item]}
    events = trigger.get("events")
    events = events if isinstance(events, list) else []
    there = any(isinstance(one, dict) and one.get("event") == slug for one in events)
    return {**trigger, "events": events if there else [*events, item]}


def replaced(workflow: Workflow) -> str:
    """The trigger of another kind whose place a webhook would take, in a sentence; "" when there is none."""
    revision = drafting.shown(workflow)
    trigger = (revision.definition.get("trigger") or {}) if revision else {}
    known = triggers.get(str(trigger.get("kind")))
    if known is None or trigger["kind"] in ("event", "manual"):
        return ""
    return known.describe(trigger, workflow.object_type)


def use(webhook: Webhook, workflow: Workflow, *, by: Any, now: dt.datetime) -> None:
    """Make a webhook the trigger in a workflow's draft. Raises DocumentError, and drafting.Conflict."""
    if workflow.object_type != webhook.object_type:
        message = _("The webhook is about records of the type “%(type)s”, and the workflow about others.")
        raise DocumentError([Problem("", message % {"type": webhook.object_type})])
    draft = drafting.draft_of(workflow)
    trigger = trigger_with(draft.definition.get("trigger") or {}, webhook.slug)
    drafting.apply(workflow, {"op": "set_trigger", "trigger": trigger}, rev=draft.rev, user=by, now=now)


def begin(webhook: Webhook, *, by: Any) -> Workflow:
    """A new workflow whose trigger is the webhook."""
    document = {"format": 1, "trigger": {"kind": "event", "events": [{"event": webhook.slug}]}, "steps": []}
    name = _("From the webhook %(name)s") % {"name": webhook.name}
    return drafting.create(name[:200], webhook.object_type, by, document)
