"""The rules that keep the rooms apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: A package may import itself and those to its right.
ORDER = ("config", "crm", "workflows", "records")
MODULE_LIMIT = 300
BANNED = {"utils", "helpers", "services", "common", "misc"}
ALLOWED = {Path("config/services.py")}
#: Verbs of workflows never know who calls them.
ENTRY_POINTS = {"admin", "api", "editor", "management", "jobs", "views", "urls"}
#: Plug-ins may use verbs' vocabulary, never the entry points either.
OUTSIDE_WORLD = {"requests", "httpx", "urllib3", "aiohttp"}


def modules() -> Iterator[Path]:
    """Every Python file of the product, without migrations."""
    for package in ORDER:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module a file imports, wherever in it: at the top, in functions, under TYPE_CHECKING, by import_module."""
    tree = ast.parse((ROOT / path).read_text(), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by the whole name"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"import_module", "__import__"}:
            yield from ((node.lineno, str(given.value)) for given in node.args if isinstance(given, ast.Constant))


MODULES = list(modules())


def test_the_product_is_where_we_look() -> None:
    assert {path.parts[0] for path in MODULES} == set(ORDER)
    assert len(MODULES) > 50


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_go_in_one_direction(path: Path) -> None:
    forbidden = set(ORDER[: ORDER.index(path.parts[0])]) | {"tests", "benchmarks"}
    wrong = [f"{path}:{line} imports {name}" for line, name in imports(path) if name.split(".")[0] in forbidden]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    lines = len((ROOT / path).read_text().splitlines())
    assert lines <= MODULE_LIMIT, f"{path} has {lines} lines: cut it where its subject changes"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_is_named_by_what_it_does(path: Path) -> None:
    names = {path.stem, *path.parts[:-1]}
    assert path in ALLOWED or not names & BANNED


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[0] in ("records", "workflows")], ids=str)
def test_verbs_do_not_import_entry_points(path: Path) -> None:
    inner = path.parts[1:]
    if set(inner[:-1]) & ENTRY_POINTS or path.stem in ENTRY_POINTS | {"apps", "signals"}:
        return
    wrong = [
        f"{path}:{line} imports {name}"
        for line, name in imports(path)
        if name.split(".")[0] == path.parts[0] and set(name.split(".")[1:2]) & (ENTRY_POINTS - {"jobs"})
    ]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_there_is_one_door_out(path: Path) -> None:
    wrong = [f"{path}:{line} imports {name}" for line, name in imports(path) if name.split(".")[0] in OUTSIDE_WORLD]
    assert not wrong


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[0] in ("records", "workflows", "crm")], ids=str)
def test_nobody_reads_a_clock_of_their_own(path: Path) -> None:
    """`now` is an argument, read from the database by entry points (records.clock)."""
    tree = ast.parse((ROOT / path).read_text(), str(path))
    clocks = {("timezone", "now"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
    wrong = [
        f"{path}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (getattr(node.func.value, "id", getattr(node.func.value, "attr", "")), node.func.attr) in clocks
    ]
    assert not wrong
