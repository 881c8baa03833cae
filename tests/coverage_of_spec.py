"""Which rows of the specification which tests cover. Reads files only, runs nothing.

A test says what it covers with `@pytest.mark.covers("OPR-08")`.

`python -m tests.coverage_of_spec path/to/workflows.md` prints the rows without a test;
`python -m tests.coverage_of_spec --page` writes the table of docs/engine.md anew, which needs no specification.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROW = re.compile(r"^\|\s*([A-Z]{3}-\d{2,3}[a-z]?)\s*\|\s*([^|]*)")
TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "engine.md"
#: Where the rows stand that cannot apply to this product, each with the reason.
DECISIONS = TESTS.parent / "docs" / "triggers.md"
DECIDED, UNDECIDED = "<!-- decided: begin -->", "<!-- decided: end -->"
BEGIN, END = "<!-- tests: begin -->", "<!-- tests: end -->"
#: The sections the engine's page is about.
SECTIONS = {
    "DLY": "Delays", "BRN": "Branches", "GTO": "Going elsewhere", "ACG": "Actions", "SET": "Settings",
    "LIF": "Turning on and off",
}  # fmt: skip


def rows(text: str) -> dict[str, str]:
    """The rows of the specification by id, with their titles."""
    return {match[1]: match[2].strip() for line in text.splitlines() if (match := ROW.match(line))}


def decided() -> dict[str, str]:
    """The rows that cannot apply, with the reason."""
    return rows(DECISIONS.read_text().partition(DECIDED)[2].partition(UNDECIDED)[0])


def named(node: ast.AST) -> Iterator[str]:
    """The ids that `covers` markers name anywhere in a piece of code."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "covers":
            yield from (str(argument.value) for argument in part.args if isinstance(argument, ast.Constant))


def covered(source: str) -> dict[str, list[str]]:
    """The ids a test module names, each with its tests; "" stands for what is marked outside a test."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in ast.parse(source).body:
        test = node.name if isinstance(node, ast.FunctionDef) else ""
        for id in dict.fromkeys(named(node)):
            found[id].append(test)
    return found


def tests_by_row() -> dict[str, list[tuple[str, str]]]:
    """Every covered row with its tests as (module, name), in the order of the files."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for id, tests in covered(path.read_text()).items():
            found[id] += [(str(path.relative_to(TESTS)), test) for test in tests]
    return found


def table() -> str:
    """What tests show of each row of the engine's sections, in words."""
    found = tests_by_row()
    lines: list[str] = []
    for section, title in SECTIONS.items():
        lines += [f"### {title}", "", "| row | shown by |", "| --- | --- |"]
        for id in sorted(id for id in found if id.startswith(f"{section}-")):
            lines.append(f"| {id} | {'<br>'.join(told(*test) for test in found[id])} |")
        lines.append("")
    return "\n".join(lines)


def told(module: str, test: str) -> str:
    """A test's name as the sentence it is."""
    sentence = test.removeprefix("test_").replace("_", " ") or "several tests"
    return f"{sentence} (`{module}`)"


def page() -> str:
    """docs/engine.md with the table as it should be."""
    text = PAGE.read_text()
    return f"{text.partition(BEGIN)[0]}{BEGIN}\n\n{table()}\n{END}{text.partition(END)[2]}"


def main() -> int:
    """Print the rows without a test; exit 1 when a marker names a row that does not exist."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specification", type=Path, nargs="?")
    parser.add_argument("--page", action="store_true", help="write the table of docs/engine.md anew")
    asked = parser.parse_args()
    if asked.page:
        PAGE.write_text(page())
        return 0
    if asked.specification is None:
        parser.error("name the specification, or give --page")
    wanted = rows(asked.specification.read_text())
    found, settled = set(tests_by_row()), decided()
    for id, title in wanted.items():
        if id not in found and id not in settled:
            sys.stdout.write(f"{id}  {title}\n")
    unknown = sorted((found | set(settled)) - set(wanted))
    sys.stdout.write(f"{len(found & set(wanted))} of {len(wanted)} rows have a test.\n")
    sys.stdout.write(f"{len(set(settled) & set(wanted))} do not apply, because (docs/triggers.md):\n")
    for id in sorted(settled):
        sys.stdout.write(f"{id}  {settled[id]}\n")
    if unknown:
        sys.stdout.write(f"Markers name rows that do not exist: {', '.join(unknown)}\n")
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
