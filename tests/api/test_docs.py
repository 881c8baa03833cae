"""docs/api.md knows every route, scope and example there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from records.models import Scope
from tests.api.conftest import ApiClient
from tests.api.test_permissions import TABLE

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
#: `call … $API/PATH … -d 'DOCUMENT'` as the page writes it.
EXAMPLE = re.compile(r"^call [^\n]*?\"?\$API/([^\s\"]*)\"?(?: -d '([^']*)')?$", re.MULTILINE)


def written(route: str) -> str:
    """A route as the page writes it."""
    return re.sub(r"<int:(\w+)>", r"{\1}", route).replace("{plural}", "deals")


@pytest.mark.parametrize(("method", "route"), TABLE)
def test_every_route_is_documented(method: str, route: str) -> None:
    path = written(route)
    assert f"`{method} /{path}`" in TEXT


def test_every_documented_route_exists() -> None:
    known = {f"{method} /{written(route)}" for method, route in TABLE}
    assert set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", TEXT)) == known


@pytest.mark.parametrize("scope", Scope.values)
def test_every_scope_is_documented(scope: str) -> None:
    assert f"| `{scope}` |" in TEXT


def test_every_example_that_makes_something_works(api: ApiClient) -> None:
    """The examples in order, each with its document; those that name ids of nothing are answered with 404."""
    made = {}
    for path, document in EXAMPLE.findall(TEXT):
        if not document or re.search(r"/\d+/", path):
            continue
        body = json.loads(document)
        for row in body.get("records", []):
            row.pop("associations", None)
        body.get("properties", {}).update({"owner": "boss"} if "owner" in body.get("properties", {}) else {})
        reply = api.send("POST", path, body)
        wrong = body.get("properties", {}).get("amount") == "many"
        makes = not re.search(r"/(batch|skip|retry)/$", path)
        assert reply.status_code == (400 if wrong else 201 if makes else 200), reply.document
        made[path] = reply.document
    assert made.keys() >= {"deals/", "contacts/batch/", "workflows/"}
    workflow = made["workflows/"]["id"]
    assert api.send("GET", f"workflows/{workflow}/review/").document["problems"] == []


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))
def test_every_reply_shown_is_json(example: str) -> None:
    json.loads(example)
