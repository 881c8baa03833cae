"""Enrich record and summarise record: what is asked, what is written, and by whom."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from crm.models import Company, Contact, Deal, Note, Task
from records.associations import associate
from records.journal import changes_of
from records.models import PropertyDefinition
from records.object_types import object_types
from tests.workflows.ai import speaking
from tests.workflows.ai.speaking import anthropic, openai, saying
from tests.workflows.building import NOW, enroll, make_workflow, step
from tests.workflows.outside.receiver import receiving
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.history.telling import path_of
from workflows.models import AIUse, Enrollment
from workflows.outbox import requesting
from workflows.registries import actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings, admin_user):
    with receiving() as found:
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        speaking.provider(found.url, admin_user)
        yield found


def run(object_type, ids, *steps):
    workflow = make_workflow(list(steps), object_type)
    made = enroll(workflow, ids)
    run_due(NOW)
    requesting.send_due(lambda: NOW)
    run_due(NOW)
    return workflow, made


def told(enrollment):
    lines = path_of(Enrollment.objects.get(pk=enrollment.pk))
    return [str(line.sentence) for line in lines if line.kind == "step" and line.outcome != "waiting"]


def asked(receiver):
    text = receiver.received[0].document["messages"][1]["content"]
    return json.loads(text.partition("<record>")[2].removesuffix("</record>"))


ENRICH = {"properties": ["industry", "employees", "city", "lifecycle_stage"], "known": ["name", "domain"]}


@pytest.mark.covers("AIA-01")
def test_blank_properties_are_filled_in_as_their_types_are_with_the_workflow_as_cause(receiver):
    company = Company.objects.create(name="Acme", domain="acme.example", city="Oslo")
    values = {"industry": "Robotics", "employees": 120, "lifecycle_stage": "nonsense", "city": "Paris", "name": "Evil"}
    receiver.answer = saying(openai(values))
    workflow, [enrollment] = run("company", [company.pk], step("fill", "enrich_record", **ENRICH))
    assert asked(receiver) == {"name": "Acme", "domain": "acme.example"}
    schema = receiver.received[0].document["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["industry", "employees", "lifecycle_stage"], "what is there is not asked for"
    company.refresh_from_db()
    assert (company.industry, company.employees, company.city, company.name) == ("Robotics", 120, "Oslo", "Acme")
    assert "filled in industry: Robotics, employees: 120" in told(enrollment)[0]
    assert "did not fit: lifecycle_stage" in told(enrollment)[0]
    change = changes_of(object_types["company"], company.pk).order_by("-id")[0]
    assert change.source["kind"] == "workflow" and change.source["workflow"] == workflow.pk
    assert change.after["industry"] == "Robotics"


@pytest.mark.covers("AIA-01")
def test_values_are_overwritten_only_where_that_is_wanted_and_never_emptied(receiver):
    company = Company.objects.create(name="Acme", industry="Food", city="Oslo", employees=5, lifecycle_stage="lead")
    receiver.answer = saying(
        openai({"industry": "Robotics", "employees": None, "city": "Oslo", "lifecycle_stage": ""})
    )
    _workflow, [kept] = run("company", [company.pk], step("fill", "enrich_record", **ENRICH))
    assert receiver.received == [] and "so nobody was asked" in told(kept)[0]
    assert AIUse.objects.filter(executions__gt=0).count() == 0, "and none counts"
    _workflow, [over] = run("company", [company.pk], step("fill", "enrich_record", **ENRICH, overwrite=True))
    company.refresh_from_db()
    assert (company.industry, company.employees, company.city) == ("Robotics", 5, "Oslo")
    assert told(over)[0].endswith("filled in industry: Robotics")


@pytest.mark.covers("AIA-01", "ACG-04")
def test_a_deals_company_is_enriched_and_what_people_wrote_meanwhile_stays(receiver, admin_user):
    contact, company = Contact.objects.create(email="ann@example.com"), Company.objects.create(name="Acme")
    associate("contact", "company", [(contact.pk, company.pk)])
    receiver.answer = saying(openai({"industry": "Robotics", "city": "Paris", "employees": 12.5}))
    workflow = make_workflow(
        [step("fill", "enrich_record", of="company", properties=["industry", "city", "employees"], known=["name"])]
    )
    [enrollment] = enroll(workflow, [contact.pk])
    run_due(NOW)
    requesting.send_due(lambda: NOW)
    Company.objects.filter(pk=company.pk).update(city="Oslo")
    run_due(NOW)
    company.refresh_from_db()
    assert (company.industry, company.city, company.employees) == ("Robotics", "Oslo", None)
    assert "did not fit: employees" in told(enrollment)[0]
    assert (
        not actions["enrich_record"].offered_to(object_types["note"])
        or "contact" in object_types["note"].associates_with
    )
    assert actions["enrich_record"].offered_to(object_types["deal"])


@pytest.mark.covers("AIA-04")
def test_a_summary_is_made_of_properties_and_newest_activities(receiver):
    contact = Contact.objects.create(email="ann@example.com", first_name="Ann", city="Malmö")
    notes = [Note(body=f"<p>Note <b>{i}</b></p>", created_at=NOW - dt.timedelta(days=20 - i)) for i in range(12)]
    notes = Note.objects.bulk_create(notes)
    task = Task.objects.create(title="Call Ann", body="About the offer")
    other = Note.objects.create(body="Somebody else's")
    gone = Note.objects.create(body="Deleted", deleted_at=NOW)
    associate("contact", "note", [(contact.pk, note.pk) for note in [*notes, gone]])
    associate("contact", "task", [(contact.pk, task.pk)])
    receiver.answer = saying(openai({"summary": "Ann waits for an offer.\nCall her."}))
    _workflow, [enrollment] = run(
        "contact", [contact.pk],
        step("sum", "summarise_record", length="sentence", activities=True, focus="What {{ contact.city }} wants"),
        step("set", "edit_record", property="job_title", copy_from="output.sum.summary"),
    )  # fmt: skip
    data = asked(receiver)
    assert (data["properties"]["first_name"], data["contact.city"]) == ("Ann", "Malmö")
    bodies = [one.get("body") for one in data["activities"] if one["activity"] == "note"]
    assert len(bodies) == 10 and bodies[0] == "Note 11" and "Note 1" not in bodies
    assert [one["title"] for one in data["activities"] if one["activity"] == "task"] == ["Call Ann"]
    assert other.body not in json.dumps(data) and "Deleted" not in json.dumps(data)
    text = receiver.received[0].document["messages"][1]["content"]
    assert "in one sentence" in text and "What matters most: What «contact.city» wants" in text
    contact.refresh_from_db()
    assert contact.job_title.startswith("Ann waits for an offer.")
    assert "wrote “Ann waits for an offer." in told(enrollment)[0]


def test_who_searches_is_asked_to_and_the_others_are_not(receiver, admin_user):
    speaking.provider(receiver.url, admin_user, "anthropic", searches=True, is_default=True)
    company = Company.objects.create(name="Acme")
    receiver.answer = saying(anthropic({"industry": "Robotics"}, pages=("https://acme.example/",)))
    run("company", [company.pk], step("fill", "enrich_record", properties=["industry"], known=["name"]))
    assert {one["name"] for one in receiver.received[0].document["tools"]} == {"answer", "web_search"}
    company.refresh_from_db()
    assert company.industry == "Robotics"


@pytest.mark.covers("AIA-05")
def test_one_property_is_filled_in_by_a_prompt_of_ones_own_and_typed_as_it_is(receiver, admin_user):
    options = [{"value": "a", "label": "Makes things"}, {"value": "b", "label": "Sells things"}]
    PropertyDefinition.objects.create(
        object_type="company", slug="model", label="Business model", type="select", options=options
    )
    company = Company.objects.create(name="Acme", domain="acme.example")
    contact = Contact.objects.create(email="ann@acme.example", job_title="Buyer of steel")
    associate("contact", "company", [(contact.pk, company.pk)])
    fill = {"of": "company", "property": "model", "known": ["name"]}
    fill |= {"prompt": "How does it earn money? Ann is {{ contact.job_title }}."}
    receiver.answer = saying(openai({"model": "a"}), openai({"model": "nonsense"}), openai({"model": "b"}))
    _workflow, [first] = run("contact", [contact.pk], step("fill", "fill_property", **fill))
    assert asked(receiver) == {"name": "Acme", "contact.job_title": "Buyer of steel"}
    text = receiver.received[0].document["messages"][1]["content"]
    assert "How does it earn money? Ann is «contact.job_title»." in text
    schema = receiver.received[0].document["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["model"]["enum"] == ["a", "b", None]
    company.refresh_from_db()
    assert company.custom["model"] == "a" and told(first)[0].endswith("filled in model: a")
    _workflow, [kept] = run("contact", [contact.pk], step("fill", "fill_property", **fill))
    assert "so nobody was asked" in told(kept)[0] and len(receiver.received) == 1
    _workflow, [wrong] = run("contact", [contact.pk], step("fill", "fill_property", **fill, overwrite=True))
    assert "did not fit: model" in told(wrong)[0]
    run("contact", [contact.pk], step("fill", "fill_property", **fill, overwrite=True))
    company.refresh_from_db()
    assert company.custom["model"] == "b"


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"property": "email", "prompt": "x"}, "AI cannot fill in"),
        ({"property": "owner", "prompt": "x"}, "AI cannot fill in"),
        ({"property": "created_at", "prompt": "x"}, "cannot be chosen here"),
        ({"property": "city", "prompt": "{{ contact.nothing }}"}, "There is no token"),
        ({"property": "city"}, "is missing"),
        ({"property": "city", "prompt": "x", "label": "old"}, "label"),
    ],
)
def test_what_ai_cannot_fill_in_is_refused_at_publish(receiver, params, says):
    parsed = parse({"object": "contact", "steps": [step("s", "fill_property", **params)]})
    found = checking.errors(checking.problems(parsed))
    assert says in " ".join(f"{one.path} {one.message}" for one in found)


@pytest.mark.covers("AIA-05")
def test_a_deals_company_is_researched_and_later_steps_use_what_was_found(receiver, admin_user):
    speaking.provider(receiver.url, admin_user, "anthropic", searches=True, is_default=True)
    deal, company = Deal.objects.create(name="Big one"), Company.objects.create(name="Acme", domain="acme.example")
    associate("deal", "company", [(deal.pk, company.pk)])
    found = {"summary": "Makes robots.", "employees": 120, "founded": "long ago", "website": "https://acme.example"}
    receiver.answer = saying(anthropic(found, pages=("https://acme.example/about",)))
    research = {"of": "company", "known": ["name", "domain"], "focus": "What {{ deal.name }} is about"}
    _workflow, [enrollment] = run(
        "deal", [deal.pk], step("look", "research_company", **research),
        step("set", "edit_record", property="name", value="{{ output.look.summary }} {{ output.look.employees }}"),
    )  # fmt: skip
    got = json.dumps(receiver.received[0].document)
    assert "What matters most: What \\u00abdeal.name\\u00bb is about" in got and "Acme" in got and "Big one" in got
    assert {one["name"] for one in receiver.received[0].document["tools"]} == {"answer", "web_search"}
    deal.refresh_from_db()
    assert deal.name == "Makes robots. 120"
    outputs = Enrollment.objects.get(pk=enrollment.pk).outputs["look"]
    assert outputs["sources"] == "https://acme.example/about" and outputs["founded"] is None
    assert "Left out, as they did not fit: founded, from 1 page" in told(enrollment)[0]


def test_researching_a_company_takes_a_provider_that_searches(receiver):
    parsed = parse({"object": "company", "steps": [step("s", "research_company", known=["name"])]})
    assert "does not search the web" in str(checking.errors(checking.problems(parsed))[0].message)
    assert actions["research_company"].unavailable() == "No AI provider searches the web"
