"""Templates for operations: records kept in order."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from workflows.definitions.goals import Goal

TIDY_NUMBERS: dict[str, Any] = {
    "format": 1,
    "name": "Tidy phone numbers",
    "object": "contact",
    "description": "A new or changed phone number is brought into its international form.",
    "trigger": {
        "kind": "event", "events": [{"event": "property_changed", "property": "phone"}], "reenroll": True,
    },
    "steps": [{"id": "format", "action": "format_phone", "params": {"property": "phone"}}],
}  # fmt: skip

OPERATIONS = (
    Goal(
        slug="tidy-phone-numbers", label=_("Tidy phone numbers"), icon="phone", function="operations",
        description=_("When a phone number changes: bring it into its international form."),
        aim=_("Calls and messages reach people, whatever way the number was written in a form or an import."),
        definition=TIDY_NUMBERS,
    ),
)  # fmt: skip
