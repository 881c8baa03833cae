"""The table of docs/formulas.md: every function of formulas, with what it gives for its example.

`python -m tests.formulas_page` writes it anew from the registry; a test fails while it is not current.
"""

from __future__ import annotations

import datetime as dt
import os
import zoneinfo
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "formulas.md"
BEGIN, END = "<!-- functions: begin -->", "<!-- functions: end -->"


def table() -> str:
    """One row for each function."""
    from workflows.formulas.computing import compute, kind_given
    from workflows.formulas.functions import FUNCTIONS, Run
    from workflows.formulas.kinds import written
    from workflows.formulas.reading import read

    run = Run(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), zoneinfo.ZoneInfo("UTC"))
    lines = ["| function | takes | gives | what it is | example | its result |", "|" + " --- |" * 6]
    for one in FUNCTIONS.values():
        node = read(one.example)
        kind_given(node, lambda name: None)
        takes = one.signature.replace("same:", "") or "nothing"
        gives = {"same": "like its values", "boolean": "yesno"}.get(one.gives, one.gives)
        result = written(compute(node, {}, run))
        cells = (f"`{one.name}`", takes, gives, str(one.help), f"`{one.example}`", result)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines)


def current() -> str:
    """The page as it should be."""
    text = PAGE.read_text()
    head, _begin, rest = text.partition(BEGIN)
    _old, _end, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PAGE.write_text(current())
