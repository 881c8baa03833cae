"""The map's picture: boxes stand near to those they have lines to, and never on one another."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workflows.dependencies import drawing, placing
from workflows.dependencies.mapping import Asked, Line, Thing
from workflows.models import Workflow

#: Ten workflows: the first reads five properties, the others one each; all change one of two, and one of their own.
LINES = [
    Line(Workflow(pk=number, name=f"Workflow {number}"), Thing("property", f"deal.{key}", key), way, "live", ())
    for number in range(10)
    for way, key in (
        *(("reads", f"read {place}") for place in (range(5) if number == 0 else (number + 4,))),
        ("changes", f"shared {number % 2}"), ("changes", f"own {number}"),
    )
]  # fmt: skip
graphs = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda sizes: st.tuples(
        st.just([[(column, place) for place in range(size)] for column, size in enumerate(sizes)]),
        st.lists(
            st.tuples(
                st.tuples(st.just(1), st.integers(0, sizes[1] - 1)),
                st.one_of(*(st.tuples(st.just(side), st.integers(0, sizes[side] - 1)) for side in (0, 2))),
            ),
            max_size=12,
        ),
    )
)


def test_a_workflow_stands_near_what_it_reads_and_changes() -> None:
    columns = [
        list(dict.fromkeys(line.thing.name for line in LINES if line.way == "reads")),
        list(dict.fromkeys(line.workflow.name for line in LINES)),
        list(dict.fromkeys(line.thing.name for line in LINES if line.way == "changes")),
    ]
    ends = [(line.workflow.name, line.thing.name) for line in LINES]
    in_order, near = placing.in_the_middle(columns), placing.places(columns, ends)
    assert placing.distance(near, ends) < placing.distance(in_order, ends) * 0.8
    picture = drawing.draw(LINES, Asked())
    assert picture is not None and len(picture.boxes) == 36 and len(picture.edges) == 34
    y = {box.name: box.y for box in picture.boxes}
    assert sum(abs(y[one] - y[other]) for one, other in ends) < placing.distance(in_order, ends) * drawing.ROW * 0.8
    assert drawing.draw(LINES, Asked()) == picture, "the same lines are always drawn alike"
    assert_apart(picture)
    assert min(y.values()) == drawing.MARGIN
    assert max(y.values()) + drawing.ROW + drawing.MARGIN == picture.height


def assert_apart(picture: drawing.Picture) -> None:
    for x in {box.x for box in picture.boxes}:
        column = [box.y for box in picture.boxes if box.x == x]
        assert all(lower - upper >= drawing.ROW for upper, lower in pairwise(column)), column


@given(graphs)
def test_whatever_the_lines_boxes_are_apart_and_no_farther_from_their_ends_than_in_order(graph) -> None:
    columns, lines = graph
    found = placing.places(columns, lines)
    assert min(found.values()) == 0 and found.keys() == {box for column in columns for box in column}
    for column in columns:
        places = sorted(found[box] for box in column)
        assert all(lower - upper > 1 - 1e-9 for upper, lower in pairwise(places))
    assert placing.distance(found, lines) <= placing.distance(placing.in_the_middle(columns), lines) + 1e-9


def test_boxes_that_wish_for_the_same_place_share_it_out() -> None:
    assert placing.shared_out([0, 0, 0]) == [-1, 0, 1]
    assert placing.shared_out([0, 5, 5.5]) == [0, 4.75, 5.75]
    assert placing.shared_out([]) == []
    assert placing.places([[], []], []) == {}
