"""Steps that work on associated records, and object types whose workflows may write some types only."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Conversation, Deal, SubscriptionType, User
from records.associations import associate
from records.models import PropertyDefinition
from records.object_types import object_types
from tests.api.conftest import client_of
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows import prepared
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.editor.page import palette
from workflows.engine.taking_steps import run_due
from workflows.models import StepExecution
from workflows.registries import actions
from workflows.step_forms import targets
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db
EDIT_CITY = {"property": "city", "value": "Lund"}


def context_of(object_type: str, action: str, **params: Any) -> StepContext:
    document = {
        "format": 1, "name": "X", "object": object_type, "trigger": {"kind": "manual"},
        "steps": [step("s", action, **params)],
    }  # fmt: skip
    found = parse(document)
    return StepContext(found, found.by_id["s"])


def problems(object_type: str, action: str, **params: Any) -> list[tuple[str, str, Any]]:
    found = checking.errors(checking.problems(context_of(object_type, action, **params).definition))
    return [(problem.path, str(problem.message), problem.value) for problem in found]


def told(object_type: str, action: str, made: Any) -> list[str]:
    context = context_of(object_type, action)
    lines = StepExecution.objects.filter(enrollment=made).order_by("id")
    return [str(actions[action].tell(line.detail, line.outcome, context)) for line in lines]


@pytest.fixture
def company() -> Company:
    return Company.objects.create(name="Acme", city="Malmö")


def people(company: Company, *labels: str) -> list[Contact]:
    """Contacts of a company, one for each label of its link."""
    made = [Contact.objects.create(email=f"c{i}-{company.pk}@example.com", lead_score=i) for i in range(len(labels))]
    for contact, label in zip(made, labels, strict=True):
        associate("company", "contact", [(company.pk, contact.pk)], label)
    return made


@pytest.mark.covers("ACG-05")
def test_the_user_chooses_which_of_the_associated_records(company: Company) -> None:
    people(company, "", "billing", "primary")
    steps = [
        step("all", "edit_record", of="contact", property="city", value="Near {{ company.city }}"),
        step("some", "edit_record", of="contact", label="billing", property="country", value="Sweden"),
        step("one", "edit_record", of="contact", which="primary", property="job_title", value="Boss"),
        step("same", "edit_record", of="contact", property="city", copy_from="city"),
        step("none", "edit_record", of="contact", label="legal", property="city", value="X"),
    ]
    (made,) = enroll(make_workflow(steps, "company"), [company.pk])
    run_due(NOW)
    rows = Contact.objects.order_by("pk").values_list("city", "country", "job_title")
    assert list(rows) == [("Malmö", "", ""), ("Malmö", "Sweden", ""), ("Malmö", "", "Boss")]
    assert told("company", "edit_record", made) == [
        "Set city of the associated contacts to “Near Malmö”",
        "Set country of the associated contacts to “Sweden”",
        "Set job title of the associated contacts to “Boss”",
        "Set city of the associated contacts to “Malmö”",
        "The record has no associated contacts.",
    ]


def test_the_only_one_is_the_primary_one_and_of_several_without_the_label_none_is(company: Company) -> None:
    other = Company.objects.create(name="Other")
    (only,) = people(other, "")
    people(company, "", "billing")
    workflow = make_workflow([step("s", "edit_record", of="contact", which="primary", **EDIT_CITY)], "company")
    alone, several = enroll(workflow, [other.pk, company.pk])
    run_due(NOW)
    assert list(Contact.objects.filter(city="Lund")) == [only]
    assert told("company", "edit_record", alone) == ["Set city of the associated contacts to “Lund”"]
    assert told("company", "edit_record", several) == ["None of the associated contacts is the primary one."]


def test_deleted_contacts_are_left_alone_and_what_is_the_same_is_not_written(company: Company) -> None:
    gone, same = people(company, "", "")
    Contact.objects.filter(pk=gone.pk).update(deleted_at=NOW)
    Contact.objects.filter(pk=same.pk).update(city="Lund")
    (made,) = enroll(make_workflow([step("s", "edit_record", of="contact", **EDIT_CITY)], "company"), [company.pk])
    run_due(NOW)
    gone.refresh_from_db()
    assert gone.city == "" and told("company", "edit_record", made) == ["The property already had this value."]


def test_a_contact_of_several_enrolled_records_is_changed_once_for_each(company: Company) -> None:
    other = Company.objects.create(name="Other", city="Oslo")
    (shared,) = people(company, "")
    associate("company", "contact", [(other.pk, shared.pk)])
    PropertyDefinition.objects.create(object_type="contact", slug="points", label="Points", type="number")
    steps = [
        step("add", "change_number", of="contact", property="lead_score", by=5),
        step("points", "change_number", of="contact", property="points", by=2),
        step("copy", "edit_record", of="contact", property="city", copy_from="city"),
    ]
    made = enroll(make_workflow(steps, "company"), [company.pk, other.pk])
    run_due(NOW)
    shared.refresh_from_db()
    assert (shared.lead_score, shared.custom["points"], shared.city) == (10, 4, "Oslo")
    lines = StepExecution.objects.filter(enrollment__in=made)
    assert set(lines.values_list("outcome", flat=True)) == {"success"}
    assert told("company", "change_number", made[0])[0] == "Increased lead score of the associated contacts by 5"


def test_what_a_step_writes_is_the_associated_records_property() -> None:
    context = context_of("company", "edit_record", of="contact", property="city", copy_from="city")
    assert context.step is not None
    action = actions["edit_record"]
    assert action.writes(context.step.params, context) == {"contact.city"}
    assert action.reads(context.step.params, context) == {"company.city"}
    assert action.describe(context.step.params, context) == "Copy City into city of the associated contacts" or (
        action.describe(context.step.params, context) == "Copy city into city of the associated contacts"
    )


@pytest.mark.parametrize(
    ("object_type", "params", "path", "words"),
    [
        ("company", {"of": "contact", "property": "domain", "value": "x"}, "property", "“domain” cannot be chosen"),
        ("company", {"of": "line_item", **EDIT_CITY}, "of", "Use one of: contact, company"),
        ("company", {"of": {"a": 1}, **EDIT_CITY}, "of", "Use one of: contact, company"),
        ("company", {"label": "billing", **EDIT_CITY}, "label", "A label is for associated records"),
        ("company", {"of": "contact", "which": "best", **EDIT_CITY}, "which", "best"),
        ("company", {"of": "contact", "property": "lead_score", "value": "x"}, "value", "is not a number"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(object_type: str, params: Any, path: str, words: str) -> None:
    found = problems(object_type, "edit_record", **params)
    assert [place for place, _message, _value in found][:1] == [f"steps.0.params.{path}"]
    assert words in found[0][1]


def test_the_panel_offers_the_associated_records_properties_and_keeps_what_was_sent() -> None:
    document = {"of": "contact", "label": "billing", "which": "primary", "property": "lead_score", "value": 5}
    form = actions["edit_record"].Params(document=document, context=context_of("company", "edit_record"))
    assert form.is_valid() and form.document() == document
    html = form.as_div()
    assert 'value="lead_score" selected' in html and 'name="label" value="billing"' in html
    assert "domain" not in [value for value, _label in form.fields["property"].choices]
    own = actions["edit_record"].Params(document=EDIT_CITY, context=context_of("company", "edit_record"))
    assert own.is_valid() and own.document() == EDIT_CITY
    assert own["label"].is_hidden and own["which"].is_hidden and not form["label"].is_hidden


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("edit_record", {"property": "city", "value": "{{ company.name }}"}),
        ("change_number", {"property": "lead_score", "by": 1}),
        ("set_subscription", {"type": "news", "status": "subscribed", "legal_basis": "consent"}),
    ],
)
def test_it_needs_as_many_queries_for_300_records_as_for_2(action: str, params: dict[str, Any]) -> None:
    SubscriptionType.objects.create(slug="news", name="News")

    def queries(count: int) -> int:
        companies = Company.objects.bulk_create(Company(name=f"C{i}") for i in range(count))
        contacts = Contact.objects.bulk_create(Contact(email=f"c{count}-{i}@example.com") for i in range(count))
        pairs = [(one.pk, other.pk) for one, other in zip(companies, contacts, strict=True)]
        associate("company", "contact", pairs, "primary")
        associate("company", "contact", [(companies[0].pk, contact.pk) for contact in contacts])
        workflow = make_workflow([step("s", action, of="contact", which="primary", **params)], "company")
        made = enroll(workflow, [one.pk for one in companies])
        prepared.known.clear()
        prepared.kept.clear()
        with CaptureQueriesContext(connection) as captured:
            run_due(NOW, limit=1_000)
        lines = StepExecution.objects.filter(enrollment__in=made)
        assert lines.filter(outcome="success").count() == count
        return len(captured)

    assert queries(2) == queries(300)


# What workflows for conversations may write


@pytest.mark.covers("ACG-09")
def test_a_conversations_workflow_writes_properties_of_its_contacts_only() -> None:
    conversation = Conversation.objects.create(subject="Help", status="open")
    ann, company = Contact.objects.create(email="ann@example.com", lead_score=1), Company.objects.create(name="Acme")
    associate("conversation", "contact", [(conversation.pk, ann.pk)])
    associate("conversation", "company", [(conversation.pk, company.pk)])
    assert problems("conversation", "edit_record", of="contact", **EDIT_CITY) == []
    assert problems("conversation", "change_number", of="contact", property="lead_score", by=2) == []
    assert problems("conversation", "edit_record", property="status", value="closed") == [
        ("steps.0.params.of",
         "Workflows for conversations may only change properties of associated records. Choose them with “of”: "
         "contact.", None),
    ]  # fmt: skip
    for action, params in (("edit_record", EDIT_CITY), ("change_number", {"property": "employees", "by": 1})):
        assert problems("conversation", action, of="company", **params) == [
            ("steps.0.params.of",
             "Workflows for conversations may not change properties of “company”. Use one of: contact.", "company"),
        ]  # fmt: skip
    steps = [
        step("edit", "edit_record", of="contact", property="city", value="About {{ conversation.subject }}"),
        step("more", "change_number", of="contact", property="lead_score", by=2),
    ]
    enroll(make_workflow(steps, "conversation"), [conversation.pk])
    run_due(NOW)
    ann.refresh_from_db()
    assert (ann.city, ann.lead_score) == ("About Help", 3)


@pytest.mark.covers("ACG-09")
def test_the_catalogue_says_what_a_conversations_workflow_may_write(boss: User) -> None:
    reasons = {one["slug"]: one["reason"] for group in palette("conversation") for one in group["actions"]}
    assert reasons["rotate_owner"] == "Not for conversation workflows"
    assert reasons["edit_record"] == reasons["change_number"] == reasons["set_subscription"] == ""
    schema = actions["edit_record"].Params.schema(context_of("conversation", "edit_record"))
    assert schema["properties"]["of"]["enum"] == ["contact"]
    api = client_of(boss)
    catalogue = {one["slug"]: one["object_types"] for one in api.send("GET", "catalog/").document["actions"]}
    assert catalogue["edit_record"] is None
    assert set(object_types) - set(catalogue["rotate_owner"]) == {"conversation"}
    kinds = {one["slug"]: one["workflows_write"] for one in api.send("GET", "object-types/").document["results"]}
    assert kinds["conversation"] == ["contact"] and kinds["deal"] is None


@pytest.mark.covers("ACG-09")
def test_no_other_action_may_write_the_conversation_either() -> None:
    ((path, message, value),) = problems("conversation", "rotate_owner", users=[])[:1]
    assert path == "steps.0.action" and "cannot be used with conversations" in message and value == "rotate_owner"


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


def test_a_deals_workflow_writes_its_own_and_all_associated_records() -> None:
    deal = Deal.objects.create(name="Big")
    company = Company.objects.create(name="Acme", employees=3)
    associate("deal", "company", [(deal.pk, company.pk)])
    steps = [
        step("own", "edit_record", property="name", value="Bigger"),
        step("other", "edit_record", of="company", property="employees", clear=True),
    ]
    enroll(make_workflow(steps, "deal"), [deal.pk])
    run_due(NOW)
    deal.refresh_from_db()
    company.refresh_from_db()
    assert (deal.name, company.employees) == ("Bigger", None)


def test_a_step_works_on_a_thousand_associated_records_at_most_and_says_so(company: Company) -> None:
    made = Contact.objects.bulk_create(Contact(lead_score=i) for i in range(targets.LIMIT + 2))
    associate("company", "contact", [(company.pk, one.pk) for one in made])
    associate("company", "contact", [(company.pk, made[-1].pk)], "primary")
    few = Company.objects.create(name="Few")
    people(few, "", "")
    steps = [
        step("all", "edit_record", of="contact", **EDIT_CITY),
        step("one", "edit_record", of="contact", which="primary", property="country", value="Sweden"),
    ]
    many, some = enroll(make_workflow(steps, "company"), [company.pk, few.pk])
    run_due(NOW)
    assert Contact.objects.filter(city="Lund").count() == targets.LIMIT + 2
    assert list(Contact.objects.filter(country="Sweden")) == [made[-1]]
    assert told("company", "edit_record", many)[0] == (
        "Set city of the associated contacts to “Lund” – only for the first 1000 of them, as there are more"
    )
    assert told("company", "edit_record", some)[0] == "Set city of the associated contacts to “Lund”"
