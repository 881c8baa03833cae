"""The demo workflows: the goals that lack nothing and one more, published for the records of the demo data."""

from __future__ import annotations

import datetime as dt
from typing import Any

from crm.goals.filters import criteria, is_any_of
from crm.goals.sales import FOLLOW_UP_BIG_DEALS, WELCOME_NEW_CONTACTS
from crm.goals.service import ESCALATE_URGENT_TICKETS
from crm.models import User
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow
from workflows.processes.ticking import tick

#: Nothing in it waits, so its history shows finished journeys from the first minute on.
SORT_LEADS: dict[str, Any] = {
    "format": 1,
    "name": "Sort leads by score",
    "object": "contact",
    "description": "A lead with 60 points or more is worked on; the others stay as they are.",
    "trigger": {"kind": "filter", "criteria": criteria(is_any_of("lead_status", "open"))},
    "steps": [
        {
            "id": "score",
            "action": "branch",
            "branches": [
                {
                    "name": "60 points or more",
                    "criteria": criteria(
                        {"property": "lead_score", "operator": "is_greater_than_or_equal_to", "value": 60}
                    ),
                    "steps": [
                        {
                            "id": "work",
                            "action": "edit_record",
                            "params": {"property": "lead_status", "value": "in_progress"},
                        },
                        {
                            "id": "why",
                            "action": "create_note",
                            "params": {"body": "In progress because of {{ contact.lead_score }} points."},
                        },
                    ],
                },
                {"name": "Fewer", "steps": []},
            ],
        }
    ],
}


def demo_definitions() -> list[dict[str, Any]]:
    return [FOLLOW_UP_BIG_DEALS, WELCOME_NEW_CONTACTS, ESCALATE_URGENT_TICKETS, SORT_LEADS]


def are_all_there_is() -> bool:
    """Whether nobody has made a workflow yet: there are none, or just these."""
    names = list(Workflow.objects.filter(deleted_at=None).values_list("name", flat=True))
    known = {definition["name"] for definition in demo_definitions()}
    return len(names) <= len(known) and known.issuperset(names)


def start(*, by: User, now: dt.datetime) -> int:
    """Publish them for the records that match, and run what is due; returns how many workflows there are."""
    definitions = demo_definitions()
    for definition in definitions:
        workflow = drafting.create(definition["name"], definition["object"], by, definition=definition)
        publishing.publish(workflow, by=by, now=now, enroll_existing=True)
    tick(now)
    return len(definitions)
