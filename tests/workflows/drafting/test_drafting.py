"""Drafts: operations, their inverses, conflicts, undo and redo."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.problems import DocumentError
from tests.examples import examples
from workflows import drafting
from workflows.drafting.tree import walk

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


def document() -> dict[str, Any]:
    """Three steps: a delay, a branching with a delay in each way, an end."""
    return {
        "format": 1, "name": "Draft", "object": "contact", "trigger": {"kind": "manual"},
        "steps": [
            {"id": "wait", "action": "delay", "params": {"days": 1}},
            {"id": "split", "action": "branch", "params": {}, "branches": [
                {"name": "A", "criteria": None, "steps": [{"id": "in-a", "action": "delay", "params": {}}]},
                {"name": "None met", "steps": [{"id": "in-b", "action": "delay", "params": {}}]},
            ]},
            {"id": "last", "action": "end", "params": {}},
        ],
    }  # fmt: skip


def ids(found: dict[str, Any]) -> list[str]:
    return [place.step["id"] for place in walk(found["steps"])]


PLACES = st.sampled_from(
    ["steps.0", "steps.1", "steps.2", "steps.3", "steps.1.branches.0.steps.0", "steps.1.branches.1.steps.1"]
)
STEPS = st.sampled_from(["wait", "split", "in-a", "in-b", "last", "delay", "delay-2", "branch"])
NEW = st.sampled_from([{"action": "delay"}, {"action": "branch"}, {"action": "end", "params": {}}])
ANY_OP = st.one_of(
    st.builds(lambda at, step: {"op": "insert", "at": at, "step": step}, PLACES, NEW),
    st.builds(lambda step, days: {"op": "update", "step": step, "params": {"days": days}}, STEPS, st.integers(0, 3)),
    st.builds(lambda step, keep: {"op": "delete", "step": step, "keep": keep}, STEPS, st.sampled_from([None, 0, 1])),
    st.builds(lambda step, to: {"op": "move", "step": step, "to": to}, STEPS, PLACES),
    st.builds(lambda step: {"op": "duplicate", "step": step}, STEPS),
    st.builds(lambda steps: {"op": "delete_steps", "steps": steps}, st.lists(STEPS, max_size=3)),
    st.builds(lambda steps, to: {"op": "move_steps", "steps": steps, "to": to}, st.lists(STEPS, max_size=3), PLACES),
    st.builds(lambda at: {"op": "paste", "at": at, "steps": [{"id": "x", "action": "delay"}]}, PLACES),
    st.builds(lambda name: {"op": "rename", "name": name}, st.text(min_size=1, max_size=9)),
    st.builds(lambda: {"op": "set_trigger", "trigger": {"kind": "filter", "criteria": {"all": []}}}),
    st.builds(lambda step: {"op": "add_branch", "step": step}, STEPS),
    st.builds(lambda step, name: {"op": "set_branch", "step": step, "branch": 0, "name": name}, STEPS, st.text()),
    st.builds(lambda step: {"op": "remove_branch", "step": step, "branch": 0}, STEPS),
    st.builds(lambda step: {"op": "move_branch", "step": step, "branch": 0, "to": 1}, STEPS),
)


@given(st.lists(ANY_OP, max_size=12))
@settings(max_examples=examples(200), deadline=None)
def test_every_operation_is_undone_by_its_inverse(ops: list[dict[str, Any]]) -> None:
    before = document()
    for op in ops:
        kept = copy.deepcopy(before)
        try:
            after, inverse, selected = drafting.changed(before, op)
        except DocumentError:
            assert before == kept
            continue
        assert before == kept, "the document given must stay as it is"
        assert drafting.changed(after, inverse)[0] == before
        assert selected == "" or selected in ids(after)
        assert len(set(ids(after))) == len(ids(after))
        before = after


@pytest.mark.parametrize(
    ("op", "path"),
    [
        ({"op": "explode"}, "op"),
        ("nothing", "op"),
        ({"op": "insert", "at": "steps.9", "step": {"action": "delay"}}, "at"),
        ({"op": "insert", "at": "steps.0", "step": {"action": "teleport"}}, "step.action"),
        ({"op": "insert", "at": "steps.0", "step": {"id": "wait", "action": "delay"}}, "steps.1.id"),
        ({"op": "update", "step": "nobody", "params": {}}, "step"),
        ({"op": "update", "step": "wait", "params": [1]}, "steps.0.params"),
        ({"op": "move", "step": "split", "to": "steps.1.branches.0.steps.0"}, "to"),
        ({"op": "delete", "step": "split", "keep": 7}, "keep"),
        ({"op": "paste", "at": "steps.0", "steps": []}, "steps"),
        ({"op": "rename", "name": " "}, "name"),
        ({"op": "add_branch", "step": "wait"}, "step"),
        ({"op": "set_settings", "values": {"colour": "red"}}, "values"),
        ({"op": "replace", "document": {"format": 1, "object": "deal", "steps": []}}, "object"),
    ],
)
def test_a_bad_operation_names_what_is_wrong(op: Any, path: str) -> None:
    with pytest.raises(DocumentError) as caught:
        drafting.changed(document(), op)
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.covers("BRN-13", "EDT-17")
def test_deleting_a_branching_can_keep_one_way() -> None:
    after, _inverse, selected = drafting.changed(document(), {"op": "delete", "step": "split", "keep": 1})
    assert ids(after) == ["wait", "in-b", "last"]
    assert selected == "in-b"


@pytest.mark.detail(13)
@pytest.mark.covers("EDT-01")
def test_a_copy_has_ids_of_its_own_and_its_go_tos_stay_inside_it() -> None:
    source = document()
    source["steps"][1]["branches"][1]["steps"].append({"id": "jump", "action": "go_to", "params": {"step": "in-a"}})
    after, _inverse, selected = drafting.changed(source, {"op": "duplicate", "step": "split"})
    twin = after["steps"][2]
    assert twin["id"] == selected == "branch"
    assert twin["branches"][1]["steps"][-1]["params"]["step"] == twin["branches"][0]["steps"][0]["id"] != "in-a"


@pytest.mark.django_db
@pytest.mark.covers("EDT-09", "EDT-15")
def test_undo_and_redo_go_one_step_at_a_time_until_something_new_is_done(django_user_model: Any) -> None:
    ann = django_user_model.objects.create_user("ann")
    workflow = drafting.create("Draft", "contact", ann, document())
    for name in ("One", "Two"):
        rev = drafting.draft_of(workflow).rev
        drafting.apply(workflow, {"op": "rename", "name": name}, rev=rev, user=ann, now=NOW)
    assert names_after(workflow, ann, "undo", "undo") == ["One", "Draft"]
    assert names_after(workflow, ann, "redo", "redo") == ["One", "Two"]
    assert names_after(workflow, ann, "undo") == ["One"]
    rev = drafting.draft_of(workflow).rev
    drafting.apply(workflow, {"op": "rename", "name": "Three"}, rev=rev, user=ann, now=NOW)
    with pytest.raises(DocumentError, match="nothing to redo"):
        names_after(workflow, ann, "redo")
    with pytest.raises(DocumentError, match="nothing to undo"):
        drafting.undo(workflow, rev=rev + 1, user=ann, now=NOW + dt.timedelta(days=31))


def names_after(workflow: Any, user: Any, *verbs: str) -> list[str]:
    found = []
    for verb in verbs:
        rev = drafting.draft_of(workflow).rev
        applied = getattr(drafting, verb)(workflow, rev=rev, user=user, now=NOW)
        found.append(applied.revision.definition["name"])
    return found


@pytest.mark.django_db
def test_a_second_editor_is_told_who_changed_what_and_nothing_is_lost(django_user_model: Any) -> None:
    ann = django_user_model.objects.create_user("ann")
    workflow = drafting.create("Draft", "contact", ann, document())
    drafting.apply(workflow, {"op": "move", "step": "last", "to": "steps.0"}, rev=0, user=ann, now=NOW)
    with pytest.raises(drafting.Conflict) as caught:
        drafting.apply(workflow, {"op": "rename", "name": "Mine"}, rev=0, user=ann, now=NOW)
    assert (caught.value.by, caught.value.at, caught.value.rev) == (ann, NOW, 1)
    assert "moved the step “End”" in caught.value.sentence
    assert drafting.draft_of(workflow).definition["name"] == "Draft"


@pytest.mark.django_db
def test_the_next_draft_begins_where_the_live_revision_is(django_user_model: Any) -> None:
    ann = django_user_model.objects.create_user("ann")
    workflow = drafting.create("Draft", "contact", ann, document())
    first = drafting.draft_of(workflow)
    first.published_at, first.rev = NOW, 4
    first.save()
    workflow.live = first
    workflow.save()
    drafting.apply(workflow, {"op": "rename", "name": "Next"}, rev=4, user=ann, now=NOW)
    draft = drafting.draft_of(workflow)
    assert (draft.number, draft.rev, draft.definition["name"]) == (2, 5, "Next")
    first.refresh_from_db()
    assert first.definition["name"] == "Draft"
