"""Which rows of the specification have no test: `python -m tests.coverage_of_spec path/to/workflows.md`.

A test says what it covers with `@pytest.mark.covers("OPR-08")`. Reads files only, runs nothing.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROW = re.compile(r"^\|\s*([A-Z]{3}-\d{2,3}[a-z]?)\s*\|\s*([^|]*)")
TESTS = Path(__file__).resolve().parent


def rows(text: str) -> dict[str, str]:
    """The rows of the specification by id, with their titles."""
    return {match[1]: match[2].strip() for line in text.splitlines() if (match := ROW.match(line))}


def covered(source: str) -> Iterator[str]:
    """The ids that `covers` markers in a test module name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "covers":
            yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def main() -> int:
    """Print the rows without a test; exit 1 when a marker names a row that does not exist."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specification", type=Path)
    wanted = rows(parser.parse_args().specification.read_text())
    found = {id for path in TESTS.rglob("test_*.py") for id in covered(path.read_text())}
    for id, title in wanted.items():
        if id not in found:
            sys.stdout.write(f"{id}  {title}\n")
    unknown = sorted(found - set(wanted))
    sys.stdout.write(f"{len(found & set(wanted))} of {len(wanted)} rows have a test.\n")
    if unknown:
        sys.stdout.write(f"Markers name rows that do not exist: {', '.join(unknown)}\n")
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
