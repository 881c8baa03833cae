"""Templates for marketing: what is sent, and what forms bring in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.goals.filters import criteria, is_any_of
from workflows.definitions.goals import Goal

NURTURE_LEADS: dict[str, Any] = {
    "format": 1,
    "name": "Nurture new leads",
    "object": "contact",
    "description": "A new lead gets two emails some days apart; whoever shows interest is worked on.",
    "trigger": {"kind": "filter", "criteria": criteria(is_any_of("lifecycle_stage", "lead"))},
    "steps": [
        {"id": "first", "action": "send_email", "params": {}},
        {"id": "wait", "action": "delay", "params": {"days": 3, "hours": 0, "minutes": 0}},
        {"id": "second", "action": "send_email", "params": {}},
        {"id": "later", "action": "delay", "params": {"days": 4, "hours": 0, "minutes": 0}},
        {"id": "interest", "action": "branch", "branches": [
            {
                "name": "Interested",
                "criteria": criteria(
                    {"property": "lead_score", "operator": "is_greater_than_or_equal_to", "value": 40},
                ),
                "steps": [
                    {"id": "qualify", "action": "edit_record", "params": {
                        "property": "lifecycle_stage", "value": "marketing_qualified",
                    }},
                    {"id": "call", "action": "create_task", "params": {
                        "title": "Call {{ contact.first_name }} {{ contact.last_name }}", "due": {"days": 1},
                        "assignee": "owner", "kind": "call",
                    }},
                ],
            },
            {"name": "Not yet", "steps": []},
        ]},
    ],
}  # fmt: skip

ANSWER_FORMS: dict[str, Any] = {
    "format": 1,
    "name": "Answer form submissions",
    "object": "contact",
    "description": "Whoever fills in a form is thanked at once, given to somebody, and called.",
    "trigger": {"kind": "event", "events": [{"event": "form_submitted"}], "reenroll": True},
    "steps": [
        {"id": "thanks", "action": "send_email", "params": {}},
        {"id": "hand-out", "action": "rotate_owner", "params": {"keep_existing": True}},
        {"id": "call", "action": "create_task", "params": {
            "title": "Answer {{ contact.first_name }} {{ contact.last_name }}", "due": {"days": 1},
            "assignee": "owner", "priority": "high",
        }},
    ],
}  # fmt: skip

MARKETING = (
    Goal(
        slug="nurture-new-leads", label=_("Nurture new leads"), icon="mail", function="marketing",
        description=_("When a contact becomes a lead: two emails some days apart, and a call if there is interest."),
        aim=_("Leads that are not ready to buy hear from you, and sales only calls those who show interest."),
        prepare=(
            _("Two marketing emails (Settings → Email templates)."),
            _("A lead score that rises with interest, by another workflow or an import."),
        ),
        definition=NURTURE_LEADS,
    ),
    Goal(
        slug="answer-form-submissions", label=_("Answer form submissions"), icon="list", function="marketing",
        description=_("When somebody fills in a form: a thank-you at once, an owner, and a task to answer."),
        aim=_("Nobody who asks for something waits without a word, and each question has somebody who answers it."),
        prepare=(
            _("A form on your website."), _("A marketing email that thanks."), _("The team or people who answer."),
        ),
        definition=ANSWER_FORMS,
    ),
)  # fmt: skip
