"""A workflow has as many steps as a person can still oversee many times over; more are refused with the number."""

from __future__ import annotations

from typing import Any

import pytest

from records.problems import DocumentError
from tests.workflows.building import step
from workflows.definitions import parsing
from workflows.definitions.parsing import STEP_LIMIT


def document(count: int) -> dict[str, Any]:
    """That many steps, all but one of them inside a branch."""
    inner = [step(f"wait{number}", "delay", days=1) for number in range(count - 1)]
    split = step("split", "branch", [{"name": "Otherwise", "steps": inner}])
    return {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": [split]}


@pytest.mark.covers("LIM-11")
def test_twice_as_many_steps_as_elsewhere_are_taken_and_one_more_is_refused_those_in_branches_count() -> None:
    assert STEP_LIMIT == 1_000
    assert len(parsing.parse(document(STEP_LIMIT)).by_id) == STEP_LIMIT
    with pytest.raises(DocumentError) as refused:
        parsing.parse(document(STEP_LIMIT + 1))
    [problem] = refused.value.problems
    assert problem.path == "steps"
    assert problem.message == "A workflow has 1000 steps at most; you sent 1001. Remove some."
