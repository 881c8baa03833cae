"""What a review costs does not grow with the filters that ask for the same options."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Stage
from records.clock import database_now
from records.object_types import object_types
from records.vocabulary import read_once
from tests.workflows.publishing_deals import BIG, boss, draft
from workflows.lifecycle.previewing import review
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
STAGES = ("prospecting", "engaging", "won", "lost")


def branching(number: int, branches: int = 20) -> dict[str, Any]:
    """A step whose branches ask for a deal's stage and amount; nobody takes a branch for nothing."""
    made = [
        {
            "name": f"Branch {index}",
            "criteria": {"all": [
                {"property": "stage", "operator": "is_any_of", "value": [STAGES[index % len(STAGES)]]},
                {"property": "amount", "operator": "is_equal_to", "value": 1_000 * number + index},
            ]},
            "steps": [],
        }
        for index in range(branches)
    ]  # fmt: skip
    return {"id": f"split-{number}", "action": "branch", "branches": [*made[:-1], {"name": "Rest", "steps": []}]}


def statements(workflow: Workflow, user: Any) -> list[str]:
    """What a review asks the database for, once everything that lasts longer is known."""
    now = database_now()
    review(workflow, user=user, now=now)
    with CaptureQueriesContext(connection) as told:
        found = review(workflow, user=user, now=now)
    assert found.definition is not None and len(list(found.definition.walk())) > 1
    return [one["sql"] for one in told.captured_queries]


def test_the_review_of_four_hundred_branches_asks_no_more_than_that_of_twenty() -> None:
    few = draft(BIG, steps=[branching(0), branching(1)])
    many = draft(BIG, steps=[branching(number) for number in range(20)])
    user = boss()
    small, large = statements(few, user), statements(many, user)
    assert len(large) == len(small) <= 60, [sql for sql in large if large.count(sql) > small.count(sql)][:3]
    assert sum('FROM "crm_stage"' in sql for sql in large) <= 3


def test_options_are_read_once_inside_of_read_once_and_anew_after_it() -> None:
    options = object_types["deal"].properties()["stage"]
    with CaptureQueriesContext(connection) as told, read_once():
        assert options.options == options.options and len(told) == 1
        Stage.objects.filter(slug="won").update(label="Done")
        assert "Done" not in {str(one.label) for one in options.options}, "as it was when it was read"
        with read_once():
            assert "Done" in {str(one.label) for one in options.options}, "one within another begins anew"
    assert "Done" in {str(one.label) for one in options.options}, "nothing outlives it"
    Stage.objects.filter(slug="won").update(label="Won")
    assert "Done" not in {str(one.label) for one in options.options}
    with pytest.raises(ZeroDivisionError), read_once():
        assert options.options
        raise ZeroDivisionError
    Stage.objects.filter(slug="won").update(label="Gained")
    assert "Gained" in {str(one.label) for one in options.options}
