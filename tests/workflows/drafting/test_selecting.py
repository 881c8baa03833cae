"""Several steps at once: what stands in another one comes with it, order and branches stay, one undo takes it back."""

from __future__ import annotations

from typing import Any

import pytest

from records.problems import DocumentError
from tests.workflows.drafting.test_drafting import document, ids
from workflows import drafting
from workflows.drafting.selecting import chosen
from workflows.drafting.telling import told


def changed(**op: Any) -> tuple[list[str], str]:
    after, inverse, selected = drafting.changed(document(), op)
    assert drafting.changed(after, inverse)[0] == document()
    return ids(after), selected


def test_what_stands_in_a_chosen_branching_comes_with_it_and_once() -> None:
    found = chosen(document(), ["last", "in-b", "split"])
    assert [one.step["id"] for one in found] == ["split", "last"]


def test_chosen_steps_are_deleted_with_their_branches_in_one_operation() -> None:
    assert changed(op="delete_steps", steps=["split", "in-a", "last"]) == (["wait"], "wait")
    assert changed(op="delete_steps", steps=["wait", "split", "last"]) == ([], "")
    assert changed(op="delete_steps", steps=["in-a", "in-b"]) == (["wait", "split", "last"], "")


@pytest.mark.covers("EDT-02")
def test_chosen_steps_are_moved_in_reading_order_and_keep_their_ids() -> None:
    inside = "steps.1.branches.1.steps.1"
    assert changed(op="move_steps", steps=["last", "wait"], to=inside) == (
        ["split", "in-a", "in-b", "wait", "last"], "wait",
    )  # fmt: skip
    assert changed(op="move_steps", steps=["wait", "in-a"], to="steps.3")[0] == [
        "split",
        "in-b",
        "last",
        "wait",
        "in-a",
    ]
    assert changed(op="move_steps", steps=["wait", "split"], to="steps.1")[0] == ids(document())


@pytest.mark.parametrize(
    ("op", "path"),
    [
        ({"op": "delete_steps", "steps": []}, "steps"),
        ({"op": "delete_steps", "steps": ["wait", "gone"]}, "steps"),
        ({"op": "move_steps", "steps": ["wait", 7], "to": "steps.0"}, "steps"),
        ({"op": "move_steps", "steps": ["wait", "split"], "to": "steps.1.branches.0.steps.0"}, "to"),
        ({"op": "move_steps", "steps": ["wait"], "to": "steps.9"}, "to"),
    ],
)
def test_a_bad_selection_is_refused_with_its_place(op: dict[str, Any], path: str) -> None:
    before = document()
    with pytest.raises(DocumentError) as caught:
        drafting.changed(before, op)
    assert [problem.path for problem in caught.value.problems] == [path]
    assert before == document()


def test_the_list_of_changes_says_how_many_steps_it_was() -> None:
    assert told({"op": "delete_steps", "steps": ["a", "b"]}) == "deleted 2 steps"
    assert told({"op": "move_steps", "steps": ["a"], "to": "steps.0"}) == "moved 1 step"
