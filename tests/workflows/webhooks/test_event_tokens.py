"""What was told with the event that enrolled a record, in texts and fields of later steps."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Contact, Note, Task
from records.clock import database_now
from records.happening import Occurrence, happen
from records.models import CustomEventProperty, CustomEventType, PropertyDefinition
from records.problems import DocumentError
from tests.workflows.publishing_deals import boss
from tests.workflows.webhooks.sending import webhook_of
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.enrollment.enrolling import enroll
from workflows.lifecycle import publishing
from workflows.models import Enrollment, StepExecution, Workflow
from workflows.processes.ticking import tick
from workflows.step_forms.offered_tokens import origins
from workflows.step_forms.params import StepContext
from workflows.webhooks import mapping, receiving

pytestmark = pytest.mark.django_db
CHANGED = {"event": "property_changed", "property": "city"}


def on(steps: list[dict[str, Any]], *events: dict[str, Any], again: bool = True) -> Workflow:
    document = {
        "format": 1, "name": "Told", "object": "contact", "steps": steps,
        "trigger": {"kind": "event", "events": list(events), "reenroll": again} if events else {"kind": "manual"},
    }  # fmt: skip
    workflow = drafting.create("Told", "contact", boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def task(title: str, **params: Any) -> dict[str, Any]:
    return {"id": "task", "action": "create_task", "params": {"title": title, **params}}


def run() -> None:
    tick(database_now())


def titles() -> list[str]:
    return list(Task.objects.order_by("pk").values_list("title", flat=True))


def signup() -> None:
    kind = CustomEventType.objects.create(slug="signed_up", label="Signed up", object_type="contact")
    facts = (("plan", "text"), ("seats", "number"), ("starts", "date"))
    CustomEventProperty.objects.bulk_create(
        CustomEventProperty(event_type=kind, slug=slug, label=slug.title(), type=type) for slug, type in facts
    )


@pytest.mark.covers("WBH-14")
def test_a_tasks_title_holds_a_value_of_the_payload():
    webhook = webhook_of()
    mapping.change(webhook, {"order.total": {"type": "number"}})
    Contact.objects.create(email="ada@example.com", first_name="Ada")
    on([task("{{ contact.first_name }} paid {{ event.order_total | number: 2 }}")], {"event": webhook.slug})
    receiving.receive(
        webhook, {"customer": {"email": "ada@example.com"}, "order": {"total": 49.9}}, None, database_now()
    )
    run()
    assert titles() == ["Ada paid 49.90"]


@pytest.mark.covers("DAT-20", "EVT-27")
def test_properties_of_a_custom_event_are_tokens_and_each_record_has_its_own():
    signup()
    on(
        [task("{{ event.plan | upper | default: 'NO PLAN' }} for {{ event.seats }} from {{ event.starts }}")],
        {"event": "signed_up"},
    )
    ids = [Contact.objects.create(email=f"c{n}@example.com").pk for n in range(3)]
    told = [{"plan": "gold", "seats": 5, "starts": "2026-12-01"}, {"plan": "tin", "seats": 1}, {}]
    happen(
        "signed_up",
        "contact",
        [Occurrence(pk, facts) for pk, facts in zip(ids, told, strict=True)],
        now=database_now(),
    )
    run()
    assert sorted(titles()) == ["GOLD for 5 from Dec. 1, 2026", "NO PLAN for from", "TIN for 1 from"]


def test_the_event_that_enrolled_counts_and_no_later_one():
    signup()
    wait = {"id": "wait", "action": "delay", "params": {"days": 1}}
    on([wait, task("{{ event.plan }}")], {"event": "signed_up"}, again=False)
    ada = Contact.objects.create(email="ada@example.com").pk
    for plan in ("gold", "tin"):
        happen("signed_up", "contact", [ada], properties={"plan": plan}, now=database_now())
        run()
    Enrollment.objects.update(due_at=database_now())
    run()
    assert titles() == ["gold"]


def test_the_old_and_new_value_of_a_change_are_tokens():
    on([task("Moved from {{ event.old | default: 'nowhere' }} to {{ event.new }}")], CHANGED)
    ada = Contact.objects.create(email="ada@example.com")
    for city in ("Lund", "Oslo"):
        Contact.objects.filter(pk=ada.pk).update(city=city)
        run()
    assert titles() == ["Moved from nowhere to Lund", "Moved from Lund to Oslo"]


def test_several_events_tell_what_each_has():
    signup()
    on([task("{{ event.plan }}{{ event.new }}")], {"event": "signed_up"}, CHANGED)
    ada, ben = (Contact.objects.create(email=f"{name}@example.com") for name in ("ada", "ben"))
    happen("signed_up", "contact", [ada.pk], properties={"plan": "gold"}, now=database_now())
    Contact.objects.filter(pk=ben.pk).update(city="Lund")
    run()
    assert sorted(titles()) == ["Lund", "gold"]


def test_who_was_enrolled_by_hand_has_blanks_and_default_fills_them():
    signup()
    workflow = on([task("Plan: {{ event.plan | default: 'none' }}{{ event.seats }}")], {"event": "signed_up"})
    ada = Contact.objects.create(email="ada@example.com").pk
    enroll(workflow, [ada], cause={"kind": "manual"}, now=database_now())
    run()
    assert titles() == ["Plan: none"]


@pytest.mark.parametrize("event", [{"event": "signed_up"}, None])
def test_a_token_nobody_tells_keeps_a_workflow_from_being_published(event):
    signup()
    with pytest.raises(DocumentError) as refused:
        on([task("{{ event.colour }}")], *([event] if event else []))
    sentence = str(refused.value.problems[0].message)
    assert "There is no token “event.colour”" in sentence
    assert ("event.plan" in sentence) == bool(event)


def test_markup_in_a_payload_is_text():
    signup()
    note = {"id": "note", "action": "create_note", "params": {"body": "<p>{{ event.plan }}</p>"}}
    on([note, task("{{ event.plan }}", body="{{ event.plan }}")], {"event": "signed_up"})
    ada = Contact.objects.create(email="ada@example.com").pk
    plan = "<img src=x onerror=alert(1)> {{ contact.email }}"
    happen("signed_up", "contact", [ada], properties={"plan": plan}, now=database_now())
    run()
    assert titles() == [plan]
    assert "<img" not in Note.objects.get().body and "&lt;img" in Note.objects.get().body


@pytest.mark.covers("WBH-14", "DAT-20")
def test_a_property_is_edited_from_the_event_by_copying_or_by_a_token():
    signup()
    PropertyDefinition.objects.create(object_type="contact", slug="seats", label="Seats", type="number")
    copy = {"id": "copy", "action": "edit_record", "params": {"property": "seats", "copy_from": "event.seats"}}
    text = {"id": "text", "action": "edit_record", "params": {"property": "city", "value": "{{ event.plan }} city"}}
    workflow = on([copy, text], {"event": "signed_up"})
    ada, ben = (Contact.objects.create(email=f"{name}@example.com", custom={"seats": 2}).pk for name in ("ada", "ben"))
    happen("signed_up", "contact", [ada], properties={"plan": "gold", "seats": 5}, now=database_now())
    enroll(workflow, [ben], cause={"kind": "manual"}, now=database_now())
    run()
    assert [(one.custom, one.city) for one in Contact.objects.order_by("pk")] == [
        ({"seats": 5}, "gold city"), ({"seats": 2}, "city"),
    ]  # fmt: skip
    skipped = StepExecution.objects.get(enrollment__record_id=ben, step="copy")
    assert (skipped.outcome, skipped.detail["reason"]) == ("skipped", "nothing_to_copy")


def test_what_cannot_be_copied_keeps_a_workflow_from_being_published():
    signup()
    for name, said in (("event.starts", "cannot be copied"), ("event.colour", "cannot be chosen")):
        step = {"id": "copy", "action": "edit_record", "params": {"property": "lead_score", "copy_from": name}}
        with pytest.raises(DocumentError, match=said):
            on([step], {"event": "signed_up"})


def test_hundreds_of_events_cost_as_many_statements_as_one():
    signup()
    on([task("{{ event.plan }}", body="{{ event.seats }}")], {"event": "signed_up"})

    def cost(count: int) -> int:
        start = Contact.objects.count()
        ids = [Contact.objects.create(email=f"c{start + n}@example.com").pk for n in range(count)]
        happen("signed_up", "contact", [Occurrence(pk, {"plan": str(pk)}) for pk in ids], now=database_now())
        with CaptureQueriesContext(connection) as asked:
            run()
        return len([one for one in asked if 'records_event"' in one["sql"] and "fact_" in one["sql"]])

    assert cost(1) == cost(200) == 2
    assert set(titles()) == {str(pk) for pk in Contact.objects.values_list("pk", flat=True)}


def test_the_page_offers_the_tokens_of_the_event_first():
    signup()
    document = {
        "format": 1, "name": "T", "object": "contact", "steps": [],
        "trigger": {"kind": "event", "events": [{"event": "signed_up"}]},
    }  # fmt: skip
    groups = {origin.heading: dict(origin.choices) for origin in origins(StepContext(parse(document)))}
    assert next(iter(groups)) == "The event that enrolled it"
    assert groups["The event that enrolled it"]["event.plan"] == "Plan"
    assert "contact.email" in groups["Contact"]
