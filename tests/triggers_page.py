"""The tables of docs/triggers.md: everything a workflow can be triggered, filtered, scheduled and closed by.

`python -m tests.triggers_page` writes them anew from the registries; tests/test_triggers_page.py fails while they are
not current, or while something is in a registry of which tests/specified.py does not say which rows it carries out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests import specified

PAGE = Path(__file__).resolve().parent.parent / "docs" / "triggers.md"
BEGIN, END = "<!-- registries: begin -->", "<!-- registries: end -->"
FAMILY_NAMES = {
    "text": "Texts", "number": "Numbers", "date": "Dates, with and without time", "boolean": "Yes or no",
    "select": "One of several options", "multi_select": "Several of several options", "user": "Users",
}  # fmt: skip


class Unspecified(LookupError):
    """Something is registered of which nobody has said which rows of the specification it carries out."""


def ids(table: Mapping[str, str], *keys: str, declared: Iterable[str] = ()) -> str:
    """The rows declared where the thing is, or those of the first key that is known. Raises Unspecified."""
    if declared:
        return ", ".join(declared)
    for key in keys:
        if key in table:
            return table[key].replace(" ", ", ") or "beyond"
    raise Unspecified(f"Say in tests/specified.py which rows of the specification “{keys[0]}” carries out.")


def tables() -> str:
    """All of the page's tables."""
    parts = (families(), filters(), *operators(), *events(), schedules(), refusals(), leavings())
    return "\n\n".join(parts)


def table(title: str, head: Iterable[str], rows: Iterable[Iterable[object]], level: int = 2) -> str:
    columns = list(head)
    lines = [f"{'#' * level} {title}", "", row(columns), row(["---"] * len(columns)), *(row(cells) for cells in rows)]
    return "\n".join(lines)


def row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |"


def families() -> str:
    from workflows.registries import triggers

    rows = [(f"`{slug}`", one.label, one.description, ids(specified.TRIGGERS, slug)) for slug, one in triggers.items()]
    return table("Families of triggers", ("`kind`", "name", "enrolls", "rows"), rows)


def filters() -> str:
    from records.criteria.leaves import leaf_kinds

    rows = []
    for slug, kind in sorted(leaf_kinds.items()):
        known = ", ".join(f"`{operator}`" for operator, _label in kind.operators()) or "–"
        rows.append(
            (f"`{slug}`", kind.label, known, right(kind.permission), ids(specified.FILTERS, slug, declared=kind.spec))
        )
    return table("Filters", ("begins with", "about", "operators", "takes the right", "rows"), rows)


def right(permission: str) -> str:
    return f"`{permission}`" if permission else "–"


def operators() -> Iterator[str]:
    from records.criteria.operators import operators as known
    from records.property_types import property_types

    yield "## Operators by type of property"
    for family, title in FAMILY_NAMES.items():
        kinds = ", ".join(f"`{kind.slug}`" for kind in property_types.values() if kind.family == family)
        rows = []
        for key, operator in known.items():
            if key.startswith(f"{family}:"):
                operands = ", ".join(f"`{one.name}`" + ("" if one.required else "?") for one in operator.operands)
                facts = ("history" if operator.reads_history else "", "blanks" if operator.takes_blanks else "")
                more = ", ".join(filter(None, facts)) or "–"
                found = ids(specified.OPERATORS, key, operator.slug)
                rows.append((f"`{operator.slug}`", operator.label, operands or "–", more, found))
        yield table(title, ("operator", "name", "values", "also", "rows"), rows, 3) + f"\n\nTypes: {kinds}."


def events() -> Iterator[str]:
    from records.event_types import event_types
    from workflows.registries import events as journal

    yield "## Events"
    groups: dict[str, list[tuple[object, ...]]] = {}
    for slug, event in journal.items():
        settings = ", ".join(f"`{name}`" for name in event.fields()) or "–"
        uses = [word for word, holds in (("trigger", event.triggering), ("wait", event.waited)) if holds]
        need, found = right(event.permission), ids(specified.EVENTS, slug)
        cells = (f"`{slug}`", event.label, "any that fits", settings, ", ".join(uses), need, found)
        groups.setdefault(str(event.category), []).append(cells)
    for slug, kind in event_types.items():
        facts = ", ".join(f"`{prop.slug}` ({prop.type})" for prop in kind.properties) or "–"
        uses = ["trigger", "wait", *(["filter"] if kind.counted else []), *(["API"] if kind.ingested else [])]
        happens = ", ".join(kind.object_types) or "any"
        found = ids(specified.EVENTS, slug, declared=kind.spec)
        groups.setdefault(str(kind.category), []).append(
            (f"`{slug}`", kind.label, happens, facts, ", ".join(uses), right(kind.permission), found)
        )
    for category, rows in groups.items():
        head = ("event", "name", "happens to", "properties or settings", "can be used as", "takes the right", "rows")
        yield table(category, head, rows, 3)


def schedules() -> str:
    from workflows.editor.schedule_form import FREQUENCIES
    from workflows.schedules.rules import KEYS

    rows = [
        (
            f"`{every}`",
            FREQUENCIES[every],
            ", ".join(f"`{key}`" for key in (*keys, "timezone")),
            ids(specified.SCHEDULES, every),
        )
        for every, keys in KEYS.items()
    ]
    return table("Schedules", ("`every`", "name", "made of", "rows"), rows)


def refusals() -> str:
    from workflows.enrollment.doors import REFUSALS

    rows = [(f"`{code}`", sentence, ids(specified.REFUSALS, code)) for code, sentence in REFUSALS.items()]
    return table("Why a record is not let in", ("code", "what the history says", "rows"), rows)


def leavings() -> str:
    from workflows.enrollment.doors import REFUSALS
    from workflows.history.telling import ENDINGS

    own = {code: sentence for code, sentence in ENDINGS.items() if code == "record_deleted" or code not in REFUSALS}
    rows = [(f"`{code}`", sentence, ids(specified.LEAVINGS, code)) for code, sentence in own.items()]
    return table("Why a record's way ends", ("code", "what the history says", "rows"), rows)


def page() -> str:
    """docs/triggers.md with the tables as they should be."""
    text = PAGE.read_text()
    return f"{text.partition(BEGIN)[0]}{BEGIN}\n\n{tables()}\n\n{END}{text.partition(END)[2]}"


def named_ids() -> set[str]:
    """The rows of the specification that tests/specified.py names."""
    kinds = ("TRIGGERS", "FILTERS", "OPERATORS", "EVENTS", "SCHEDULES", "REFUSALS", "LEAVINGS")
    return {
        found for kind in kinds for text in getattr(specified, kind).values() for found in re.findall(r"\S+", text)
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    PAGE.write_text(page())
