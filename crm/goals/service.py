"""Templates for service: tickets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.goals.filters import criteria, is_any_of
from workflows.definitions.goals import Goal

ESCALATE_URGENT_TICKETS: dict[str, Any] = {
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

ASK_AFTER_TICKETS: dict[str, Any] = {
    "format": 1,
    "name": "Ask how it went",
    "object": "ticket",
    "description": "A day after a ticket was closed its contacts are asked how content they are.",
    "trigger": {"kind": "filter", "criteria": criteria(is_any_of("status", "closed"))},
    "steps": [
        {"id": "wait", "action": "delay", "params": {"days": 1, "hours": 0, "minutes": 0}},
        {"id": "ask", "action": "send_survey", "params": {"of": "contact"}},
    ],
}

SERVICE = (
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
        slug="ask-how-it-went", label=_("Ask how it went"), icon="star", function="service",
        description=_("A day after a ticket was closed: a survey to its contacts."),
        aim=_("You learn whether people are content with the help they get, while they still remember it."),
        prepare=(_("A survey that workflows send, about how content people are."),),
        definition=ASK_AFTER_TICKETS,
    ),
)  # fmt: skip
