"""The graph of a definition (P-05): what is accepted lets every record come to an end, whichever way it goes."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from records.problems import DocumentError
from tests.examples import examples
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.definitions.ways import branches_around, coming_before, label_of, never_reached
from workflows.drafting.tree import walk
from workflows.registries import actions
from workflows.step_forms.params import StepContext

FILTER = {"all": [{"property": "city", "operator": "is_known"}]}


@st.composite
def trees(draw: Any, depth: int = 0) -> list[dict[str, Any]]:
    """Steps without ids: branchings up to three deep, with ends and go-tos that lead nowhere yet."""
    kinds = ["work", "work", "work", "end"]
    if depth < 3:
        kinds += ["branch", "branch", "random_split"]
    if depth:
        kinds += ["go_to", "go_to"]
    found = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=0 if depth else 1, max_size=4)):
        if kind == "work":
            found.append({"action": "edit_record", "params": {"property": "city", "value": "X"}})
        elif kind == "go_to":
            found.append({"action": "go_to", "params": {}})
        elif kind == "end":
            found.append({"action": "end"})
        else:
            facts: dict[str, Any] = {"percent": 50} if kind == "random_split" else {"criteria": FILTER}
            branches = [{"name": "A", **facts, "steps": draw(trees(depth + 1))}]
            rest = {"percent": 50} if kind == "random_split" else {}
            branches.append({"name": "B", **rest, "steps": draw(trees(depth + 1))})
            found.append({"action": kind, "branches": branches})
    return found


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Definitions whose go-tos lead to any step at all, wherever that stands."""
    steps = draw(trees())
    found = {"format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    places = list(walk(steps))
    for number, place in enumerate(places):
        place.step["id"] = f"s{number}"
    for place in places:
        if place.step["action"] == "go_to":
            place.step["params"]["step"] = f"s{draw(st.integers(0, len(places) - 1))}"
    return found


def successors(document: dict[str, Any]) -> dict[str, set[str]]:
    """Read off the document alone, naively: where a record may be next after each step; "" is the end."""
    ways: dict[str, set[str]] = {}

    def follow(steps: list[dict[str, Any]], after: str) -> None:
        for index, step in enumerate(steps):
            then = steps[index + 1]["id"] if index + 1 < len(steps) else after
            if step["action"] == "end":
                ways[step["id"]] = {""}
            elif step["action"] == "go_to":
                ways[step["id"]] = {step["params"].get("step", "")}
            else:
                ways[step["id"]] = {then}
            for branch in step.get("branches") or ():
                ways[step["id"]].add(branch["steps"][0]["id"] if branch["steps"] else then)
                follow(branch["steps"], then)

    follow(document["steps"], "")
    return ways


def runs_forever(ways: dict[str, set[str]]) -> bool:
    """Whether some walk never ends: steps without a way into other such steps are taken away until none is left."""
    left = dict(ways)
    while True:
        ending = [place for place, targets in left.items() if not targets & left.keys()]
        if not ending:
            return bool(left)
        for place in ending:
            del left[place]


def accepted(document: dict[str, Any]) -> bool:
    """Whether publishing finds nothing wrong with where the steps lead: go-tos are all that can lead back."""
    definition = parse(document)
    context = StepContext(definition)
    jumps = (step for step in definition.walk() if step.action == "go_to")
    return not any(actions["go_to"].problems(step.params, replace(context, step=step)) for step in jumps)


@pytest.mark.covers("GTO-06", "GTO-08")
@given(documents())
@settings(max_examples=examples(150), deadline=None)
def test_every_walk_through_an_accepted_definition_ends(document: dict[str, Any]) -> None:
    fine = accepted(document)
    jumps = any(place.step["action"] == "go_to" for place in walk(document["steps"]))
    event(f"accepted: {fine}, with go-tos: {jumps}")
    if fine:
        assert not runs_forever(successors(document))


@pytest.mark.detail(19)
@pytest.mark.covers("GTO-08")
@given(documents(), st.randoms(use_true_random=False))
@settings(max_examples=examples(100), deadline=None)
def test_every_change_that_makes_a_circle_is_refused(document: dict[str, Any], chance: Any) -> None:
    """An accepted definition in which one go-to is bent, or added, so that some walk never ends."""
    fixed = copy.deepcopy(document)
    # Bent to good targets first, so that there is an accepted definition to begin with.
    for place in list(walk(fixed["steps"])):
        if place.step["action"] == "go_to":
            definition = parse(fixed)
            offered = actions["go_to"].Params(
                document={}, context=StepContext(definition, definition.by_id[place.step["id"]])
            )
            good = offered.fields["step"].available()
            place.step.update({"params": {"step": chance.choice(good)}} if good else {"action": "end", "params": {}})
    assert accepted(fixed) and not runs_forever(successors(fixed))
    places = list(walk(fixed["steps"]))
    jumps = [place.step for place in places if place.step["action"] == "go_to"]
    assume(jumps)
    jump = chance.choice(jumps)
    jump["params"]["step"] = chance.choice(places).step["id"]
    circle = runs_forever(successors(fixed))
    event(f"circle: {circle}")
    if circle:
        assert not accepted(fixed)


@given(documents())
@settings(max_examples=examples(100), deadline=None)
def test_what_comes_before_a_step_is_what_it_can_be_reached_from(document: dict[str, Any]) -> None:
    definition, ways = parse(document), successors(document)

    def reached(start: str) -> set[str]:
        seen, waiting = set(), list(ways.get(start, ()))
        while waiting:
            place = waiting.pop()
            if place and place not in seen:
                seen.add(place)
                waiting += ways.get(place, ())
        return seen

    everything = {place: reached(place) for place in ways}
    for step_id in ways:
        assert coming_before(definition, step_id) == {place for place in ways if step_id in everything[place]}
    first = definition.first
    assert {step.id for step in never_reached(definition)} == set(ways) - everything[first] - {first}


@pytest.mark.covers("GTO-07")
def test_a_go_to_cannot_be_added_outside_of_a_branch():
    document = {
        "format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"},
        "steps": [
            {"id": "split", "action": "branch", "branches": [{"name": "A", "steps": []}, {"name": "B", "steps": []}]},
        ],
    }  # fmt: skip
    jump = {"action": "go_to"}
    with pytest.raises(DocumentError) as caught:
        drafting.changed(document, {"op": "insert", "at": "steps.1", "step": jump})
    (problem,) = caught.value.problems
    assert problem.path == "at" and "in a branch only" in str(problem.message)
    after, _inverse, selected = drafting.changed(
        document, {"op": "insert", "at": "steps.0.branches.1.steps.0", "step": jump}
    )
    assert selected == "go-to" and branches_around(parse(after).by_id["go-to"].path) == {("steps.0", "1")}


@pytest.mark.django_db
@pytest.mark.covers("GTO-06", "GTO-07", "GTO-08", "GTO-09")
def test_the_tail_of_one_branch_serves_another_and_each_bad_target_says_why():
    work = {"action": "edit_record", "params": {"property": "city", "value": "X"}}
    jump = {"id": "jump", "action": "go_to", "params": {"step": "tail"}}
    document = {
        "format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"},
        "steps": [
            {"id": "before", **work},
            {"id": "split", "action": "branch", "branches": [
                {"name": "A", "criteria": FILTER, "steps": [{"id": "own", **work}, jump]},
                {"name": "B", "steps": [{"id": "tail", **work}, {"id": "more", **work}]},
            ]},
            {"id": "after", **work},
        ],
    }  # fmt: skip
    definition = parse(document)
    assert checking.errors(checking.problems(definition)) == []
    field = (
        actions["go_to"].Params(document={}, context=StepContext(definition, definition.by_id["jump"])).fields["step"]
    )
    assert field.available() == ["tail", "more"]
    assert field.unavailable == {
        "before": "not in a branch", "split": "not in a branch", "after": "not in a branch",
        "own": "in the same branch", "jump": "in the same branch",
    }  # fmt: skip
    html = str(actions["go_to"].Params(document={}, context=StepContext(definition, definition.by_id["jump"]))["step"])
    assert html.count("disabled") == 5
    # A second jump the other way would close a circle: it is not offered, and refused where it is sent.
    document["steps"][1]["branches"][1]["steps"].append({"id": "back", "action": "go_to", "params": {"step": "own"}})
    definition = parse(document)
    found = checking.errors(checking.problems(definition))
    assert {one.code for one in found} == {"circle"} and len(found) == 2
    names = {label_of(definition.by_id[step], definition) for step in ("own", "tail")}
    assert all(any(f"From step “{name}” records" in one.message for name in names) for one in found)
    field = (
        actions["go_to"].Params(document={}, context=StepContext(definition, definition.by_id["back"])).fields["step"]
    )
    assert field.unavailable["own"] == "comes back to this step" and field.available() == []
