"""Which addresses are screens, and under which name each is photographed.

Whatever the admin gets in by GET, as tests/access/matrix.txt says, is a screen, unless WITHOUT says why not. Lists and
the pages they lead to are photographed by themselves; any other screen is named in SPECIAL, with what is asked of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.access.matrix import family, written
from tests.access.people import PEOPLE
from tests.access.walking import IN, NEVER, PLACE, Route, routes

ADMIN = PEOPLE.index("admin")
#: The pages every list in the admin has.
USUAL = re.compile(r"admin/\w+/[\w{}]+/((add|<path:object_id>/(change|delete|history))/)?")
PART, FILE, DATA, MOVED = "a part of another page", "a file", "read by a program", "leads on to another page"
#: Addresses that are no screens, by what they begin with or, after a star, end with.
WITHOUT = {
    "api/v1/": DATA, "metrics": DATA, "tracking/": DATA, "t/": DATA, "admin/jsi18n/": DATA, "admin/palette/": DATA,
    "admin/criteria/": DATA, "*/export.csv": FILE, "*/errors.csv": FILE, "*/document/": FILE, "*/export/": FILE,
    "*/<path:object_id>/": MOVED, "*/find/<slug:other>/": PART, "*/<int:pk>/timeline/": PART, "*/message/": PART,
    "*/progress/": PART, "*/alert/now/": PART, "*/notification/bell/": PART, "*/home/workflows/": PART,
    "*/webhook/<int:pk>/latest/": PART, "*/webhook/<int:pk>/mapping/": PART, "*/webhook/<int:pk>/matching/": PART,
    "*/webhook/<int:pk>/requests/": PART, "*/webhook/<int:pk>/waiting/": PART, "*/comments/": PART,
    "*/comments/people/": DATA, "*/editor/counts/": DATA, "*/editor/data/": PART, "*/editor/data/sources/": PART,
    "*/editor/find/": DATA, "*/editor/glance/": PART, "*/editor/palette/": PART, "*/editor/panel/": PART,
    "*/editor/try/": PART, "*/code-samples/": PART,
}  # fmt: skip
#: What is asked of an address: by the ending of a picture's name, the query.
Queries = dict[str, str]
ONE: Queries = {"": ""}
WORKFLOW, ENROLLMENT = "admin/workflows/workflow/<int:pk>/", "admin/workflows/enrollment/"
SPECIAL: dict[str, Queries] = {
    "admin/": ONE,
    "admin/<app_label>/": ONE,
    "admin/login/": ONE,
    "admin/password_change/": ONE,
    "admin/crm/user/<id>/password/": ONE,
    "admin/crm/calltoaction/tracking-code/": ONE,
    "admin/crm/emailtemplate/<int:pk>/preview/": ONE,
    "admin/crm/survey/<int:pk>/results/": ONE,
    "admin/crm/{record}/<int:pk>/merge/": ONE,
    "admin/crm/{record}/columns/": ONE,
    "admin/workflows/aiprovider/drafts/": ONE,
    ENROLLMENT + "attention/": ONE,
    ENROLLMENT + "diagnose/<int:pk>/": {"": "", "-of-a-record": "?record={record}"},
    ENROLLMENT + "event/<int:pk>/": ONE,
    ENROLLMENT + "kept/": ONE,
    ENROLLMENT + "log/": {"-of-all": "", "-of-all-errors": "?kind=error"},
    ENROLLMENT + "log/<int:pk>/": {"": "", "-errors": "?kind=error"},
    ENROLLMENT + "moving/<int:moving>/": ONE,
    WORKFLOW + "editor/": {
        "": "", "-trigger": "?step=trigger", "-step": "?step={step}", "-settings": "?step=_settings"
    },
    WORKFLOW + "enroll/": ONE,
    WORKFLOW + "metrics/": ONE,
    WORKFLOW + "outline/": {"": "", "-places": "?add", "-actions": "?at=steps.0"},
    WORKFLOW + "performance/": ONE,
    WORKFLOW + "remove/": ONE,
    WORKFLOW + "review/": ONE,
    WORKFLOW + "test/": {"": "", "-of-a-record": "?record={record}"},
    WORKFLOW + "versions/": ONE,
    WORKFLOW + "versions/<int:number>/": {"-one": ""},
    WORKFLOW + "versions/compare/": ONE,
    "admin/workflows/workflow/map/": {"": "", "-of-one": "?workflow={workflow}"},
    "admin/workflows/workflow/mass/<int:mass>/": ONE,
    "admin/workflows/workflow/templates/": ONE,
    "admin/workflows/workflow/templates/<slug:slug>/": {"-one": ""},
    "forms/<str:token>/": ONE,
    "forms/<str:token>/sent/": ONE,
    "surveys/<str:token>/": ONE,
    "surveys/<str:token>/sent/": ONE,
}  # fmt: skip
#: Other ways to look at screens that are photographed anyway.
MORE: dict[str, Queries] = {
    "admin/crm/contact/": {"-trash": "?deleted=yes", "-no-match": "?q=nobody+at+all"},
    "admin/records/recordlist/add/": {"-criteria": "?object_type=deal&kind=active"},
    "admin/records/propertyaccess/": {"-of-a-group": "?group={group}&object_type=deal"},
    "admin/workflows/workflow/": {"-trash": "?deleted=yes", "-no-match": "?q=nobody+at+all"},
    ENROLLMENT: {"-of-one": "?workflow__id__exact={workflow}", "-no-match": "?q=nobody+at+all"},
}  # fmt: skip
#: Screens that are refused to whoever comes without something (a link out of a mail, chosen rows), RQ's, more of one.
BESIDES = {
    "preferences": "{preferences}",
    "preferences-broken": "preferences/x/",
    "workflows-workflow-switch": "admin/workflows/workflow/switch/?to=off&id={workflow}",
    "workflows-workflow-move": "admin/workflows/workflow/move/?id={workflow}",
    "workflows-workflow-editor-long": "admin/workflows/workflow/{long}/editor/",
    "workflows-workflow-outline-long": "admin/workflows/workflow/{long}/outline/",
    "workflows-workflow-review-long": "admin/workflows/workflow/{long}/review/",
    "workflows-workflow-performance-long": "admin/workflows/workflow/{long}/performance/",
    "rq": "admin/django_rq/dashboard/",
    "rq-queue": "admin/django_rq/dashboard/queues/0/",
    "rq-workers": "admin/django_rq/dashboard/workers/0/",
    "no-such-page": "nowhere/",
}


@dataclass(frozen=True)
class Screen:
    """A picture's name, the route it is of ("" for BESIDES), and the address with the places still in it.

    `sure`: the matrix says that the admin gets in. It says so of no page whose world has no row for it.
    """

    name: str
    route: str
    address: str
    sure: bool = True


def reason_against(route: str) -> str:
    """Why an address is no screen; "" for one that is."""
    for end, why in WITHOUT.items():
        if stands(end, route):
            return why
    return ""


def queries_of(route: str, kin: str) -> Queries:
    """How a screen is looked at. Raises KeyError for one that nobody has thought of."""
    return (ONE if USUAL.fullmatch(kin) else SPECIAL[kin]) | MORE.get(route, {})


def seen(found: Iterable[Route] | None = None) -> Iterator[tuple[Route, str, bool]]:
    """Every address that is a screen, its family, and whether the admin is known to get in."""
    marks = written()
    for route in routes() if found is None else found:
        kin = family(route.route)
        told = marks.get(("GET", kin), "")
        sure = IN in (told[:1], told[ADMIN : ADMIN + 1])
        perhaps = USUAL.fullmatch(kin) and PLACE.search(kin) and not kin.startswith("admin/django_rq/")
        if (sure or (perhaps and told[:1] != NEVER)) and not reason_against(kin):
            yield route, kin, sure


def unknown(found: Iterable[Route] | None = None) -> list[str]:
    """Screens without a photograph: neither usual nor named."""
    return sorted({kin for _route, kin, _sure in seen(found) if not USUAL.fullmatch(kin)} - SPECIAL.keys())


def needless() -> list[str]:
    """What the tables name and nobody finds any more."""
    families = {family(route.route) for route in routes()}
    named = sorted(SPECIAL.keys() - families) + sorted(MORE.keys() - {route.route for route in routes()})
    return named + [end for end in WITHOUT if not any(stands(end, one) for one in families)]


def stands(end: str, kin: str) -> bool:
    return kin.endswith(end[1:]) if end.startswith("*") else kin.startswith(end)


def screens() -> Iterator[Screen]:
    """Every picture to take, in the order of the addresses."""
    for route, kin, sure in seen():
        for ending, query in queries_of(route.route, kin).items():
            yield Screen(name_of(route.route) + ending, route.route, route.route + query, sure)
    for name, address in BESIDES.items():
        yield Screen(name, "", address)


def name_of(route: str) -> str:
    """A file's name for an address: "crm-deal-change" for "admin/crm/deal/<path:object_id>/change/"."""
    words = PLACE.sub(lambda found: "app" if found[1] == "app_label" else "", route.removeprefix("admin/"))
    return re.sub(r"[^\w-]*/+", "-", words).replace("_", "-").strip("-") or "home"
