"""One step tried with a record: what it would do, and each message as it would be sent. Nothing of it stays."""

from __future__ import annotations

import datetime as dt
from typing import Any

from workflows.definitions.parsing import parse
from workflows.drafting.mentions import mentioned
from workflows.models import Revision
from workflows.simulation.simulating import Simulation, simulate


def try_step(revision: Revision, step_id: str, record_id: int, *, user: Any, now: dt.datetime) -> Simulation:
    """Have a step do its work for a record, as if it were the only one of the workflow.

    What earlier steps leave and what the event told is blank then. Raises KeyError when there is no such step, and
    DocumentError like `simulate`.
    """
    alone = Revision(workflow=revision.workflow, number=revision.number, definition=only(revision.definition, step_id))
    return simulate(alone, record_id, user=user, now=now)


def only(document: dict[str, Any], step_id: str) -> dict[str, Any]:
    """A definition with nothing but one step, done at any time; its events stay, as its texts may speak of them."""
    step = parse(document).by_id[step_id]
    trigger, settings = document.get("trigger") or {}, document.get("settings") or {}
    told = {"kind": "event", "events": trigger.get("events")} if trigger.get("kind") == "event" else {"kind": "manual"}
    return {
        **{key: document[key] for key in ("format", "name", "object", "sources") if key in document},
        "trigger": told,
        "settings": {"timezone": settings["timezone"]} if settings.get("timezone") else {},
        "steps": [{"id": step.id, "action": step.action, "params": step.params}],
    }


def looks_back(revision: Revision, step_id: str) -> bool:
    """Whether a step speaks of results of earlier ones."""
    return bool(mentioned(parse(revision.definition).by_id[step_id].params))
