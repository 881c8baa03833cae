"""Format data: its result, for texts, branches and properties of later steps."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Contact, Deal, Task, User
from records.models import Change
from tests.workflows import building
from tests.workflows.building import NOW, step
from workflows import prepared
from workflows.definitions import checking, parsing
from workflows.engine.outputs import outputs_of
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution
from workflows.registries import actions
from workflows.step_forms.offered_tokens import in_token, origins
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db


def run_all(now=NOW):
    while run_due(now):
        pass


def document(*steps, object_type="contact"):
    return {"format": 1, "object": object_type, "trigger": {"kind": "manual"}, "steps": list(steps)}


def problems(*steps, object_type="contact"):
    found = checking.errors(checking.problems(parsing.parse(document(*steps, object_type=object_type))))
    return {problem.path: str(problem.message) for problem in found}


def formula(step_id, text):
    return step(step_id, "format_data", format="formula", formula=text)


def results(*steps, ids, object_type="contact"):
    """What the last of some steps has left for each record."""
    made = building.enroll(building.make_workflow(list(steps), object_type), ids)
    run_all()
    return [one.outputs[steps[-1]["id"]]["result"] for one in Enrollment.objects.filter(pk__in=[e.pk for e in made])]


@pytest.mark.covers("DOP-13")
@pytest.mark.parametrize(
    ("params", "result"),
    [
        ({"format": "title", "value": "first_name"}, "Anna"),
        ({"format": "capitalize", "value": "city"}, "New york"),
        ({"format": "upper", "value": "city"}, "NEW YORK"),
        ({"format": "lower", "value": "last_name"}, "berg"),
        ({"format": "trim", "value": "job_title"}, "chef"),
        ({"format": "replace", "value": "city", "find": "new ", "replacement": "old "}, "old york"),
        ({"format": "replace", "value": "city", "find": "new "}, "york"),
        ({"format": "cut", "value": "city", "find": " "}, "newyork"),
        ({"format": "concat", "value": "first_name", "other": "lead_score", "between": ": "}, "ANNA: 7"),
        ({"format": "concat", "value": "first_name", "other": "country", "between": ", "}, "ANNA"),
        ({"format": "add", "value": "lead_score", "amount": 2.5}, 9.5),
        ({"format": "subtract", "value": "lead_score", "other": "lead_score"}, 0),
        ({"format": "multiply", "value": "lead_score", "amount": 0}, 0),
        ({"format": "divide", "value": "lead_score", "amount": 2}, 3.5),
        ({"format": "round", "value": "lead_score"}, 7),
        ({"format": "format_number", "value": "lead_score", "digits": 2}, "7.00"),
        ({"format": "add_time", "value": "created_at", "amount": 2, "unit": "days"}, "2026-01-03T10:00:00+00:00"),
        (
            {"format": "subtract_time", "value": "created_at", "amount": 1, "unit": "years"},
            "2025-01-01T10:00:00+00:00",
        ),
        ({"format": "format_date", "value": "created_at", "pattern": "%d/%m/%Y"}, "01/01/2026"),
        ({"format": "upper", "value": "country"}, None),
    ],
)
def test_each_format_makes_its_result(params, result):
    contact = Contact.objects.create(
        first_name="ANNA", last_name="BERG", city="new york", job_title=" chef ", lead_score=7,
        created_at=dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC),
    )  # fmt: skip
    made = step("s", "format_data", **params)
    assert problems(made) == {}
    assert results(made, ids=[contact.pk]) == [result]


@pytest.mark.covers("DOP-14", "ACG-07", "DAT-19", "CRM-04", "BRN-02")
def test_results_are_typed_and_go_into_other_formulas_texts_properties_and_branches():
    owner = User.objects.create(username="amy", first_name="Amy", email="amy@example.com")
    deal = Deal.objects.create(name="big deal", amount=1_200, owner=owner, close_date=dt.date(2026, 1, 31))
    later = formula("later", 'add_time(deal.close_date, 1, "months")')
    net = formula("net-2", "round(deal.amount / 1.25, 2)")
    big = formula("big", "output.net-2.result > 900")
    name = formula("name", 'title(deal.name) & " of " & owner.first_name & ": " & output.net-2.result')
    copy_date = step("date", "edit_record", property="close_date", copy_from="output.later.result")
    copy_number = step("amount", "edit_record", property="amount", copy_from="output.net-2.result")
    write = step("write", "edit_record", property="name", value="{{ output.name.result | upper }}")
    task = step("task", "create_task", title="Net {{ output.net-2.result }}")
    ways = [{"name": "Big", "values": [True], "steps": [task]}, {"name": "Else", "steps": []}]
    split = step("split", "value_branch", ways, output="big.result")
    steps = [later, net, big, name, copy_date, copy_number, write, split]
    assert problems(*steps, object_type="deal") == {}
    parsed = parsing.parse(document(*steps, object_type="deal"))
    context = StepContext(parsed)
    kinds = {one["id"]: outputs_of(parsed.by_id[one["id"]], context)["result"].type for one in (later, net, big, name)}
    assert kinds == {"later": "date", "net-2": "number", "big": "boolean", "name": "text"}
    (made,) = building.enroll(building.make_workflow(steps, "deal"), [deal.pk])
    run_all()
    deal.refresh_from_db()
    assert (deal.name, deal.amount, deal.close_date) == ("BIG DEAL OF AMY: 960", 960, dt.date(2026, 2, 28))
    assert Task.objects.get().title == "Net 960"
    assert {outcome for _step, outcome in building.log_of(made)} == {"success"}


def test_a_result_that_does_not_fit_is_refused_before_and_where_it_comes_later():
    date = formula("date", "today()")
    number = formula("number", "1 + 1")
    into_number = step("set", "edit_record", property="lead_score", copy_from="output.date.result")
    assert "cannot be copied into" in problems(date, into_number)["steps.1.params.copy_from"]
    early = step("set", "edit_record", property="city", value="{{ output.date.result }}")
    assert "no token “output.date.result”" in problems(early, date)["steps.0.params.value"]
    assert (
        "no value “output.number.result”"
        in problems(formula("f", "output.number.result"), number)["steps.0.params.formula"]
    )
    wrong = formula("f", "upper(output.number.result)")
    assert "must be text, but is a number" in problems(number, wrong)["steps.1.params.formula"]


def test_settings_are_checked_where_they_are_made():
    text = step("s", "format_data", format="round", value="city")
    assert "takes a number, but city is text" in problems(text)["steps.0.params.value"]
    assert "steps.0.params.format" in problems(step("s", "format_data"))
    both = step("s", "format_data", format="add", value="lead_score", amount=1, other="lead_score")
    assert "exactly one" in problems(both)["steps.0.params"]
    part = step("s", "format_data", format="upper", value="city", find="x")
    assert "not a setting" in problems(part)["steps.0.params.find"]
    unit = step("s", "format_data", format="add_time", value="created_at", unit="days")
    assert "steps.0.params.amount" in problems(unit)


def test_results_in_a_circle_of_a_draft_are_refused_and_end():
    a, b = formula("a", "output.b.result & 1"), formula("b", "output.a.result & 1")
    parsed = parsing.parse(document(a, b))
    context = StepContext(parsed)
    assert outputs_of(parsed.by_id["a"], context)["result"].type == "text"
    assert "steps.0.params.formula" in problems(a, b)


def test_a_long_chain_of_results_is_typed_step_by_step():
    chain = [formula("s0", "1"), *(formula(f"s{i}", f"output.s{i - 1}.result + 1") for i in range(1, 30))]
    assert problems(*chain) == {}
    assert results(*chain, ids=[Contact.objects.create().pk]) == [30]


@pytest.mark.covers("ACG-12")
def test_a_record_whose_formula_cannot_be_computed_fails_alone_with_the_remedy():
    ids = [Contact.objects.create(lead_score=score).pk for score in (0, 5)]
    made = building.enroll(building.make_workflow([formula("s", "10 / contact.lead_score")]), ids)
    run_all()
    lines = {one.enrollment_id: one for one in StepExecution.objects.filter(step="s")}
    failed, done = (lines[one.pk] for one in made)
    context = StepContext(parsing.parse(document(formula("s", "1"))))
    told = actions["format_data"].tell(failed.detail, failed.outcome, context)
    assert failed.outcome == "failed" and "cannot divide by 0" in told and "if(" in told
    assert done.outcome == "success" and actions["format_data"].tell(done.detail, "success", context) == (
        "The result was “2”"
    )


@pytest.mark.covers("DOP-12")
def test_nothing_is_written():
    contact = Contact.objects.create(first_name="anna")
    before = Change.objects.count()
    updated = Contact.objects.get().updated_at
    assert results(formula("s", "title(contact.first_name)"), ids=[contact.pk]) == ["Anna"]
    assert (Change.objects.count(), Contact.objects.get().updated_at) == (before, updated)
    action, context = actions["format_data"], StepContext(parsing.parse(document(formula("s", "1"))))
    assert action.writes({"format": "formula", "formula": "1"}, context) == set()
    assert action.reads({"format": "formula", "formula": "contact.city & owner.email"}, context) == {
        "contact.city", "contact.owner",
    }  # fmt: skip


@pytest.mark.parametrize(
    "later",
    [
        step("later", "edit_record", property="city", value="No. {{ output.a.result }}"),
        step("later", "edit_record", property="city", copy_from="output.a.result"),
        step("later", "format_data", format="concat", value="output.a.result", other="email", between=" "),
    ],
)
def test_results_of_earlier_steps_cost_later_ones_no_more_queries_for_more_records(later):
    def queries(count):
        ids = [one.pk for one in Contact.objects.bulk_create(Contact() for _ in range(count))]
        made = building.enroll(building.make_workflow([formula("a", "1"), later]), ids, at="later")
        for number, one in enumerate(made):
            one.outputs = {"a": {"result": number}}
        Enrollment.objects.bulk_update(made, ["outputs"])
        prepared.known.clear()
        with CaptureQueriesContext(connection) as captured:
            assert run_due(NOW, limit=1_000) == count
        return len(captured)

    assert queries(4) == queries(200)


def test_the_editor_offers_results_and_names_of_steps_that_are_words_in_brackets():
    steps = [formula("end", "1"), formula("5", "2"), formula("last", "3")]
    parsed = parsing.parse(document(*steps))
    context = StepContext(parsed, parsed.by_id["last"])
    [results] = [origin for origin in origins(context) if origin.heading == "Results of earlier steps"]
    offered = [f"{{{{ {in_token(name)} }}}}" for name, _label in results.choices]
    assert offered == ["{{ output.end.result }}", '{{ output["5"].result }}']
    write = step("write", "edit_record", property="city", value=" ".join(offered))
    contact = Contact.objects.create()
    building.enroll(building.make_workflow([*steps, write]), [contact.pk])
    run_all()
    contact.refresh_from_db()
    assert contact.city == "1 2"


def test_a_fraction_is_refused_by_a_property_of_whole_numbers_for_that_record_alone():
    ids = [Contact.objects.create(lead_score=score).pk for score in (4, 5)]
    half = step("half", "format_data", format="divide", value="lead_score", amount=2)
    copy = step("copy", "edit_record", property="lead_score", copy_from="output.half.result")
    made = building.enroll(building.make_workflow([half, copy]), ids)
    run_all()
    assert [building.log_of(one)[1] for one in made] == [("copy", "success"), ("copy", "failed")]
    assert list(Contact.objects.order_by("pk").values_list("lead_score", flat=True)) == [2, 5]


def test_the_card_says_what_is_done_with_which_values():
    context = StepContext(parsing.parse(document(formula("s", "1"))))
    describe = actions["format_data"].describe
    assert describe({"format": "add", "value": "lead_score", "amount": 2.5}, context) == "Add: lead score, 2.5"
    later = {"format": "add_time", "value": "created_at", "amount": 2, "unit": "weeks"}
    assert describe(later, context) == "Add time: created, 2, weeks"
    assert describe({"format": "cut", "value": "city", "find": "-"}, context) == "Cut a part out: city, “-”"
    assert describe({"format": "formula", "formula": "1 + 1"}, context) == "1 + 1"
    assert describe({"format": "upper"}, context) == "ALL CAPITALS: choose a value"
