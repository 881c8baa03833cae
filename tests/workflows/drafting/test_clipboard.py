"""Steps on the clipboard: what the text says, and what happens to it where it is pasted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from records.problems import DocumentError
from workflows import drafting
from workflows.drafting import clipboard
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
BASE = "/admin/workflows/workflow"


def step(step_id: str, action: str, **params: Any) -> dict[str, Any]:
    return {"id": step_id, "action": action, "params": params}


def branching() -> dict[str, Any]:
    """Two ways with a go-to between them and a branching by how a step ended."""
    by_outcome = step("asked", "value_branch", output="told.outcome") | {
        "branches": [{"name": "Failed", "values": ["failed"], "steps": []}, {"name": "Else", "steps": []}]
    }
    return step("split", "branch") | {
        "branches": [
            {"name": "A", "criteria": None, "steps": [step("told", "create_note", body="Hi"), by_outcome]},
            {"name": "B", "steps": [step("jump", "go_to", step="told")]},
        ]
    }


def draft(name: str, *steps: dict[str, Any], kind: str = "deal") -> Workflow:
    return drafting.create(name, kind, None, {"format": 1, "object": kind, "steps": list(steps)})


def document(workflow: Workflow) -> dict[str, Any]:
    revision = drafting.shown(workflow)
    assert revision is not None
    return dict(revision.definition)


def text(workflow: Workflow, *ids: str) -> str:
    return json.dumps(clipboard.copied(workflow, document(workflow), list(ids)))


def fitted(copied: str, target: Workflow, at: str = "steps.0") -> clipboard.Fitted:
    return clipboard.fitted(copied, target, document(target), at, None)


def pasted(found: clipboard.Fitted, target: Workflow, at: str = "steps.0") -> dict[str, Any]:
    op = {"op": "paste", "at": at, "steps": found.steps}
    return dict(drafting.changed(document(target), op)[0])


def test_the_text_says_what_it_is_and_holds_the_steps_in_reading_order() -> None:
    source = draft("First", step("a", "delay", days=1), branching(), step("z", "end"))
    found = json.loads(text(source, "z", "told", "split"))
    assert (found["format"], found["version"], found["object"], found["workflow"]) == (
        "headrace.steps", 1, "deal", "First",
    )  # fmt: skip
    assert [one["id"] for one in found["steps"]] == ["split", "z"]
    assert document(source)["steps"][1]["id"] == "split", "copying changes nothing"


def test_a_branch_pasted_elsewhere_gets_ids_of_its_own_and_still_speaks_of_itself() -> None:
    source, target = draft("First", branching()), draft("Second", step("told", "delay", days=1))
    found = fitted(text(source, "split"), target)
    assert found.notes == []
    after = pasted(found, target)
    first, second = (one["steps"] for one in after["steps"][0]["branches"])
    assert after["steps"][1]["id"] == "told" != first[0]["id"]
    assert first[1]["params"]["output"] == f"{first[0]['id']}.outcome"
    assert second[0]["params"]["step"] == first[0]["id"]


def test_what_leads_out_of_the_copied_steps_is_taken_out_elsewhere_with_a_note() -> None:
    source = draft("First", branching())
    # A step of the same id that has nothing to do with it.
    target = draft("Second", step("told", "delay", days=1), empty_branching())
    for copied, key, note in (
        (
            text(source, "jump"),
            "step",
            "A go-to leads to step “told”, which was not copied along. Choose where it leads.",
        ),
        (
            text(source, "asked"),
            "output",
            "A branching looks at “outcome” of step “told”, which was not copied along. Choose again.",
        ),
    ):
        found = fitted(copied, target, "steps.1.branches.0.steps.0")
        assert found.notes == [note]
        assert key not in found.steps[0]["params"]


def test_results_of_steps_in_texts_and_formulas_are_those_of_the_copies_or_missing() -> None:
    made = step("made", "format_data", format="formula", formula="concat(deal.name, “!”)")
    note = step("note", "create_note", body='{{ output.made.result }} {{output["made"].result}} of output.made.result')
    more = step("more", "format_data", format="formula", formula="upper(output.made.result)")
    source, target = draft("First", made, note, more), draft("Second", made)
    after = pasted(fitted(text(source, "made", "note", "more"), target, "steps.1"), target, "steps.1")["steps"]
    assert [one["id"] for one in after] == ["made", "format-data", "create-note", "format-data-2"]
    assert after[2]["params"]["body"] == (
        '{{ output.format-data.result }} {{output["format-data"].result}} of output.made.result'
    )
    assert after[3]["params"]["formula"] == "upper(output.format-data.result)"
    alone = fitted(text(source, "note", "more"), target, "steps.1")
    assert "missing-made" in alone.notes[0] and "missing-made" in alone.notes[-1], "there is another step of the id"
    assert fitted(text(source, "note"), source, "steps.2").notes == []


def empty_branching() -> dict[str, Any]:
    return step("ways", "branch") | {"branches": [{"name": "A", "steps": []}, {"name": "B", "steps": []}]}


def test_in_the_workflow_it_comes_from_what_leads_out_is_kept() -> None:
    source = draft("First", branching())
    found = fitted(text(source, "jump"), source, "steps.0.branches.1.steps.0")
    assert (found.notes, found.steps[0]["params"]) == ([], {"step": "told"})
    stale = text(source, "jump")
    # The step it leads to is gone meanwhile.
    drafting.apply(source, {"op": "delete", "step": "told"}, rev=0, user=None, now=source.created_at)
    assert "not copied along" in fitted(stale, source, "steps.0.branches.1.steps.0").notes[0]


@pytest.mark.covers("EDT-01")
def test_what_does_not_fit_is_told_with_step_field_value_and_remedy_and_can_be_pasted() -> None:
    source = draft(
        "First",
        step("edit", "edit_record", property="amount", value=5),
        step("task", "create_task", title="Call {{ deal.name }}", assignee="nobody-here"),
        step("open", "create_task"),
    )
    # Contacts' workflows would find a deal by themselves.
    target = draft("Second", kind="lead")
    found = fitted(text(source, "edit", "task", "open"), target)
    assert found.notes[0] == "These steps were made for “deals”; this workflow is about “leads”."
    told = "\n".join(found.notes[1:])
    assert "Step 1, Edit record, “Property to edit”:" in told and "amount" in told
    assert "Step 2, Create task, “Title”:" in told and "deal.name" in told
    assert "Step 2, Create task, “Assignee”:" in told and "nobody-here" in told
    assert "Step 3" not in told, "what is only not filled in yet fits"
    assert [one["action"] for one in pasted(found, target)["steps"]] == ["edit_record", "create_task", "create_task"]


@pytest.mark.detail(13)
def test_other_workflows_are_found_by_name_because_numbers_mean_nothing_elsewhere() -> None:
    welcome = draft("Welcome")
    source, target = draft("First", step("go", "go_to_workflow", workflow=str(welcome.pk))), draft("Second")
    copied = text(source, "go")
    assert fitted(copied, target).steps[0]["params"] == {"workflow": str(welcome.pk)}
    # As in another installation: the number is another workflow's there.
    Workflow.objects.filter(pk=welcome.pk).update(name="Farewell")
    found = fitted(copied, target)
    assert found.steps[0]["params"] == {}
    assert found.notes == ["There is no workflow “Welcome” here. Choose another one in the step."]
    again = draft("Welcome")
    assert fitted(copied, target).steps[0]["params"] == {"workflow": str(again.pk)}
    draft("Welcome")
    assert fitted(copied, target).notes == [
        "Several workflows are called “Welcome” here. Choose one of them in the step."
    ]


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("Dear Sir or Madam", "text"),
        (None, "text"),
        ('{"format": 1, "steps": []}', "text"),
        ("[" * 5_000, "text"),
        ('{"format": "headrace.steps", "version": 2, "steps": []}', "version"),
        ('{"format": "headrace.steps", "version": 1, "steps": []}', "steps"),
        ('{"format": "headrace.steps", "version": 1, "steps": ["a"]}', "steps"),
        ('{"format": "headrace.steps", "version": 1, "steps": [{"action": "teleport"}]}', "steps.0.action"),
        ('{"format": "headrace.steps", "version": 1, "steps": [{"action": "branch", "branches": [3]}]}', "op"),
    ],
)
def test_text_that_holds_no_steps_is_refused_with_what_to_do(sent: Any, path: str) -> None:
    target = draft("Second")
    with pytest.raises(DocumentError) as caught:
        fitted(sent, target)
    assert caught.value.problems[0].path == path


def test_copying_takes_the_right_to_view_and_pasting_the_right_to_change(client: Any, django_user_model: Any) -> None:
    ann = django_user_model.objects.create_user("ann", is_staff=True)
    source, target = draft("First", step("a", "delay", days=1)), draft("Second")
    client.force_login(ann)

    def post(workflow: Workflow, verb: str, **body: Any) -> Any:
        url = f"{BASE}/{workflow.pk}/editor/{verb}/"
        return client.post(url, json.dumps(body), content_type="application/json")

    assert post(source, "copy", steps=["a"]).status_code == 403
    ann.user_permissions.add(Permission.objects.get(codename="view_workflow"))
    copied = post(source, "copy", steps=["a"])
    assert copied.json()["told"] == "1 step of “First”"
    assert post(source, "copy", steps=["gone"]).json()["errors"][0]["path"] == "steps"
    assert post(target, "paste", text=copied.json()["text"], at="steps.0").status_code == 403
    ann.user_permissions.add(Permission.objects.get(codename="change_workflow"))
    answer = post(target, "paste", text=copied.json()["text"], at="steps.0").json()
    assert (answer["notes"], [one["action"] for one in answer["steps"]]) == ([], ["delay"])
    assert post(target, "paste", text="Hi", at="steps.0").status_code == 400
    assert document(target)["steps"] == [], "asking changes nothing"


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_workflow_can_have_is_one_that_is_not_here(name: str) -> None:
    target = draft("Second")
    sent = {"format": "headrace.steps", "version": 1, "object": "deal", "workflows": {"7": name}}
    found = fitted(json.dumps(sent | {"steps": [step("on", "go_to_workflow", workflow="7")]}), target)
    assert found.steps[0]["params"] == {} and "There is no workflow" in found.notes[0]
