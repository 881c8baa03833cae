"""Templates for sales: leads and deals."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.goals.filters import criteria, is_any_of
from workflows.definitions.goals import Goal

FOLLOW_UP_BIG_DEALS: dict[str, Any] = {
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

WELCOME_NEW_CONTACTS: dict[str, Any] = {
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

CELEBRATE_WON_DEALS: dict[str, Any] = {
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

HAND_OUT_LEADS: dict[str, Any] = {
    "format": 1,
    "name": "Hand out new contacts",
    "object": "contact",
    "description": "Contacts without an owner are handed out in turn, and their new owner is told.",
    "trigger": {"kind": "filter", "criteria": criteria(
        {"property": "owner", "operator": "is_unknown"}, is_any_of("lead_status", "new"),
    )},
    "steps": [
        {"id": "hand-out", "action": "rotate_owner", "params": {"keep_existing": True}},
        {"id": "tell", "action": "send_notification", "params": {
            "users": ["owner"], "title": "{{ contact.first_name }} {{ contact.last_name }} is yours", "body": "",
        }},
    ],
}  # fmt: skip

LOOK_AT_QUIET_DEALS: dict[str, Any] = {
    "format": 1,
    "name": "Look at quiet deals",
    "object": "deal",
    "description": "Each Monday the owners of open deals nobody has changed for two weeks get a task.",
    "trigger": {
        "kind": "schedule",
        "schedule": {"every": "week", "weekdays": ["mon"], "at": "08:00"},
        "criteria": criteria(
            {"property": "stage", "operator": "is_none_of", "value": ["won", "lost"]},
            {"property": "updated_at", "operator": "is_more_than_days_ago", "value": 14},
        ),
    },
    "steps": [
        {"id": "look", "action": "create_task", "params": {
            "title": "Is {{ deal.name }} still alive?", "due": {"days": 2}, "assignee": "owner", "priority": "medium",
        }},
    ],
}  # fmt: skip

SALES = (
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
        slug="celebrate-won-deals",
        label=_("Celebrate won deals"),
        description=_("When a deal is won: tell the people you choose, and have its owner hand it over."),
        definition=CELEBRATE_WON_DEALS,
        icon="star",
        function="sales",
        aim=_("Everybody hears of what was won, and customers are handed over in good order."),
        featured=True,
    ),
    Goal(
        slug="hand-out-new-contacts", label=_("Hand out new contacts"), icon="rotate", function="sales",
        description=_("When a new contact has no owner: one of a team in turn, who is told at once."),
        aim=_("Work is spread evenly, and no contact is forgotten because nobody felt responsible."),
        prepare=(_("A team with main members, or the names of those who take turns."),),
        definition=HAND_OUT_LEADS,
    ),
    Goal(
        slug="look-at-quiet-deals", label=_("Look at quiet deals"), icon="calendar-clock", function="sales",
        description=_("Each Monday: a task for every open deal that nobody has touched for two weeks."),
        aim=_("The pipeline shows what is alive: quiet deals are taken up again, or closed."),
        definition=LOOK_AT_QUIET_DEALS,
    ),
)  # fmt: skip
