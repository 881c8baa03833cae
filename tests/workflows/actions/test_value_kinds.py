"""Where the values of steps come from: each kind of value that definitions have, in a step that uses it."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from crm.models import Company, Contact
from records.associations import associate
from records.clock import database_now
from records.happening import happen
from records.models import PropertyDefinition
from tests.workflows.building import NOW, enroll, make_workflow, step
from tests.workflows.outside.receiver import receiving
from tests.workflows.publishing_deals import boss
from workflows import drafting
from workflows.engine.taking_steps import run_due
from workflows.lifecycle import publishing
from workflows.models import StepExecution
from workflows.outbox import requesting
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db
SOURCE = {"id": "firm", "name": "Firm", "object": "company", "condition": "association"}


@pytest.fixture
def ann():
    options = [{"value": one, "label": one.title()} for one in ("red", "green", "blue")]
    for slug, kind in (
        ("interests", "multi_select"),
        ("wishes", "multi_select"),
        ("seen", "datetime"),
        ("due", "date"),
    ):
        more = {"options": options} if kind == "multi_select" else {}
        PropertyDefinition.objects.create(object_type="contact", slug=slug, label=slug.title(), type=kind, **more)
    custom = {"interests": ["red"], "wishes": ["blue"]}
    contact = Contact.objects.create(email="ann@example.com", city="Lund", lead_score=7, custom=custom)
    company = Company.objects.create(name="Acme", city="Oslo", employees=12)
    associate("contact", "company", [(contact.pk, company.pk)])
    return contact


def edit(**params):
    return step("s", "edit_record", **params)


#: By kind: the steps before the last one, the last one, the property that is looked at, and what it holds then.
KINDS = {
    "static value": ([], edit(property="city", value="Malmö"), "city", "Malmö"),
    "property of the enrolled record": ([], edit(property="job_title", copy_from="city"), "job_title", "Lund"),
    "property of another source": ([], edit(property="city", copy_from="firm.city"), "city", "Oslo"),
    "output of an earlier step": (
        [step("f", "format_data", format="upper", value="city")],
        edit(property="city", copy_from="output.f.result"), "city", "LUND",
    ),
    "moment of execution": ([], edit(property="seen", moment={"when": "now"}), "seen", NOW),
    "relative date": (
        [], edit(property="due", moment={"when": "after", "amount": 3, "unit": "days"}), "due", dt.date(2026, 11, 26),
    ),
    "increment": ([], step("s", "change_number", property="lead_score", by=5), "lead_score", 12),
    "appended static value": (
        [], edit(property="interests", value=["green"], append=True), "interests", ["red", "green"],
    ),
    "appended property": (
        [], edit(property="interests", copy_from="wishes", append=True), "interests", ["red", "blue"],
    ),
    "list": ([], edit(property="wishes", value=["red", "green"]), "wishes", ["green", "red"]),
    "several values in one text": (
        [], edit(property="job_title", value="{{ contact.city }} {{ firm.name }} {{ contact.lead_score }}"),
        "job_title", "Lund Acme 7",
    ),
}  # fmt: skip


@pytest.mark.covers("DAT-22")
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_takes_a_value_of_this_kind(ann, kind):
    before, last, slug, expected = KINDS[kind]
    enroll(make_workflow([*before, last], sources=[SOURCE]), [ann.pk])
    run_due(NOW)
    assert StepExecution.objects.get(step="s").outcome == "success"
    ann.refresh_from_db()
    found = ann.custom[slug] if slug in ann.custom else getattr(ann, slug)
    if isinstance(expected, dt.datetime):
        found = dt.datetime.fromisoformat(found)
    elif isinstance(expected, dt.date):
        found = dt.date.fromisoformat(found)
    assert found == expected


@pytest.mark.covers("DAT-22")
def test_a_property_of_the_event_that_enrolled_a_map_and_where_the_record_is_go_into_a_document(ann, settings):
    template = {
        "map": {"score": "{{ contact.lead_score }}", "deep": {"name": "{{ firm.name }}"}},
        "list": ["{{ contact.city }}", 1, None], "from": {"type": "contact", "id": "{{ contact.id }}"},
        "told": "{{ event.url }}",
    }  # fmt: skip
    with receiving() as receiver:
        settings.WEBHOOK_ALLOWED_HOSTS = [receiver.place]
        hook = step("s", "send_webhook", method="POST", url=receiver.url, body="json", template=json.dumps(template))
        definition = {
            "format": 1, "object": "contact", "trigger": {"kind": "event", "events": [{"event": "page_viewed"}]},
            "steps": [hook], "sources": [SOURCE],
        }  # fmt: skip
        workflow = drafting.create("Told", "contact", boss(), definition)
        publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
        facts = {"url": "https://ours.example/prices"}
        happen("page_viewed", "contact", [ann.pk], properties=facts, now=database_now())
        tick(database_now())
        requesting.send_due(database_now)
        assert receiver.received[0].document == {
            "map": {"score": 7, "deep": {"name": "Acme"}}, "list": ["Lund", 1, None],
            "from": {"type": "contact", "id": ann.pk}, "told": "https://ours.example/prices",
        }  # fmt: skip
