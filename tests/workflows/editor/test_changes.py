"""What publishing would change: compared step by step, and shown in the review."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from records.problems import DocumentError
from tests.examples import examples
from tests.workflows.drafting.test_drafting import ANY_OP, document
from tests.workflows.publishing_deals import BIG, boss, live
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.drafting.comparing import ADDED, CHANGED, MOVED, Comparison, compare


def compared(*ops: dict[str, Any]) -> Comparison:
    changed = copy.deepcopy(document())
    for op in ops:
        changed = drafting.changed(changed, op)[0]
    return compare(parse(document()), parse(changed))


def test_each_step_is_added_changed_moved_or_as_it_was() -> None:
    assert not compared()
    assert compared({"op": "insert", "at": "steps.0", "step": {"action": "end"}}).marks == {"end": ADDED}
    assert compared({"op": "update", "step": "wait", "params": {"days": 2}}).marks == {"wait": CHANGED}
    assert compared({"op": "move", "step": "last", "to": "steps.0"}).marks == {"last": MOVED}
    into = compared({"op": "move", "step": "wait", "to": "steps.1.branches.0.steps.0"})
    assert into.marks == {"wait": MOVED}
    gone = compared({"op": "delete", "step": "split", "keep": 1})
    assert ([step.id for step in gone.removed], gone.marks) == (["split", "in-a"], {"in-b": MOVED})
    assert compared({"op": "set_branch", "step": "split", "branch": 0, "name": "B"}).marks == {"split": CHANGED}
    assert compared({"op": "set_trigger", "trigger": {"kind": "filter"}}).trigger
    assert not compared({"op": "rename", "name": "Other"})


@given(st.lists(ANY_OP, max_size=5))
@settings(max_examples=examples(60), deadline=None)
def test_every_step_of_either_side_is_accounted_for(ops: list[dict[str, Any]]) -> None:
    changed = document()
    for op in ops:
        try:
            changed = drafting.changed(changed, op)[0]
        except DocumentError:
            continue
    before, after = parse(document()), parse(changed)
    found = compare(before, after)
    assert {one for one, mark in found.marks.items() if mark == ADDED} == after.by_id.keys() - before.by_id.keys()
    assert {step.id for step in found.removed} == before.by_id.keys() - after.by_id.keys()
    assert found.marks.keys() <= after.by_id.keys()
    if not found and before.settings == after.settings:
        assert [step.id for step in before.walk()] == [step.id for step in after.walk()]


@pytest.mark.django_db
@pytest.mark.detail(11)
def test_the_review_shows_what_differs_from_what_is_live_in_words_and_on_the_canvas(client: Client) -> None:
    workflow = live(BIG)
    steps = [step["id"] for step in workflow.live.definition["steps"]]
    rev = drafting.draft_of(workflow).rev
    facts = {"user": boss(), "now": workflow.created_at}
    rev = drafting.apply(
        workflow,
        {"op": "insert", "at": "steps.0", "step": {"action": "delay", "params": {"days": 3}}},
        rev=rev,
        **facts,
    ).revision.rev
    drafting.apply(workflow, {"op": "delete", "step": steps[0]}, rev=rev, **facts)
    client.force_login(boss())
    page = client.get(reverse("admin:workflow_review", args=[workflow.pk])).content.decode()
    marks = re.findall(r'class="changes-mark">(\w+)', page)
    assert marks == ["Added", "Removed"]
    assert "Wait 3 days" in page
    assert re.findall(r'class="path-box lit (\w+)"', page)[:2] == ["unchanged", "added"]
