"""Settings nobody can mean: every action says what is wrong with them, whatever it is asked; none is an error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.actions.test_actions_contract import EXAMPLES
from workflows.definitions import parsing
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db
VALUES: list[Any] = [
    True, -1, 10**30, "0" * 12 + "9" * 12, "9" * 5_000, "{{ contact.owner.password }}", "2027-02-29", "output.x",
    [], [None], [{}], [[]], {"days": 10**9}, {"a": {"b": []}},
]  # fmt: skip


def context_of(slug: str, params: dict[str, Any]) -> StepContext:
    document: dict[str, Any] = {"format": 1, "object": "contact", "steps": [{**EXAMPLES[slug], "params": params}]}
    if slug == "delay_to_centre":
        document["centre"] = {"property": "created_at"}
    definition = parsing.parse(document)
    return StepContext(definition, definition.by_id["s"])


@pytest.mark.parametrize("slug", sorted(set(EXAMPLES) - {"go_to"}))
def test_no_setting_is_an_error(slug: str) -> None:
    example, action = EXAMPLES[slug]["params"], actions[slug]
    names = {*action.Params(document=example, context=context_of(slug, example)).fields, *example}
    for name in sorted(names):
        for value in VALUES:
            params = {**example, name: value}
            context = context_of(slug, params)
            assert isinstance(action.describe(params, context), str)
            assert {type(part) for part in action.reads(params, context) | action.writes(params, context)} <= {str}
            action.outputs(params, context)
            for problem in action.problems(params, context):
                assert problem.message and "%(" not in problem.message, (name, value, problem)
