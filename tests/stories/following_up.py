"""The workflow of the main story: deals that reach Engaging get a task, two days of patience and a note."""

from __future__ import annotations

from typing import Any

TITLE = "Call about {{ deal.name }}"


def follow_up() -> dict[str, Any]:
    return {
        "format": 1,
        "name": "Follow up engaged deals",
        "object": "deal",
        "trigger": {
            "kind": "filter",
            "criteria": {"all": [{"property": "stage", "operator": "is_any_of", "value": ["engaging"]}]},
        },
        "steps": [
            {
                "id": "product",
                "action": "branch",
                "branches": [
                    {
                        "name": "GTK 500",
                        "criteria": {"all": [{"property": "product", "operator": "is_any_of", "value": ["GTK 500"]}]},
                        "steps": [{"id": "note-big", "action": "create_note", "params": {"body": "A big machine."}}],
                    },
                    {"name": "Any other", "steps": []},
                ],
            },
            {
                "id": "call",
                "action": "create_task",
                "params": {"title": TITLE, "due": {"days": 2}, "assignee": "owner"},
            },
            {"id": "patience", "action": "delay", "params": {"days": 2}},
            {"id": "done", "action": "create_note", "params": {"body": "Two days have passed for {{ deal.name }}."}},
        ],
    }
