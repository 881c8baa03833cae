"""What is an id and what only looks like one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from records.ids import id_of

ROOT = Path(__file__).resolve().parents[2]
#: They look at texts people write, not at ids.
TEXTS = {Path("records/property_types/texts.py"), Path("records/property_types/numbers.py")}


@pytest.mark.parametrize(("sent", "found"), [("7", 7), ("0042", 42), ("9" * 18, 10**18 - 1)])
def test_digits_are_an_id(sent: str, found: int) -> None:
    assert id_of(sent) == found


@pytest.mark.parametrize("sent", ["", " 7", "-7", "+7", "7.0", "²", "٣", "７", "1_000", "9" * 19, None, 7, ["7"]])
def test_everything_else_is_none(sent: object) -> None:
    assert id_of(sent) is None


def test_nobody_takes_digits_of_other_scripts_for_numbers() -> None:
    """`int("²")` is an error although "²" is a digit: whoever asks for digits asks for ASCII in the same breath."""
    wrong = []
    for package in ("crm", "records", "workflows"):
        for path in sorted((ROOT / package).rglob("*.py")):
            calls = [
                (node.lineno, node.func.attr)
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            ]
            plain = {line for line, name in calls if name == "isascii"}
            wrong += [
                f"{path.relative_to(ROOT)}:{line}"
                for line, name in calls
                if name == "isdigit" and line not in plain and path.relative_to(ROOT) not in TEXTS
            ]
    assert wrong == []
