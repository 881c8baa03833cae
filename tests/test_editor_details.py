"""docs/editor-details.md: what the editor promises is shown by tests."""

from __future__ import annotations

from tests import editor_details


def test_every_promise_of_the_editor_is_shown_by_a_test() -> None:
    found = editor_details.shown()
    assert sorted(set(editor_details.DETAILS) - set(found)) == [], "mark a test with @pytest.mark.detail(number)"
    assert sorted(set(found) - set(editor_details.DETAILS)) == [], "there is no such detail"


def test_every_promise_of_the_editor_is_shown_in_a_browser() -> None:
    found = editor_details.shown()
    unseen = [
        number for number in editor_details.DETAILS if not any("browser/" in path for path, _name in found[number])
    ]
    assert unseen == [], "mark a test of tests/browser with @pytest.mark.detail(number)"


def test_the_table_of_the_page_is_current() -> None:
    current = editor_details.PAGE.read_text() == editor_details.page()
    assert current, "Run `python -m tests.editor_details` and commit docs/editor-details.md."
