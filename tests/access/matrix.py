"""The table of who gets in where, as it is written down and as it is."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from records.api.tokens import issue
from records.clock import database_now
from records.models import Scope
from records.object_types import object_types
from tests.access.people import PEOPLE, everybody
from tests.access.walking import Route, asked, mark, routes
from tests.access.world import World
from tests.api.test_permissions import OF_ONE_TYPE, PLURALS, TABLE

FILE = Path(__file__).with_name("matrix.txt")
#: The names of records' models in the admin.
MODELS = {f"admin/{kind.model._meta.label_lower.replace('.', '/')}/": kind for kind in object_types.values()}
UNASKED = "?"
Marks = dict[tuple[str, str], str]


def written() -> Marks:
    """By method and address: a mark for each of PEOPLE."""
    found: Marks = {}
    for line in FILE.read_text().splitlines():
        if line and not line.startswith("#"):
            marks, method, route = line.split()
            assert (method, route) not in found, f"{method} {route} stands twice in {FILE.name}"
            found[method, route] = marks
    return found


def line_of(method: str, route: str, marks: str) -> str:
    return f"{marks} {method:6} {route}"


def family(route: str) -> str:
    """The address with the type of record left open: what holds for one type holds for all."""
    for start in MODELS:
        if route.startswith(start):
            return route.replace(start, "admin/crm/{record}/", 1)
    parts = route.split("/")
    if route.startswith("api/v1/") and parts[2] in PLURALS and not route.endswith(OF_ONE_TYPE):
        return "/".join(["api", "v1", "{plural}", *parts[3:]])
    return route


def document_of(method: str, route: str, world: World) -> str:
    """What is sent to a route of the API, as its own table of permissions says."""
    if not route.startswith("api/v1/"):
        return ""
    document: Any = TABLE.get((method, family(route).removeprefix("api/v1/")), ("", "", None))[2]
    return "" if document is None else json.dumps(world.filled(document))


def families() -> dict[tuple[str, str], list[Route]]:
    """Every address by method and family; of records' addresses that of deals comes first, where they have it."""
    found: dict[tuple[str, str], list[Route]] = {}
    for route in routes():
        for method in route.methods:
            found.setdefault((method, family(route.route)), []).append(route)
    for members in found.values():
        members.sort(key=lambda one: not one.route.startswith(("admin/crm/deal/", "api/v1/deals/")))
    return found


def askers(route: str) -> Collection[str]:
    """Who asks for an address: everybody, but where each answer takes a second and depends on nobody.

    And but the super admin for RQ's own pages, many of which raise errors about jobs that are not there.
    """
    if route.startswith("admin/django_rq/"):
        return [name for name in PEOPLE if name != "admin"]
    return PEOPLE[:2] if route == "api/v1/schema/" else PEOPLE


class Asking:
    """Everybody asks for addresses of one world."""

    def __init__(self) -> None:
        self.people = everybody()
        self.world = World(self.people["admin"])
        now = database_now()
        self.secrets = {
            name: "" if name == "anonymous" else issue(user, Scope.values, now=now)[1]
            for name, user in self.people.items()
        }

    def marks(self, method: str, route: Route, names: Collection[str] = PEOPLE) -> str:
        """What each of PEOPLE gets; "?" for who is not among `names`."""
        path = route.path(self.world.values(route.route))
        if path.endswith("/explain/"):
            path += f"?record={self.world.enrollment.record_id}"
        elif "/editor/" in path:
            path += "?step=raise"
        document = document_of(method, route.route, self.world)
        found = {name: asked(self.people[name], self.secrets[name], method, path, document) for name in names}
        return "".join(mark(found[name]) if name in found else UNASKED for name in PEOPLE)
