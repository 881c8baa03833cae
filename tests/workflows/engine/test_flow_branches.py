"""Value branches on outputs, random splits, and the operations on branches."""

from __future__ import annotations

import math
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.models import Contact
from records.problems import DocumentError
from tests.examples import examples
from tests.workflows.building import NOW, enroll, make_workflow, outcomes, step
from workflows import drafting
from workflows.actions.random_split import thresholds, way_of
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.definitions.shares import equal_shares, scaled
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution
from workflows.registries import actions
from workflows.step_forms.params import StepContext

SWEDISH = {"all": [{"property": "country", "operator": "is_equal_to_any_of", "value": ["Sweden"]}]}


def city(name: str) -> dict[str, Any]:
    return step(f"to-{name.lower()}", "edit_record", property="city", value=name)


def way(name: str, steps: list[dict[str, Any]] | None = None, **facts: Any) -> dict[str, Any]:
    return {"name": name, **facts, "steps": [city(name)] if steps is None else steps}


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"}, "steps": list(steps)}


def problems(*steps: dict[str, Any]) -> list[Any]:
    return checking.problems(parse(document(*steps)))


def errors(*steps: dict[str, Any]) -> dict[str, str]:
    return {problem.path: str(problem.message) for problem in checking.errors(problems(*steps))}


def run(workflow: Any) -> None:
    while run_due(NOW):
        pass


BY_OUTCOME = [way("done", values=["success"]), way("nothing", values=["skipped"]), way("wrong", values=["failed"])]


@pytest.mark.django_db
@pytest.mark.covers("BRN-02", "ACG-07", "ACG-11", "ACG-12")
def test_a_value_branch_asks_how_an_earlier_step_ended():
    Contact.objects.bulk_create(
        [
            Contact(email="plain@example.com", lead_score=4, job_title="5"),
            Contact(email="same@example.com", lead_score=5, job_title="5"),
            Contact(email="text@example.com", lead_score=6, job_title="many"),
        ]
    )
    workflow = make_workflow(
        [
            step("copy", "edit_record", property="lead_score", value="{{ contact.job_title }}"),
            step("between", "delay"),
            step("split", "value_branch", [*BY_OUTCOME, way("else", steps=[])], output="copy.outcome"),
        ]
    )
    enroll(workflow, Contact.objects.values_list("pk", flat=True))
    run(workflow)
    found = dict(Contact.objects.values_list("email", "city"))
    assert found == {"plain@example.com": "done", "same@example.com": "nothing", "text@example.com": "wrong"}
    assert Enrollment.objects.filter(workflow=workflow, status="completed").count() == 3


@pytest.mark.django_db
@pytest.mark.covers("BRN-02", "BRN-07")
def test_a_record_that_never_took_the_step_goes_the_way_of_those_that_match_nothing():
    Contact.objects.create(email="a@example.com", country="Norway")
    asked = step("ask", "value_branch", [*BY_OUTCOME, way("never")], output="set.outcome")
    set_city = step("set", "edit_record", property="job_title", value="X")
    split = step("split", "branch", [way("Sweden", [set_city], criteria=SWEDISH), way("others", [])])
    workflow = make_workflow([split, asked])
    enroll(workflow, Contact.objects.values_list("pk", flat=True))
    run(workflow)
    assert Contact.objects.get().city == "never"


@pytest.mark.django_db
@pytest.mark.covers("BRN-02", "BRN-03")
def test_only_results_of_steps_that_can_come_before_are_offered():
    def asking(output: str) -> dict[str, Any]:
        return step("ask", "value_branch", [way("yes", [], values=["success"]), way("no", [])], output=output)

    before, after = step("before", "edit_record", property="city", value="X"), step("after", "delay", days=1)
    assert errors(before, asking("before.outcome"), after) == {}
    assert "does not come before" in errors(before, asking("after.outcome"), after)["steps.1.params.output"]
    assert "no result" in errors(before, asking("nobody.outcome"))["steps.1.params.output"]
    assert "no result" in errors(before, asking("before.colour"))["steps.1.params.output"]
    both = step("ask", "value_branch", [way("yes", [], values=["x"]), way("no", [])], output="before.outcome")
    both["params"]["property"] = "city"
    assert "exactly one" in errors(before, both)["steps.1.params"]
    # A step of another branch comes before where a go-to leads here.
    jump = step("jump", "go_to", step="ask")
    other = step("other", "edit_record", property="city", value="Y")
    ways = [way("a", [other, jump], criteria=SWEDISH), way("b", [asking("other.outcome")])]
    assert errors(step("split", "branch", ways)) == {}
    ways = [way("a", [other], criteria=SWEDISH), way("b", [asking("other.outcome")])]
    assert list(errors(step("split", "branch", ways))) == ["steps.0.branches.1.steps.0.params.output"]


@pytest.mark.django_db
@pytest.mark.covers("BRN-02")
def test_a_value_that_is_no_outcome_is_refused_by_name():
    ask = step("ask", "value_branch", [way("yes", [], values=["great"]), way("no", [])], output="set.outcome")
    found = errors(step("set", "edit_record", property="city", value="X"), ask)
    assert "great" in found["steps.1.branches.0.values"]


def splitting(*shares: Any) -> dict[str, Any]:
    return step("split", "random_split", [way(chr(65 + i), percent=share) for i, share in enumerate(shares)])


@pytest.mark.covers("BRN-08", "BRN-09")
@pytest.mark.parametrize("shares", [(50, 50), (70, 20, 10), (33.34, 33.33, 33.33), (0.5, 99.5), (100, 0)])
def test_a_random_split_gives_each_branch_its_share(shares: tuple[float, ...]) -> None:
    """Pearson's test with fixed ids: the split is a function of them, so this never fails by chance."""
    ends = thresholds(parse(document(splitting(*shares))).by_id["split"].branches)
    counts = [0] * len(shares)
    for record in range(1, 4_001):
        counts[way_of("7:split", record, ends)] += 1
    chi = sum((count - 40 * share) ** 2 / (40 * share) for count, share in zip(counts, shares, strict=True) if share)
    assert chi < {0: 1e-9, 1: 6.64, 2: 9.21}[sum(1 for share in shares if share) - 1], counts
    assert all(not count for count, share in zip(counts, shares, strict=True) if not share)


@pytest.mark.django_db
@pytest.mark.covers("BRN-08")
def test_the_same_record_always_goes_the_same_way_and_each_split_has_its_own_luck():
    Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(200))
    ids = list(Contact.objects.values_list("pk", flat=True))
    second = step("again", "random_split", [way("C", [], percent=50), way("D", [], percent=50)])
    workflow = make_workflow([splitting(50, 50), second])

    def ways(of: str) -> dict[int, str]:
        lines = StepExecution.objects.filter(enrollment__workflow=workflow, step=of).order_by("id")
        return dict(lines.values_list("enrollment__record_id", "detail__name"))

    enroll(workflow, ids)
    run(workflow)
    first, independent = ways("split"), ways("again")
    assert set(first.values()) == {"A", "B"}
    Enrollment.objects.filter(workflow=workflow).delete()
    StepExecution.objects.all().delete()
    enroll(workflow, ids)
    run(workflow)
    assert ways("split") == first and ways("again") == independent
    together = sum((first[pk] == "A") == (independent[pk] == "C") for pk in ids)
    assert 60 < together < 140


@pytest.mark.django_db
@pytest.mark.covers("BRN-09")
@pytest.mark.parametrize(
    ("shares", "place", "told"),
    [
        ((50, 40), "steps.0.branches", "90"),
        ((50, 50.01), "steps.0.branches", "100.01"),
        ((50, None), "steps.0.branches.1.percent", "B"),
        ((50, "50"), "steps.0.branches.1.percent", "50"),
        ((True, 99), "steps.0.branches.0.percent", "A"),
        ((-1, 101), "steps.0.branches.1.percent", "101"),
    ],
)
def test_shares_that_do_not_add_up_to_a_hundred_are_not_published(shares: Any, place: str, told: str) -> None:
    assert told in errors(splitting(*shares))[place]


@pytest.mark.django_db
def test_a_branch_that_nobody_takes_is_warned_of():
    found = problems(splitting(100, 0))
    assert [(one.path, one.severity) for one in found] == [("steps.0.branches.1.percent", "warning")]


def shares(found: dict[str, Any]) -> list[Any]:
    return [branch["percent"] for branch in found["steps"][0]["branches"]]


def changed(found: dict[str, Any], **op: Any) -> dict[str, Any]:
    after, inverse, _selected = drafting.changed(found, {"step": "split", **op})
    assert drafting.changed(after, inverse)[0] == found
    return after


@pytest.mark.covers("BRN-08", "BRN-09")
def test_branches_share_equally_until_somebody_gives_one_a_share_of_its_own():
    found, _inverse, _selected = drafting.changed(
        document(), {"op": "insert", "at": "steps.0", "step": {"action": "random_split", "id": "split"}}
    )
    assert shares(found) == [50, 50]
    found = changed(found, op="add_branch")
    assert shares(found) == [33.34, 33.33, 33.33]
    assert [branch["name"] for branch in found["steps"][0]["branches"]] == ["A", "B", "C"]
    found = changed(found, op="clone_branch", branch=1)
    assert shares(found) == [25, 25, 25, 25]
    found = changed(found, op="remove_branch", branch=0)
    assert sorted(shares(found)) == [33.33, 33.33, 33.34]
    found = changed(found, op="set_branch", branch=0, percent=60)
    assert shares(changed(found, op="add_branch"))[-1] == 0
    assert shares(changed(found, op="share_equally")) == [33.34, 33.33, 33.33]
    found["steps"][0]["branches"][1]["percent"], found["steps"][0]["branches"][2]["percent"] = 30, 10
    assert shares(changed(found, op="add_branch")) == [60, 30, 10, 0]
    assert shares(changed(found, op="clone_branch", branch=0)) == [30, 30, 30, 10]
    assert shares(changed(found, op="remove_branch", branch=2)) == [66.67, 33.33]


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=50))
@settings(max_examples=examples(200))
def test_shares_in_any_proportion_add_up_to_a_hundred(weights: list[int]) -> None:
    found = scaled(weights)
    assert math.isclose(sum(found), 100, abs_tol=1e-9)
    assert round(sum(round(share * 100) for share in found)) == 10_000
    assert all(share >= 0 for share in found)
    assert max(equal_shares(len(weights))) - min(equal_shares(len(weights))) < 0.011


@pytest.mark.django_db
@pytest.mark.covers("LIM-10", "CPL-12", "BRN-05")
def test_the_ceiling_of_branches_is_a_setting():
    ways = [way(f"w{i}", [], criteria=SWEDISH) for i in range(21)] + [way("rest", [])]
    assert list(errors(step("split", "branch", ways))) == ["steps.0.branches"]
    with override_settings(WORKFLOW_BRANCH_LIMIT=22):
        assert errors(step("split", "branch", ways)) == {}


@pytest.mark.django_db
@pytest.mark.covers("BRN-04", "BRN-06", "BRN-07", "BRN-10")
def test_a_branch_sees_what_was_written_before_it_and_the_first_match_wins():
    Contact.objects.bulk_create(Contact(email=f"c{i}@example.com", country="Norway", lead_score=i) for i in range(4))
    big = {"any": [
        {"all": [{"property": "lead_score", "operator": "is_greater_than", "value": 2}]},
        {"all": [
            {"property": "country", "operator": "is_equal_to_any_of", "value": ["Norway"]},
            {"property": "lead_score", "operator": "is_equal_to", "value": 0},
        ]},
    ]}  # fmt: skip
    split = step("split", "branch", [
        way("big", criteria=big), way("Swedish", criteria=SWEDISH), way("rest"),
    ])  # fmt: skip
    workflow = make_workflow([step("move", "edit_record", property="country", value="Sweden"), split])
    enroll(workflow, Contact.objects.values_list("pk", flat=True))
    run(workflow)
    # Nobody is Norwegian any more, so the second half of the OR matches nobody.
    assert dict(Contact.objects.values_list("lead_score", "city")) == {
        0: "Swedish", 1: "Swedish", 2: "Swedish", 3: "big",
    }  # fmt: skip
    assert outcomes(workflow)[("split", "success")] == 4


def branching() -> dict[str, Any]:
    return document(
        step("split", "branch", [
            way("one", [city("a"), city("b")], criteria=SWEDISH),
            way("two", [city("c"), step("stop", "end")], criteria=SWEDISH),
            way("rest", [city("d")]),
        ]),
        city("e"),
    )  # fmt: skip


def ids(found: dict[str, Any]) -> list[str]:
    return [each.id for each in parse(found).walk()]


@pytest.mark.covers("BRN-13")
def test_the_steps_of_a_branch_that_is_removed_go_with_it_or_to_another_place():
    assert ids(changed(branching(), op="remove_branch", branch=0)) == ["split", "to-c", "stop", "to-d", "to-e"]
    after = changed(branching(), op="remove_branch", branch=0, keep="after")
    assert ids(after) == ["split", "to-c", "stop", "to-d", "to-a", "to-b", "to-e"]
    into = changed(branching(), op="remove_branch", branch=0, keep=2)
    assert ids(into) == ["split", "to-c", "stop", "to-d", "to-a", "to-b", "to-e"]
    assert [branch["name"] for branch in into["steps"][0]["branches"]] == ["two", "rest"]
    # Before the end of a path, not behind it.
    assert ids(changed(branching(), op="remove_branch", branch=0, keep=1))[1:5] == ["to-c", "to-a", "to-b", "stop"]
    for keep in (0, 3, "nowhere"):
        with pytest.raises(DocumentError) as caught:
            changed(branching(), op="remove_branch", branch=0, keep=keep)
        assert [problem.path for problem in caught.value.problems] == ["keep"]


@pytest.mark.covers("BRN-12")
def test_branches_are_reordered_cloned_and_renamed():
    names = lambda found: [branch["name"] for branch in found["steps"][0]["branches"]]  # noqa: E731
    assert names(changed(branching(), op="move_branch", branch=2, to=0)) == ["rest", "one", "two"]
    assert names(changed(branching(), op="set_branch", branch=0, name="First")) == ["First", "two", "rest"]
    cloned = changed(branching(), op="clone_branch", branch=0)
    assert names(cloned) == ["one", "one (copy)", "two", "rest"]
    twin = cloned["steps"][0]["branches"][1]
    assert twin["criteria"] == SWEDISH
    assert [one["id"] for one in twin["steps"]] == ["edit-record", "edit-record-2"]
    rest = changed(branching(), op="clone_branch", branch=2)
    assert names(rest) == ["one", "two", "rest (copy)", "rest"]
    assert rest["steps"][0]["branches"][2]["criteria"] is None


@pytest.mark.django_db
def test_a_step_behind_the_end_of_a_path_is_warned_of():
    found = problems(step("stop", "end"), city("a"))
    assert [(one.path, one.code, one.severity) for one in found] == [("steps.1", "never_reached", "warning")]


@pytest.mark.covers("BRN-02")
def test_a_copy_asks_about_the_steps_copied_with_it():
    ask = step("ask", "value_branch", [way("yes", [], values=["failed"]), way("no", [])], output="inner.outcome")
    inner = step("inner", "edit_record", property="city", value="X")
    found = document(step("split", "branch", [way("one", [inner, ask], criteria=SWEDISH), way("rest", [])]))
    after, _inverse, _selected = drafting.changed(found, {"op": "clone_branch", "step": "split", "branch": 0})
    twin = after["steps"][0]["branches"][1]["steps"]
    assert twin[1]["params"]["output"] == f"{twin[0]['id']}.outcome" != "inner.outcome"


@pytest.mark.django_db
def test_outcomes_of_what_only_steers_are_taken_but_not_offered_unless_chosen():
    ask = step("ask", "value_branch", [way("yes", [], values=["failed"]), way("no", [])], output="wait.outcome")
    steps = [step("wait", "delay", days=1), step("set", "edit_record", property="city", value="X"), ask]
    assert errors(*steps) == {}
    definition = parse(document(*steps))
    context = StepContext(definition, definition.by_id["ask"])
    stored = actions["value_branch"].Params(document=ask["params"], context=context).fields["output"].choices
    assert [value for value, _label in stored] == ["", "set.outcome", "wait.outcome"]
    fresh = actions["value_branch"].Params(document={}, context=context).fields["output"].choices
    assert [value for value, _label in fresh] == ["", "set.outcome"]
