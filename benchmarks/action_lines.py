"""What `make bench ARGS="--only actions"` sends records through: a line at least for every action there is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from benchmarks.reference_job import HIGH

#: What lines name, by the slugs of benchmarks.action_world.
NAMED = "benchmark"
STEP = "step"
#: Records at most where each is a conversation with another system, of which five are held at once, and where each is
#: a process of its own: the figures are the same for more, and take an hour.
ASKED, PROCESSES = 2_000, 200


@dataclass(frozen=True)
class Line:
    """A workflow of one step: its action, its params (or more of it), and what is there before.

    `later`: the records wait in the step, and are taken up after so long. `most`: so many records at most (0: any
    number), because each costs a process or a conversation with another system.
    """

    action: str
    params: dict[str, Any] = field(default_factory=dict)
    branches: tuple[dict[str, Any], ...] = ()
    before: tuple[str, ...] = ()
    later: dt.timedelta = dt.timedelta(0)
    most: int = 0
    #: Parts of the definition besides the step, or other steps around it.
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> list[dict[str, Any]]:
        one: dict[str, Any] = {"id": STEP, "action": self.action, "params": self.params}
        return [one | ({"branches": list(self.branches)} if self.branches else {})]


HIGH_AND_LOW = ({"name": "A", "criteria": HIGH, "steps": []}, {"name": "B", "steps": []})
HALVES = tuple({"name": name, "percent": 50, "steps": []} for name in "AB")
NOWHERE = ({"name": "A", "values": ["Nowhere"], "steps": []}, {"name": "B", "steps": []})
EVERYBODY = {"all": [{"property": "city", "operator": "is_known"}]}
JUMP = [{"id": "split", "action": "branch", "params": {}, "branches": [
    {"name": "A", "criteria": EVERYBODY, "steps": [{"id": STEP, "action": "go_to", "params": {"step": "over"}}]},
    {"name": "B", "steps": [{"id": "over", "action": "end", "params": {}}]},
]}]  # fmt: skip
EMPLOYER = [{"id": "employer", "name": "Employer", "object": "company", "condition": "association"}]
DAYS, MINUTES = dt.timedelta(days=1), dt.timedelta(minutes=1)
TASK = {
    "title": "Call {{ contact.first_name }}", "assignee": "owner", "due": {"days": 2}, "at": "09:00",
    "reminder": {"hours": 1}, "associate": ["company"],
}  # fmt: skip
DOUBLE = "exports.main = async (event) => ({ outputFields: { twice: event.inputFields.n * 2 } });"
SMS = {
    "connection": NAMED,
    "sender": "+15550001111",
    "message": "Hi {{ contact.first_name }}",
    "type": "benchmark_sms",
}
WHATSAPP = {
    "connection": NAMED, "sender": "106540352242922", "template": "hello", "language": "en",
    "parameters": "{{ contact.first_name }}", "type": "benchmark_whatsapp",
}  # fmt: skip
ADVERTISED = ("marketing",)

#: By what is shown of them.
LINES: dict[str, Line] = {
    "branch": Line("branch", branches=HIGH_AND_LOW),
    "value_branch": Line("value_branch", {"property": "city"}, NOWHERE),
    "random_split": Line("random_split", branches=HALVES),
    "go_to": Line("go_to", document={"steps": JUMP}),
    "go_to_workflow": Line("go_to_workflow", {"workflow": "contact"}),
    "for_each_associated": Line(
        "for_each_associated", {"association": "company", "workflow": "company", "limit": 5}, before=("linked",)
    ),
    "end": Line("end"),
    "delay": Line("delay", {"hours": 1}, later=DAYS),
    "delay_until_date": Line("delay_until_date", {"at": "2037-05-01T09:00"}, later=DAYS * 5_000),
    "delay_until_property": Line(
        "delay_until_property", {"property": "created_at", "offset_days": 1, "at": "09:00"}, later=DAYS * 3
    ),
    "delay_until_event": Line(
        "delay_until_event", {"event": "property_changed", "property": "city", "max_wait": {"hours": 1}}, later=DAYS
    ),
    "delay_until_weekday": Line("delay_until_weekday", {"days": ["tue"], "at": "08:15"}, later=DAYS * 8),
    "delay_until_time": Line("delay_until_time", {"at": "17:30"}, later=DAYS * 2),
    "delay_to_centre": Line(
        "delay_to_centre", {"days": 1, "at": "09:00"}, later=DAYS * 3, document={"centre": {"property": "created_at"}}
    ),
    "edit_record, one value": Line("edit_record", {"property": "city", "value": "Malmö"}),
    "edit_record, a text with tokens": Line(
        "edit_record", {"property": "city", "value": "{{ contact.first_name }} in {{ contact.city }}"}
    ),
    "edit_record, of associated ones": Line(
        "edit_record", {"of": "company", "property": "city", "value": "Malmö"}, before=("linked",)
    ),
    "edit_record, from a data source": Line(
        "edit_record", {"property": "city", "value": "{{ employer.name }}"}, before=("linked",),
        document={"sources": EMPLOYER},
    ),
    "change_number": Line("change_number", {"property": "lead_score", "by": 1}),
    "create_record": Line(
        "create_record", {"object": "company", "properties": {"name": "{{ contact.first_name }}"}, "associate": True}
    ),
    "create_task": Line("create_task", TASK, before=("linked",)),
    "create_note": Line("create_note", {"body": "<b>{{ contact.first_name }}</b>", "pinned": True}),
    "rotate_owner": Line("rotate_owner", {"team": NAMED}),
    "assign_conversation": Line(
        "assign_conversation", {"of": "conversation", "inbox": NAMED, "owner": "owner"}, before=("conversations",)
    ),
    "format_data": Line("format_data", {"format": "formula", "formula": "title(contact.city)"}),
    "format_phone": Line("format_phone", {"property": "phone", "country": "US"}),
    "delete_contact": Line("delete_contact"),
    "create_association": Line(
        "create_association", {"object": "company", "property": "job_title", "matches": "name"}
    ),
    "apply_label": Line("apply_label", {"of": "company", "new_label": "employer"}, before=("linked",)),
    "update_label": Line(
        "update_label", {"of": "company", "label": "old", "new_label": "employer"}, before=("labelled",)
    ),
    "remove_label": Line("remove_label", {"of": "company"}, before=("labelled",)),
    "add_to_list": Line("add_to_list", {"list": NAMED}),
    "remove_from_list": Line("remove_from_list", {"list": NAMED}, before=("listed",)),
    "add_to_audience": Line("add_to_audience", {"audience": NAMED}, before=ADVERTISED),
    "remove_from_audience": Line("remove_from_audience", {"audience": NAMED}, before=("marketing", "advertised")),
    "set_marketing_status": Line("set_marketing_status", {"status": "marketing"}),
    "set_subscription": Line(
        "set_subscription", {"type": NAMED, "status": "subscribed", "legal_basis": "consent"}
    ),
    "send_notification": Line("send_notification", {"users": ["owner"], "title": "Look at {{ contact.first_name }}"}),
    "send_internal_email": Line(
        "send_internal_email", {"to": ["owner"], "subject": "{{ contact.city }}", "body": "Look"}
    ),
    "send_email": Line("send_email", {"email": NAMED}, before=ADVERTISED),
    "send_internal_marketing_email": Line(
        "send_internal_marketing_email", {"email": NAMED, "addresses": "boss@example.com"}
    ),
    "send_survey": Line("send_survey", {"survey": NAMED}),
    "enroll_in_sequence": Line("enroll_in_sequence", {"sequence": NAMED, "sender": "owner"}),
    "enroll_in_prospecting_agent": Line("enroll_in_prospecting_agent", {"sender": "owner"}),
    "unenroll_from_sequence": Line("unenroll_from_sequence", {"sequence": NAMED}, before=("sequenced",)),
    "send_sms": Line("send_sms", SMS, before=("mobile", "opted in"), most=ASKED),
    "send_whatsapp": Line("send_whatsapp", WHATSAPP, before=("mobile", "opted in"), most=ASKED),
    "send_webhook, no answer wanted": Line(
        "send_webhook", {"method": "POST", "url": "/hook", "connection": NAMED, "properties": ["email", "city"]},
        most=ASKED,
    ),
    "send_webhook, with its answer": Line(
        "send_webhook",
        {
            "method": "POST", "url": "/hook", "connection": NAMED, "properties": ["email", "city"],
            "outputs": [{"name": "score", "path": "score", "type": "number"}],
        },
        most=ASKED,
    ),
    "ask_ai": Line("ask_ai", {"prompt": "Who is {{ contact.first_name }}?"}, most=ASKED),
    "research": Line("research", {"prompt": "Who is {{ contact.first_name }}?"}, most=ASKED),
    "enrich_record": Line("enrich_record", {"properties": ["country"], "known": ["email"]}, most=ASKED),
    "fill_property": Line(
        "fill_property", {"property": "country", "prompt": "Where is {{ contact.city }}?", "known": ["email"]},
        most=ASKED,
    ),
    "research_company": Line("research_company", {"of": "company", "known": ["name"]}, before=("linked",), most=ASKED),
    "summarise_record": Line("summarise_record", {"length": "sentence"}, most=ASKED),
    "custom_code": Line(
        "custom_code",
        {
            "code": DOUBLE, "inputs": [{"name": "n", "from": "lead_score"}],
            "outputs": [{"name": "twice", "type": "number"}],
        },
        most=PROCESSES,
    ),
}  # fmt: skip
#: Actions without a line, with the reason.
WITHOUT: dict[str, str] = {}
