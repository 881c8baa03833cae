"""Pages of docs/ that say what tests show are what the tests say."""

from __future__ import annotations

import ast
from pathlib import Path

from tests import coverage_of_spec
from tests.coverage_of_spec import covered, rows
from workflows.failpoints import FAILPOINTS

ROOT = Path(__file__).resolve().parent.parent


def test_the_table_of_the_engines_page_is_current() -> None:
    command = "python -m tests.coverage_of_spec --page"
    assert coverage_of_spec.PAGE.read_text() == coverage_of_spec.page(), f"Run `{command}` and commit docs/engine.md."


def test_rows_and_markers_are_read_as_they_are_written() -> None:
    assert rows("| DLY-01 | Calendar date | Hold. |\n| --- | --- |\nDLY-02") == {"DLY-01": "Calendar date"}
    source = """
import pytest
LIST = [pytest.param(1, marks=pytest.mark.covers("DLY-03"))]
@pytest.mark.covers("DLY-01", "DLY-02")
def test_it_waits(): pass
"""
    assert covered(source) == {"DLY-03": [""], "DLY-01": ["test_it_waits"], "DLY-02": ["test_it_waits"]}


def reached() -> list[str]:
    """The failpoints the product's code comes by."""
    found = []
    for path in sorted((ROOT / "workflows").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "reach":
                [argument] = node.args
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno}: name the failpoint itself"
                found.append(str(argument.value))
    return found


def test_every_failpoint_is_declared_and_in_one_place_and_every_declared_one_exists() -> None:
    """That each is really come by, tests/reliability/test_kills.py shows: somebody must die at it."""
    assert sorted(reached()) == sorted(FAILPOINTS)
