"""docs/actions.md tells of every action there is, and names the rows it carries out."""

from __future__ import annotations

import re

from tests import actions_page

COMMAND = "python -m tests.actions_page"


def test_the_tables_of_the_actions_page_are_current() -> None:
    assert actions_page.PAGE.read_text() == actions_page.page(), f"Run `{COMMAND}` and commit docs/actions.md."


def test_every_row_named_looks_like_one() -> None:
    assert [found for found in actions_page.named_ids() if not re.fullmatch(r"[A-Z]{3}-\d{2}", found)] == []
