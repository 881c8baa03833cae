"""What a panel's form makes of what was sent."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from workflows.definitions.parsing import parse
from workflows.editor.panels import Panel

pytestmark = pytest.mark.django_db
BIG = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 500}]}


def test_a_branch_somebody_else_has_added_meanwhile_is_not_emptied() -> None:
    ways = [{"name": "Big", "criteria": BIG, "steps": []}, {"name": "Huge", "criteria": BIG, "steps": []},
            {"name": "Others", "steps": []}]  # fmt: skip
    document = {"object": "deal", "steps": [{"id": "split", "action": "branch", "branches": ways}]}
    sent = QueryDict("branch-0-name=Large&branch-1-name=Huge")
    op = Panel(parse(document), "split", sent).op()
    assert op["op"] == "batch"
    assert [(part["branch"], part["name"]) for part in op["ops"] if part["op"] == "set_branch"] == [
        (0, "Large"), (1, "Huge"),
    ]  # fmt: skip
