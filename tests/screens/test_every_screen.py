"""No screen is forgotten when all of them are photographed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

from tests.access.walking import routes
from tests.screens import addresses
from tests.screens.camera import Camera


def test_every_screen_is_photographed() -> None:
    assert addresses.unknown() == [], "say in tests/screens/addresses.py what is asked of it, or why it is no screen"


def test_nothing_is_named_that_is_not_there() -> None:
    assert addresses.needless() == []


def test_a_screen_nobody_thought_of_is_found() -> None:
    known = next(route for route in routes() if route.route == "admin/workflows/workflow/map/")
    assert addresses.unknown([replace(known, route="admin/workflows/workflow/map/")]) == []
    missing = {"admin/workflows/workflow/map/": addresses.SPECIAL.pop("admin/workflows/workflow/map/")}
    try:
        assert addresses.unknown([known]) == ["admin/workflows/workflow/map/"]
    finally:
        addresses.SPECIAL.update(missing)


def test_each_picture_has_a_name_of_its_own() -> None:
    found = [screen.name for screen in addresses.screens()]
    assert {name: count for name, count in Counter(found).items() if count > 1} == {}
    assert {"home", "crm-deal", "crm-deal-change", "workflows-workflow-editor", "preferences"} <= set(found)


def test_a_style_sheet_that_breaks_off_on_its_way_is_told_and_a_refusal_only_once() -> None:
    camera = Camera.__new__(Camera)
    camera.complaints, camera.base = [], "http://localhost"
    refused = "Failed to load resource: the server responded with a status of 404 (Not Found)"
    broken = "Failed to load resource: net::ERR_CONTENT_LENGTH_MISMATCH"
    for text in (refused, broken):
        camera.complain(SimpleNamespace(type="error", text=text))
    camera.judge(SimpleNamespace(status=404, url="http://localhost/a.css"))
    camera.judge(SimpleNamespace(status=200, url="http://localhost/b.css"))
    assert camera.complaints == [f"console error: {broken}", "/a.css answered 404"]
