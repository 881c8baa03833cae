"""More templates of the library: what is sent, asked and handed out. Their open settings are placeholders (PLH-05)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from workflows.definitions.goals import Goal


def met(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"any": [{"all": list(filters)}]}


def one_of(slug: str, *values: str) -> dict[str, Any]:
    return {"property": slug, "operator": "is_any_of", "value": list(values)}


NURTURE_LEADS = {
    "format": 1,
    "name": "Nurture new leads",
    "object": "contact",
    "description": "A new lead gets two emails some days apart; whoever shows interest is worked on.",
    "trigger": {"kind": "filter", "criteria": met(one_of("lifecycle_stage", "lead"))},
    "steps": [
        {"id": "first", "action": "send_email", "params": {}},
        {"id": "wait", "action": "delay", "params": {"days": 3, "hours": 0, "minutes": 0}},
        {"id": "second", "action": "send_email", "params": {}},
        {"id": "later", "action": "delay", "params": {"days": 4, "hours": 0, "minutes": 0}},
        {"id": "interest", "action": "branch", "branches": [
            {
                "name": "Interested",
                "criteria": met(
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

ANSWER_FORMS = {
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

ASK_AFTER_TICKETS = {
    "format": 1,
    "name": "Ask how it went",
    "object": "ticket",
    "description": "A day after a ticket was closed its contacts are asked how content they are.",
    "trigger": {"kind": "filter", "criteria": met(one_of("status", "closed"))},
    "steps": [
        {"id": "wait", "action": "delay", "params": {"days": 1, "hours": 0, "minutes": 0}},
        {"id": "ask", "action": "send_survey", "params": {"of": "contact"}},
    ],
}

HAND_OUT_LEADS = {
    "format": 1,
    "name": "Hand out new contacts",
    "object": "contact",
    "description": "Contacts without an owner are handed out in turn, and their new owner is told.",
    "trigger": {"kind": "filter", "criteria": met(
        {"property": "owner", "operator": "is_unknown"}, one_of("lead_status", "new"),
    )},
    "steps": [
        {"id": "hand-out", "action": "rotate_owner", "params": {"keep_existing": True}},
        {"id": "tell", "action": "send_notification", "params": {
            "users": ["owner"], "title": "{{ contact.first_name }} {{ contact.last_name }} is yours", "body": "",
        }},
    ],
}  # fmt: skip

LOOK_AT_QUIET_DEALS = {
    "format": 1,
    "name": "Look at quiet deals",
    "object": "deal",
    "description": "Each Monday the owners of open deals nobody has changed for two weeks get a task.",
    "trigger": {
        "kind": "schedule",
        "schedule": {"every": "week", "weekdays": ["mon"], "at": "08:00"},
        "criteria": met(
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

TIDY_NUMBERS = {
    "format": 1,
    "name": "Tidy phone numbers",
    "object": "contact",
    "description": "A new or changed phone number is brought into its international form.",
    "trigger": {
        "kind": "event", "events": [{"event": "property_changed", "property": "phone"}], "reenroll": True,
    },
    "steps": [{"id": "format", "action": "format_phone", "params": {"property": "phone"}}],
}  # fmt: skip

MORE = (
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
    Goal(
        slug="ask-how-it-went", label=_("Ask how it went"), icon="star", function="service",
        description=_("A day after a ticket was closed: a survey to its contacts."),
        aim=_("You learn whether people are content with the help they get, while they still remember it."),
        prepare=(_("A survey that workflows send, about how content people are."),),
        definition=ASK_AFTER_TICKETS,
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
    Goal(
        slug="tidy-phone-numbers", label=_("Tidy phone numbers"), icon="phone", function="operations",
        description=_("When a phone number changes: bring it into its international form."),
        aim=_("Calls and messages reach people, whatever way the number was written in a form or an import."),
        definition=TIDY_NUMBERS,
    ),
)  # fmt: skip
