"""The tables of docs/actions.md: every type of step, its settings, what it leaves for later steps.

`python -m tests.actions_page` writes them anew from the registry; tests/test_actions_page.py fails while they are not
current, or while there is an action of which tests/specified.py does not say which rows it carries out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from tests import specified
from tests.triggers_page import BEGIN, END, ids, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "actions.md"


def tables() -> str:
    """A table for each heading of the palette, in its order."""
    from workflows.registries import actions

    groups: dict[str, list[tuple[object, ...]]] = {}
    for slug, action in sorted(actions.items()):
        groups.setdefault(str(action.group), []).append(
            (f"`{slug}`", action.label, kinds(action), settings(action), ids(specified.ACTIONS, slug))
        )
    head = ("action", "name", "in workflows for", "settings", "rows")
    return "\n\n".join(table(group, head, groups[group], 3) for group in sorted(groups))


def kinds(action: Any) -> str:
    """The kinds of records in whose workflows it is offered: all, all but a few, or a few."""
    from records.object_types import enrolled_types

    known = {slug: kind for slug, kind in enrolled_types().items() if not kind.model.__module__.startswith("tests.")}
    offered = [slug for slug, kind in known.items() if action.offered_to(kind)]
    missing = [slug for slug in known if slug not in offered]
    if not missing:
        return "all"
    few, word = (missing, "all but ") if len(missing) < len(offered) else (offered, "")
    return word + ", ".join(f"`{slug}`" for slug in few)


def settings(action: Any) -> str:
    """The names of its settings; those that can be left out with a question mark."""
    fields = action.Params.base_fields.items()
    return ", ".join(f"`{name}`" + ("" if field.required else "?") for name, field in fields) or "–"


def page() -> str:
    """docs/actions.md with the tables as they should be."""
    text = PAGE.read_text()
    return f"{text.partition(BEGIN)[0]}{BEGIN}\n\n{tables()}\n\n{END}{text.partition(END)[2]}"


def named_ids() -> set[str]:
    """The rows of the specification that tests/specified.py names for actions."""
    return {found for text in specified.ACTIONS.values() for found in re.findall(r"\S+", text)}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    PAGE.write_text(page())
