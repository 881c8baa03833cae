"""Ready-made goals: what a new user most likely wants, as definitions to publish or change.

Every document is valid for the object types and actions of this CRM; a test publishes each of them. What nobody can
know beforehand, as who is told, is left open: such a step is a placeholder until it is set up (PLH-05).
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.more_goals import MORE
from workflows.definitions.goals import Goal
from workflows.registries import goals


def criteria(*filters: dict[str, Any]) -> dict[str, Any]:
    """Every filter must be met."""
    return {"any": [{"all": list(filters)}]}


def is_any_of(slug: str, *values: str) -> dict[str, Any]:
    return {"property": slug, "operator": "is_any_of", "value": list(values)}


FOLLOW_UP_BIG_DEALS = {
    "format": 1,
    "name": "Follow up big deals",
    "object": "deal",
    "description": "A deal worth 5,000 or more that gets going is called at once, and looked at again two days later.",
    "trigger": {
        "kind": "filter",
        "criteria": criteria(
            is_any_of("stage", "engaging"),
            {"property": "amount", "operator": "is_greater_than_or_equal_to", "value": 5000},
        ),
    },
    "steps": [
        {
            "id": "call",
            "action": "create_task",
            "params": {
                "title": "Call about {{ deal.name }}",
                "due": {"days": 1},
                "assignee": "owner",
                "priority": "high",
                "body": "",
            },
        },
        {"id": "wait", "action": "delay", "params": {"days": 2, "hours": 0, "minutes": 0}},
        {
            "id": "outcome",
            "action": "branch",
            "branches": [
                {
                    "name": "Won",
                    "criteria": criteria(is_any_of("stage", "won")),
                    "steps": [
                        {"id": "thanks", "action": "create_note", "params": {"body": "Won after the follow-up call."}}
                    ],
                },
                {
                    "name": "Still open",
                    "steps": [
                        {
                            "id": "remind",
                            "action": "create_task",
                            "params": {
                                "title": "Ask what keeps {{ deal.name }} from moving",
                                "due": {"days": 3},
                                "assignee": "owner",
                                "priority": "medium",
                                "body": "",
                            },
                        }
                    ],
                },
            ],
        },
    ],
}

WELCOME_NEW_CONTACTS = {
    "format": 1,
    "name": "Welcome new contacts",
    "object": "contact",
    "description": "A new lead is given to somebody, opened, and asked how it goes after a day.",
    "trigger": {"kind": "filter", "criteria": criteria(is_any_of("lead_status", "new"))},
    "steps": [
        {
            "id": "open",
            "action": "edit_record",
            "params": {"property": "lead_status", "value": "open"},
        },
        {
            "id": "hello",
            "action": "create_task",
            "params": {
                "title": "Say hello to {{ contact.first_name }} {{ contact.last_name }}",
                "due": {"days": 1},
                "assignee": "owner",
                "priority": "medium",
                "body": "",
            },
        },
        {"id": "wait", "action": "delay", "params": {"days": 1, "hours": 0, "minutes": 0}},
        {"id": "interest", "action": "change_number", "params": {"property": "lead_score", "by": 10}},
        {"id": "note", "action": "create_note", "params": {"body": "Welcomed by the workflow."}},
    ],
}

ESCALATE_URGENT_TICKETS = {
    "format": 1,
    "name": "Escalate urgent tickets",
    "object": "ticket",
    "description": "An urgent ticket gets a task at once; if it is open after four hours, its owner is told.",
    "trigger": {
        "kind": "filter",
        "criteria": criteria(
            is_any_of("priority", "urgent"),
            {"property": "status", "operator": "is_none_of", "value": ["closed"]},
        ),
    },
    "steps": [
        {
            "id": "answer",
            "action": "create_task",
            "params": {
                "title": "Answer “{{ ticket.subject }}”",
                "due": {"days": 0},
                "assignee": "owner",
                "priority": "high",
                "body": "",
            },
        },
        {"id": "wait", "action": "delay", "params": {"days": 0, "hours": 4, "minutes": 0}},
        {
            "id": "answered",
            "action": "branch",
            "branches": [
                {
                    "name": "Closed in time",
                    "criteria": criteria(is_any_of("status", "closed")),
                    "steps": [{"id": "praise", "action": "create_note", "params": {"body": "Answered in time."}}],
                },
                {
                    "name": "Still open",
                    "steps": [
                        {
                            "id": "tell",
                            "action": "send_notification",
                            "params": {
                                "users": ["owner"],
                                "title": "“{{ ticket.subject }}” has been open for four hours",
                                "body": "",
                            },
                        }
                    ],
                },
            ],
        },
    ],
}

CELEBRATE_WON_DEALS = {
    "format": 1,
    "name": "Celebrate won deals",
    "object": "deal",
    "description": "Whoever you choose is told of a deal that is won; a day later its owner hands it over.",
    "trigger": {"kind": "filter", "criteria": criteria(is_any_of("stage", "won"))},
    "steps": [
        {
            "id": "tell",
            "action": "send_notification",
            "params": {"title": "{{ deal.name }} is won", "body": "It is worth {{ deal.amount }}."},
        },
        {"id": "wait", "action": "delay", "params": {"days": 1, "hours": 0, "minutes": 0}},
        {
            "id": "handover",
            "action": "create_task",
            "params": {
                "title": "Hand {{ deal.name }} over",
                "due": {"days": 2},
                "assignee": "owner",
                "priority": "medium",
                "body": "",
            },
        },
    ],
}

GOALS = (
    Goal(
        slug="follow-up-big-deals",
        label=_("Follow up big deals"),
        description=_("When a deal of 5,000 or more gets going: a task for its owner, and another look in two days."),
        definition=FOLLOW_UP_BIG_DEALS,
        icon="handshake",
        function="sales",
        aim=_("Big deals get attention while they are warm, and none is forgotten when a call leads nowhere."),
        featured=True,
    ),
    Goal(
        slug="welcome-new-contacts",
        label=_("Welcome new contacts"),
        description=_("When a new lead comes in: open it, ask its owner to say hello, and count the interest."),
        definition=WELCOME_NEW_CONTACTS,
        icon="user",
        function="sales",
        aim=_("New leads hear from a person within a day, and are worked on from the first minute."),
        featured=True,
    ),
    Goal(
        slug="escalate-urgent-tickets",
        label=_("Escalate urgent tickets"),
        description=_("When a ticket becomes urgent: a task at once, a notification if it is open after four hours."),
        definition=ESCALATE_URGENT_TICKETS,
        icon="ticket",
        function="service",
        aim=_("Nothing urgent lies around: somebody is responsible at once, and is reminded."),
        featured=True,
    ),
    Goal(
        slug="celebrate-won-deals",
        label=_("Celebrate won deals"),
        description=_("When a deal is won: tell the people you choose, and have its owner hand it over."),
        definition=CELEBRATE_WON_DEALS,
        icon="star",
        function="sales",
        aim=_("Everybody hears of what was won, and customers are handed over in good order."),
        featured=True,
    ),
)


def register_goals() -> None:
    """Called once, when the apps are ready."""
    for goal in (*GOALS, *MORE):
        goals.register(goal)
