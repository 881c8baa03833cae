"""Steps that make records: with values of the enrolled one, each for itself, and never for what they made."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from crm.models import Company, Contact, Conversation, Deal, Note, Task, Ticket, User
from records.associations import associate, ids_of
from records.journal import change_source
from records.models import Change, PropertyDefinition
from tests.api.conftest import person
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution, Workflow
from workflows.registries import actions
from workflows.step_forms import targets
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db
NAMED = {"name": "{{ contact.last_name }} & Co", "employees": 3}
FIRM = {"object": "company", "properties": NAMED}


def context_of(object_type: str, **params: Any) -> StepContext:
    document = {
        "format": 1, "name": "X", "object": object_type, "trigger": {"kind": "manual"},
        "steps": [step("s", "create_record", **params)],
    }  # fmt: skip
    found = parse(document)
    return StepContext(found, found.by_id["s"])


def problems(object_type: str, user: Any = None, **params: Any) -> list[tuple[str, str]]:
    definition = context_of(object_type, **params).definition
    return [(one.path, str(one.message)) for one in checking.errors(checking.problems(definition, user=user))]


def run(workflow: Workflow, *records: Any) -> list[Enrollment]:
    made = enroll(workflow, [record.pk for record in records])
    run_due(NOW)
    return made


def lines(made: list[Enrollment]) -> list[StepExecution]:
    return list(StepExecution.objects.filter(enrollment__in=made).order_by("enrollment", "id"))


def told(line: StepExecution, object_type: str = "contact") -> str:
    context = context_of(object_type)
    return str(actions[line.action].tell(line.detail, line.outcome, context))


@pytest.mark.covers("CRM-10")
def test_a_record_gets_values_of_the_enrolled_one_and_is_associated_with_it() -> None:
    owner = User.objects.create(username="amy")
    ann, ben = (Contact.objects.create(last_name=name, email=f"{name}@example.com") for name in ("Berg", "Dahl"))
    properties = NAMED | {"owner": "amy", "city": "{{ contact.city | default: 'Lund' }}"}
    workflow = make_workflow([step("s", "create_record", object="company", properties=properties, associate=True)])
    made = run(workflow, ann, ben)
    rows = Company.objects.order_by("pk").values_list("name", "employees", "owner", "city")
    assert list(rows) == [("Berg & Co", 3, owner.pk, "Lund"), ("Dahl & Co", 3, owner.pk, "Lund")]
    firm = Company.objects.get(name="Berg & Co")
    assert ids_of("contact", [ann.pk], "company") == {ann.pk: [firm.pk]}
    change = Change.objects.get(object_type="company", record_id=firm.pk, kind="created")
    assert (change.source or {})["workflow"] == workflow.pk
    assert (
        told(lines(made)[0]) == f'Created the company <a href="/admin/crm/company/{firm.pk}/change/">Berg &amp; Co</a>'
    )


def test_who_cannot_have_one_fails_alone_and_is_told_why() -> None:
    Contact.objects.create(email="info@taken.example")
    taken, free = (Company.objects.create(name=name, domain=f"{name}.example") for name in ("taken", "free"))
    twin = Company.objects.create(name="Twin", domain="free.example")
    blank = Company.objects.create(name="Blank")
    params = {"object": "contact", "properties": {"email": "info@{{ company.domain }}"}}
    made = run(make_workflow([step("s", "create_record", **params)], "company"), taken, free, twin, blank)
    assert Contact.objects.filter(email="info@free.example").count() == 1
    found = lines(made)
    assert [line.outcome for line in found] == ["failed", "success", "failed", "failed"]
    assert told(found[0], "company").startswith(
        "No record was created: Another contact already has the email “info@taken"
    )
    assert "Another contact already has the email" in told(found[2], "company")
    assert "info@" in told(found[3], "company")


@pytest.mark.covers("ACG-14")
def test_what_a_workflow_has_made_itself_makes_nothing_more() -> None:
    steps = [
        step("s", "create_record", object="contact", properties={"first_name": "Child of {{ contact.first_name }}"})
    ]
    workflow, other = make_workflow(steps), make_workflow(steps)
    ann = Contact.objects.create(first_name="Ann")
    run(workflow, ann)
    child = Contact.objects.get(first_name="Child of Ann")
    (again,) = run(workflow, child)
    assert not Contact.objects.filter(first_name="Child of Child of Ann").exists()
    (line,) = lines([again])
    assert (line.outcome, line.detail["reason"]) == ("skipped", "made_here")
    assert told(line).endswith("loop prevention.")
    again.refresh_from_db()
    assert again.status == "completed", "the record goes on"
    run(other, child)
    assert Contact.objects.filter(first_name="Child of Child of Ann").count() == 1, "another workflow made it"


@pytest.mark.covers("ACG-14")
@pytest.mark.parametrize(("slug", "model", "text"), [("task", Task, {"title": "T"}), ("note", Note, {"body": "T"})])
def test_tasks_and_notes_are_held_back_only_in_workflows_for_themselves(slug: str, model: Any, text: Any) -> None:
    own = make_workflow([step("s", f"create_{slug}", **text)], slug)
    first = model.objects.create(**text)
    run(own, first)
    second = model.objects.exclude(pk=first.pk).get()
    (again,) = run(own, second)
    assert model.objects.count() == 2
    assert [line.detail["reason"] for line in lines([again])] == ["made_here"]
    contacts = make_workflow([step("s", f"create_{slug}", **text)])
    with change_source("workflow", workflow=contacts.pk):
        made = Contact.objects.create(email="made@example.com")
    run(contacts, made)
    assert model.objects.count() == 3, "a note about what was made is no loop"


def test_a_conversations_workflow_may_create_tickets() -> None:
    conversation = Conversation.objects.create(subject="Broken")
    params = {"object": "ticket", "properties": {"subject": "{{ conversation.subject }}"}, "associate": True}
    assert problems("conversation", **params) == []
    run(make_workflow([step("s", "create_record", **params)], "conversation"), conversation)
    ticket = Ticket.objects.get(subject="Broken")
    assert ids_of("conversation", [conversation.pk], "ticket") == {conversation.pk: [ticket.pk]}


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"object": "boat", "properties": {"name": "X"}}, "object", "boat"),
        ({"object": "company"}, "properties.name", "name is required. Add it."),
        ({"object": "company", "properties": {"name": "X", "size": 3}}, "properties.size", "no property “size”"),
        ({"object": "company", "properties": {"name": "X", "id": 3}}, "properties.id", "that can be set"),
        ({"object": "company", "properties": {"name": ""}}, "properties.name", "is empty. Fill it in"),
        ({"object": "company", "properties": {"name": "X", "employees": "a"}}, "properties.employees", "not a number"),
        ({"object": "company", "properties": {"name": "{{ contact.nix }}"}}, "properties.name", "no token"),
        ({"object": "company", "properties": ["name"]}, "properties", "is not a set of properties"),
    ],
)
def test_what_cannot_be_created_is_told_with_its_place(params: dict[str, Any], path: str, words: str) -> None:
    found = problems("contact", **params)
    assert [place for place, _message in found] == [f"steps.0.params.{path}"]
    assert words in found[0][1]


def test_publishing_needs_the_right_to_create_such_records() -> None:
    seller = person("seller", "workflows.publish_workflow", "crm.add_deal")
    assert problems("contact", seller, object="deal", properties={"name": "New"}) == []
    ((path, message),) = problems("contact", seller, **FIRM)
    assert path == "steps.0.params.object" and message.startswith("You may not create companies")


def test_what_it_reads_and_writes_is_known() -> None:
    context = context_of("contact", **FIRM)
    assert context.step is not None
    action, params = actions["create_record"], context.step.params
    assert action.reads(params, context) == {"contact.last_name"}
    assert action.writes(params, context) == {"company.name", "company.employees"}
    assert action.describe(params, context) == "Create a company “{{ contact.last_name }} & Co”"


def test_the_panel_adds_and_takes_out_properties() -> None:
    def sent(text: str) -> dict[str, Any]:
        form = actions["create_record"].Params(QueryDict(text), context=context_of("contact"))
        form.is_valid()
        return form.document()

    start = "object=company&properties-shown=name&properties-name=Firm&properties-shown=city&properties-city=Lund"
    assert sent(start) == {"object": "company", "properties": {"name": "Firm", "city": "Lund"}}
    assert sent(f"{start}&properties-remove=city") == {"object": "company", "properties": {"name": "Firm"}}
    added = sent(f"{start}&properties-add=employees")
    assert added["properties"] == {"name": "Firm", "city": "Lund", "employees": ""}
    form = actions["create_record"].Params(document=added, context=context_of("contact"))
    html = form.as_div()
    assert 'name="properties-employees"' in html and 'value="employees"> Take out Employees' in html
    assert 'name="properties-remove" value="name"' not in html, "what is required stays"


@pytest.mark.covers("CRM-11", "CRM-12")
def test_values_are_fixed_copied_results_or_moments_and_other_associations_are_copied() -> None:
    ann, ben = Contact.objects.create(city="Lund"), Contact.objects.create(city="Ystad")
    firm, other = Company.objects.create(name="Firm", employees=12), Company.objects.create(name="Other")
    associate("contact", "company", [(ann.pk, firm.pk), (ann.pk, other.pk)])
    associate("contact", "company", [(ann.pk, firm.pk)], "primary")
    properties = {
        "name": "{{ contact.city }}: {{ output.up.result }}", "amount": "{{ company.employees | default: '1' }}",
        "close_date": {"when": "after", "amount": 2, "unit": "weeks"},
    }  # fmt: skip
    steps = [
        step("up", "format_data", format="formula", formula="upper(contact.city)"),
        step("s", "create_record", object="deal", properties=properties, associate=True, copy_associations=True),
    ]
    run(make_workflow(steps), ann, ben)
    deals = Deal.objects.order_by("pk")
    assert [(one.name, one.amount, f"{one.close_date}") for one in deals] == [
        ("Lund: LUND", 12, "2026-12-07"), ("Ystad: YSTAD", 1, "2026-12-07"),
    ]  # fmt: skip
    first, second = (one.pk for one in deals)
    assert ids_of("deal", [first, second], "company") == {first: sorted([firm.pk, other.pk])}
    assert ids_of("deal", [first, second], "contact") == {first: [ann.pk], second: [ben.pk]}


def test_of_very_many_associations_the_first_ones_are_copied_and_the_history_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "LIMIT", 2)
    ann, ben = Contact.objects.create(city="Lund"), Contact.objects.create(city="Ystad")
    firms = [Company.objects.create(name=f"Firm {n}").pk for n in range(4)]
    associate("contact", "company", [(ann.pk, firm) for firm in firms] + [(ben.pk, firm) for firm in firms[:2]])
    made = step("s", "create_record", object="deal", properties={"name": "D"}, associate=False, copy_associations=True)
    story = [told(line) for line in lines(run(make_workflow([made]), ann, ben))]
    first, second = Deal.objects.order_by("pk").values_list("pk", flat=True)
    assert ids_of("deal", [first, second], "company") == {first: firms[:2], second: firms[:2]}
    assert story[0].endswith("– of the companies only the first 2 were associated with it, as there are more")
    assert "only the first" not in story[1]


def test_a_moment_is_for_dates_only_and_required_properties_come_first() -> None:
    wrong = {"name": {"when": "now"}, "close_date": {"when": "soon"}}
    found = dict(problems("contact", object="deal", properties=wrong))
    assert "is no moment. Write it like" in found["steps.0.params.properties.close_date"]
    assert "steps.0.params.properties.name" in found
    params = {"object": "deal", "properties": {"amount": 3, "close_date": {"when": "now"}}}
    form = actions["create_record"].Params(document=params, context=context_of("contact", **params))
    page = str(form["properties"])
    assert page.index("properties-name") < page.index("properties-amount")
    assert form.document()["properties"]["close_date"] == {"when": "now"}
    sent = QueryDict(
        "object=deal&properties-shown=close_date&properties-close_date-moment_when=after"
        "&properties-close_date-moment_amount=3&properties-close_date-moment_unit=days"
    )
    form = actions["create_record"].Params(sent, context=context_of("contact"))
    form.is_valid()
    assert form.document()["properties"] == {"close_date": {"when": "after", "amount": 3, "unit": "days"}}


@pytest.mark.covers("CRM-09", "CRM-11")
def test_values_of_every_type_are_copied_and_who_has_one_that_does_not_fit_fails_alone() -> None:
    options = [{"value": one, "label": one.title()} for one in ("red", "green")]
    for kind, slug, of in (
        ("contact", "colours", "multi_select"), ("deal", "colours", "multi_select"), ("contact", "seen", "datetime"),
        ("deal", "colour", "select"), ("deal", "helper", "user"), ("contact", "vip", "boolean"),
        ("deal", "vip", "boolean"),
    ):  # fmt: skip
        more = {"options": options} if of.endswith("select") else {}
        PropertyDefinition.objects.create(object_type=kind, slug=slug, label=slug.title(), type=of, **more)
    amy = User.objects.create(username="amy")
    custom = {"colours": ["red"], "seen": "2026-03-04T10:00:00+00:00", "vip": False}
    ann = Contact.objects.create(city="Lund", lead_score=7, owner=amy, custom=custom)
    ben = Contact.objects.create(city="Ystad", custom={"colours": ["red", "green"]})
    cat = Contact.objects.create(city="Kivik")
    properties = {
        "name": {"copy_from": "city"}, "amount": {"copy_from": "output.twice.result"}, "owner": {"copy_from": "owner"},
        "helper": {"copy_from": "owner"}, "colour": {"copy_from": "colours"}, "colours": {"copy_from": "colours"},
        "close_date": {"copy_from": "seen"}, "vip": {"copy_from": "vip"},
    }  # fmt: skip
    steps = [
        step("twice", "format_data", format="formula", formula="contact.lead_score * 2"),
        step("s", "create_record", object="deal", properties=properties),
    ]
    assert problems("contact", object="deal", properties=properties | {"amount": {"copy_from": "lead_score"}}) == []
    made = run(make_workflow(steps), ann, ben, cat)
    first, second = Deal.objects.order_by("pk")
    assert (first.name, first.amount, first.owner, f"{first.close_date}") == ("Lund", 14, amy, "2026-03-04")
    assert first.custom == {"helper": amy.pk, "colour": "red", "colours": ["red"], "vip": False}
    assert (second.name, second.amount, second.owner, second.custom) == ("Kivik", None, None, {})
    refused = StepExecution.objects.get(enrollment=made[1], step="s")
    assert refused.outcome == "failed" and "Colour holds one option, but there are 2." in told(refused)


@pytest.mark.parametrize(
    ("slug", "value", "words"),
    [
        ("amount", {"copy_from": "city"}, "cannot be copied into"),
        ("amount", {"copy_from": "nix"}, "names nothing to copy"),
        ("amount", {"copy_from": "lead_score", "more": 1}, "names nothing to copy"),
        ("amount", {"copy_from": ["city"]}, "names nothing to copy"),
        ("close_date", {"copy_from": "output.gone.result"}, "names nothing to copy"),
    ],
)
def test_what_cannot_be_copied_is_told_with_its_place(slug: str, value: Any, words: str) -> None:
    found = problems("contact", object="deal", properties={"name": "D", slug: value})
    assert [place for place, _message in found] == [f"steps.0.params.properties.{slug}"]
    assert words in found[0][1]


@pytest.mark.covers("CRM-11")
def test_the_panel_offers_what_fits_to_be_copied() -> None:
    params = {"object": "company", "properties": {"name": "Firm", "employees": {"copy_from": "lead_score"}}}
    context = context_of("contact", **params)
    form = actions["create_record"].Params(document=params, context=context)
    page = str(form["properties"])
    copying = page.partition('name="properties-employees-copy"')[2].partition("</select>")[0]
    assert '<option value="lead_score" selected>' in copying and 'value="city"' not in copying
    assert "properties-name-copy" not in page and 'data-insert="param_properties-name"' in page
    sent = (
        "object=company&properties-shown=name&properties-name=Firm&properties-shown=employees"
        "&properties-employees=3&properties-employees-copy=lead_score"
    )
    form = actions["create_record"].Params(QueryDict(sent), context=context_of("contact"))
    form.is_valid()
    assert form.document() == params
    step_of = context.step
    assert step_of is not None
    assert actions["create_record"].reads(step_of.params, context) == {"contact.lead_score"}
    assert actions["create_record"].describe(step_of.params, context) == "Create a company “Firm”"
