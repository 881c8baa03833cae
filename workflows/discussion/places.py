"""What a thread can be about: the workflow, its trigger, a step; and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from workflows.drafting.tree import walk
from workflows.models import Thread, Workflow
from workflows.registries import actions

WORKFLOW, TRIGGER = "", "trigger"


@dataclass(frozen=True)
class Place:
    """One thing a thread can be about, in words; `gone` when it is not in the definition that is shown."""

    step: str
    name: str
    gone: bool = False


def places(document: dict[str, Any]) -> dict[str, Place]:
    """Everything a thread can be about now, in reading order, by what a thread calls it."""
    found = {WORKFLOW: Place(WORKFLOW, _("The workflow")), TRIGGER: Place(TRIGGER, _("Trigger"))}
    for number, place in enumerate(walk(document.get("steps") or []), start=1):
        facts = {"number": number, "action": label_of(str(place.step.get("action", "")))}
        step = str(place.step.get("id", ""))
        found[step] = Place(step, _("Step %(number)d: %(action)s") % facts)
    return found


def label_of(action: str) -> str:
    return str(actions[action].label) if action in actions else _("unknown action")


def place_of(thread: Thread, found: dict[str, Place]) -> Place:
    """What a thread is about, where that is gone, too."""
    name = _("Step deleted: %(action)s") % {"action": label_of(thread.action)}
    return found.get(thread.step) or Place(thread.step, name, gone=True)


def open_threads(workflow: Workflow) -> dict[str, int]:
    """How many open threads there are about each thing."""
    found = Thread.objects.filter(workflow=workflow, resolved_at=None).values("step").annotate(count=Count("pk"))
    return {row["step"]: row["count"] for row in found.order_by("step")}
