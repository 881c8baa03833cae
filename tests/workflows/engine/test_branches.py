"""The value branch, and how many branches a branching may have."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Contact
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due

pytestmark = pytest.mark.django_db


def way(name: str, values: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "steps": [step(name, "edit_record", property="city", value=name)]}
    return found if values is None else found | {"values": values}


@pytest.mark.covers("BRN-01", "BRN-07")
def test_a_value_branch_sends_each_value_its_way_and_every_other_the_last():
    countries = ["Sweden", "Norway", "Denmark", "Peru", ""]
    Contact.objects.bulk_create(Contact(email=f"{c or 'none'}@example.com", country=c) for c in countries)
    ways = [way("north", ["Sweden", "Norway"]), way("south", ["Peru"]), way("other", None)]
    workflow = make_workflow([step("split", "value_branch", ways, property="country")])
    enroll(workflow, Contact.objects.values_list("pk", flat=True))
    while run_due(NOW):
        pass
    taken = dict(Contact.objects.values_list("country", "city"))
    assert taken == {"Sweden": "north", "Norway": "north", "Denmark": "other", "Peru": "south", "": "other"}


@pytest.mark.covers("LIM-04", "LIM-10", "BRN-03", "BRN-05")
@pytest.mark.parametrize(("action", "limit"), [("branch", 20), ("value_branch", 250)])
def test_a_branching_has_so_many_branches_at_most(action: str, limit: int) -> None:
    leaf = {"property": "city", "operator": "is_known"}
    facts = {"criteria": {"all": [leaf]}} if action == "branch" else {}

    def problems(count: int) -> list[str]:
        branches = [
            {"name": f"Way {i}", "steps": []} | (facts or {"values": [f"v{i}"]} if i < count - 1 else {})
            for i in range(count)
        ]
        found = step("split", action, branches, **({} if action == "branch" else {"property": "country"}))
        document = {"format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"}, "steps": [found]}
        return [one.message for one in checking.problems(parse(document)) if one.path == "steps.0.branches"]

    assert problems(limit) == []
    assert len(problems(limit + 1)) == 1 and str(limit) in problems(limit + 1)[0]
