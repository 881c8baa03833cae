"""docs/triggers.md tells of everything that is registered, and names the rows it carries out."""

from __future__ import annotations

import re

import pytest

from tests import coverage_of_spec, triggers_page

COMMAND = "python -m tests.triggers_page"


def test_the_tables_of_the_triggers_page_are_current() -> None:
    assert triggers_page.PAGE.read_text() == triggers_page.page(), f"Run `{COMMAND}` and commit docs/triggers.md."


def test_what_no_row_is_named_for_is_not_documented() -> None:
    with pytest.raises(triggers_page.Unspecified, match="“fax_received”"):
        triggers_page.ids({"fax_sent": "EVT-99"}, "fax_received")


def test_every_row_named_looks_like_one() -> None:
    wrong = [found for found in triggers_page.named_ids() if not re.fullmatch(r"[A-Z]{3}-\d{2}", found)]
    assert wrong == []


def test_rows_that_cannot_apply_are_decided_with_a_reason() -> None:
    found = coverage_of_spec.decided()
    assert found, "docs/triggers.md lists the rows that do not apply."
    assert all(len(reason) > 20 for reason in found.values())
    both = sorted(set(found) & set(coverage_of_spec.tests_by_row()))
    assert both == [], "What a test shows applies: take it out of the table."
