"""Whatever JSON stands where: a definition is read, or refused with places and in our own words; nothing slips by."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.problems import DocumentError, Problem
from tests.workflows.building import step
from workflows.definitions import checking, parsing

pytestmark = pytest.mark.django_db
CRITERIA = {"any": [{"all": [{"property": "lead_score", "operator": "is_greater_than", "value": 5}]}]}
TELL = step("tell", "send_internal_email", to=["owner"], subject="A", body="B")
STEPS: list[dict[str, Any]] = [
    step("edit", "edit_record", property="job_title", value="Boss") | {"comment": "why", "on_failure": {"retry": 2}},
    step("add", "change_number", property="lead_score", by=1),
    step("wait", "delay", days=1, hours=2),
    step("day", "delay_until_weekday", days=["mon"]),
    step("ask", "delay_until_event", event="property_changed", property="city", max_wait={"days": 2}),
    step(
        "split",
        "branch",
        branches=[
            {
                "name": "Yes",
                "criteria": CRITERIA,
                "steps": [step("tell", "send_internal_email", to=["owner"], subject="A", body="B")],
            },
            {"name": "Otherwise", "steps": [step("stop", "end")]},
        ],
    ),
    step(
        "value",
        "value_branch",
        property="city",
        branches=[{"name": "A", "values": ["Lund"], "steps": []}, {"name": "B", "steps": [step("x", "end")]}],
    ),
    step(
        "chance",
        "random_split",
        branches=[{"name": "A", "percent": 50, "steps": []}, {"name": "B", "percent": 50, "steps": []}],
    ),
]
SETTINGS: dict[str, Any] = {
    "timezone": "Europe/Stockholm",
    "windows": [{"days": ["mon", "tue"], "from": "09:00", "to": "17:00"}],
    "pause_dates": ["12-24", {"from": "2030-01-01", "to": "2030-01-03"}, {"date": "2031-05-05"}],
    "limit": {"count": 5, "per": "minute"},
    "notify": {"users": [], "about": []},
    "metrics": True,
    "version_policy": "follow",
    "turn_off_at": "2031-12-31T18:00",
}
TRIGGERS: list[dict[str, Any]] = [
    {"kind": "filter", "criteria": CRITERIA, "reenroll": ["any.0.all.0"]},
    {"kind": "manual", "reenroll": True},
    {"kind": "event", "events": [{"event": "page_viewed"}], "criteria": CRITERIA, "reenroll": False},
    {"kind": "schedule", "schedule": {"every": "week", "weekdays": ["mon"], "at": "09:00"}, "criteria": CRITERIA},
]
DOCUMENTS: list[dict[str, Any]] = [
    {
        "format": 1, "name": "Test", "object": "contact", "description": "", "trigger": trigger,
        "unenroll": {"criteria": None, "when_no_longer_matching": False, "others": "none"}, "suppress": [],
        "goal": None, "sources": [], "settings": SETTINGS, "steps": STEPS,
    }
    for trigger in TRIGGERS
]  # fmt: skip
#: How Django begins where it speaks for itself.
DJANGO_SAYS = ("This field", "Enter a", "Select a", "Ensure ", "“This", "This value")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.sampled_from(["mon", "09:00", "12-24", "branch", "filter", "edit", "contact", "\x00", "{{ contact.city }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
Place = tuple[str | int, ...]


def places(node: Any, at: Place = ()) -> Iterator[Place]:
    """Where every node of a document stands."""
    yield at
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


def node_at(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def replaced(document: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    found = copy.deepcopy(document)
    node_at(found, place[:-1])[place[-1]] = value
    return found


def problems_of(document: Any) -> list[Problem]:
    """What is wrong with a document, read and checked as for publishing; refusals name a place."""
    try:
        found = checking.problems(parsing.parse(document))
    except DocumentError as error:
        found = error.problems
        assert all(problem.path for problem in found) or not isinstance(document, dict), found
    for problem in checking.errors(found):
        assert problem.message
        assert not problem.message.startswith(DJANGO_SAYS), problem
    return checking.errors(found)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_are_valid_before_they_are_spoilt(document: dict[str, Any]) -> None:
    assert problems_of(document) == []


SPOILT = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@SPOILT
@given(st.data())
def test_any_json_anywhere_is_read_or_refused_with_its_place(data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(DOCUMENTS))
    place = data.draw(st.sampled_from(list(places(document))))
    problems_of(replaced(document, place, data.draw(JSON)))


@SPOILT
@given(st.data())
def test_an_unknown_key_is_refused_wherever_it_stands(data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(DOCUMENTS))
    objects = [place for place in places(document) if isinstance(node_at(document, place), dict)]
    place = data.draw(st.sampled_from(objects))
    key = data.draw(st.sampled_from(["surprise", "steps ", "Name", "percent_", "value_"]))
    spoilt = replaced(document, (*place, key), data.draw(JSON))
    assert problems_of(spoilt), f"{key!r} at {place} was accepted"


@pytest.mark.parametrize(
    ("place", "value", "path", "told"),
    [
        (("settings",), True, "settings", "JSON object like {“timezone”: “Europe/Stockholm”}, not True"),
        (("settings", "timezone"), False, "settings.timezone", "text like “Europe/Stockholm”, not False"),
        (("goal",), 0, "goal", "JSON object"),
        (("unenroll", "criteria"), [], "unenroll.criteria", "not []"),
        (("trigger", "criteria"), "all", "trigger.criteria", "JSON object like {“all”: […]}, not 'all'"),
        (("trigger", "kind"), ["filter"], "trigger.kind", "There is no trigger ['filter']. Use one of: "),
        (("object",), {}, "object", "There is no object type {}. Use one of: "),
        (("steps", 0, "comment"), 5, "steps.0.comment", "text like “why this step exists”, not 5"),
        (("steps", 0, "params"), 0, "steps.0.params", "JSON object like {“days”: 2}, not 0"),
        (("steps", 0, "branches"), False, "steps.0.branches", "Only branch actions have branches. Remove them."),
        (
            ("steps", 2, "params", "days"),
            "soon",
            "steps.2.params.days",
            "'soon' is not a number. Send a number like 2.",
        ),
        (("steps", 2, "params", "days"), -1, "steps.2.params.days", "-1 is too small. Send 0 or more."),
        (("steps", 3, "params", "days"), 7, "steps.3.params.days", "7 is not a list. Send a list like"),
        (("steps", 5, "branches", 0, "name"), 1, "steps.5.branches.0.name", "text like “Won”, not 1"),
        (("steps", 5, "branches", 0, "values"), ["x"], "steps.5.branches.0.values", "Use: criteria, name, steps."),
        (("steps", 6, "branches", 0, "percent"), 5, "steps.6.branches.0.percent", "Use: name, steps, values."),
        (
            ("steps", 7, "branches", 0, "percent"),
            "50",
            "steps.7.branches.0.percent",
            "is not the share of the branch “A”. Write a number from 0 to 100.",
        ),
        (("steps", 7, "branches", 1, "criteria"), None, "steps.7.branches.1.criteria", "Use: name, percent, steps."),
    ],
)
def test_each_refusal_names_the_place_the_value_and_the_remedy(place: Place, value: Any, path: str, told: str) -> None:
    found = {problem.path: problem.message for problem in problems_of(replaced(DOCUMENTS[0], place, value))}
    assert told in found[path]
