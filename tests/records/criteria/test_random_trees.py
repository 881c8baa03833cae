"""Whatever the criteria and the world, SQL finds the records a naive reading of the specification finds.

`CRITERIA_SEED=… pytest tests/records/criteria/test_random_trees.py -s` does a run again; HEADRACE_FULL=1 does 5,200.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import pytest
from django.db.models import BooleanField, ExpressionWrapper
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from records import criteria
from records.clock import database_now
from records.criteria.contradictions import Search
from records.criteria.counting import tuned
from records.criteria.extracting import condition_of
from records.criteria.leaves import leaf_kinds
from records.criteria.operators import operators
from records.criteria.tree import Group
from records.object_types import object_types
from tests.examples import FULL, examples
from tests.records.criteria import deeds
from tests.records.criteria.forest import FAMILIES, ZONES, group
from tests.records.criteria.world import DAYS, MINUTES, World, types_of
from tests.records.criteria.world_oracle import Test, Thing, WorldOracle

SEED = int(os.environ.get("CRITERIA_SEED") or random.SystemRandom().randint(1, 10**9))
WORLDS = 10 if FULL else 1
#: Trees in one document, so that few statements are sent.
TOGETHER = 8
DOCUMENTS = examples(8, 65)
#: Of so many documents and one, one is explained, too.
EXPLAINED = 9
KINDS = ("contact", "contact", "company", "deal")
INSTANTS = st.builds(
    lambda day, minutes: dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) + dt.timedelta(minutes=minutes),
    st.sampled_from(DAYS), st.sampled_from(MINUTES),
)  # fmt: skip
#: Trees that a thorough run compares at least.
LEAST = 5_000
asked: Counter[str] = Counter()
compared: Counter[str] = Counter()


def told(document: Any, kind: str) -> Iterator[str]:
    """The kinds of filters in a document, the operators by family of property."""
    if isinstance(document, list):
        for part in document:
            yield from told(part, kind)
    elif isinstance(document, dict):
        if "property" in document and "operator" in document:
            types = types_of(kind) | {f"f_{name}": name for name in FAMILIES} | deeds.FORM_FACTS
            found = types.get(document["property"], document["property"].removeprefix("f_"))
            yield f"{FAMILIES.get(found, found)}:{document['operator']}"
            return
        yield from (
            f"{key}:{document['operator']}" for key in leaf_kinds if key in document and "operator" in document
        )
        for refinement in document.get("refine") or ():
            yield f"refined by {refinement}"
        for part in document.values():
            yield from told(part, document.get("association", kind))


def answers(compiled: criteria.Compiled) -> dict[int, list[bool]]:
    """Of every live record, which of the outermost group's trees it passes; one statement for all of them."""
    trees = compiled.criteria.group.children
    wanted = {
        f"tree_{place}": ExpressionWrapper(condition_of(tree, compiled.context), BooleanField())
        for place, tree in enumerate(trees)
        if isinstance(tree, Group)
    }
    assert len(wanted) == len(trees)
    rows = compiled.object_type.records().values_list("pk", *wanted.values())
    with tuned(60_000):
        return {pk: list(met) for pk, *met in rows}


def check_contradictions(compiled: criteria.Compiled, found: dict[int, list[bool]]) -> int:
    """What is said to exclude each other, or to be part of the other, is so of every record; how often it was said."""
    trees, said = compiled.criteria.group.children, 0
    for one, met in product(range(len(trees)), (True, False)):
        if not Search(compiled.context).possible([(trees[one], met)]):
            said += 1
            assert all(answer[one] != met for answer in found.values()), trees[one]
    for (one, two), met in product(combinations(range(len(trees)), 2), (True, False)):
        if not Search(compiled.context).possible([(trees[one], True), (trees[two], met)]):
            said += 1
            assert not any(answer[one] and answer[two] == met for answer in found.values()), (trees[one], trees[two])
    return said


def explain(compiled: criteria.Compiled, leaves: list[Test], live: list[Thing]) -> None:
    """Every filter's own answer, as people are told them."""
    explained = compiled.explain([thing.pk for thing in live])
    for thing in live:
        assert [answer.met for answer in explained[thing.pk]] == [leaf(thing) for leaf in leaves]


@pytest.mark.slow
@pytest.mark.covers(
    "TRG-09", "TRG-10", "TRG-23", "TRG-24", "TRG-25", "TRG-26", "FLT-01", "FLT-02", "FLT-03", "FLT-04", "FLT-20",
    "FLT-23", "FLT-24", "FLT-26", "FLT-27", "FLT-28", "FLT-29", "FLT-30", "FLT-34", "FLT-35", "FLT-42", "FLT-43",
    "FLT-44", "FLT-45", "FLT-46", "OPR-01", "OPR-02", "OPR-03", "OPR-04", "OPR-05",
    "OPR-06", "OPR-07", "OPR-08", "OPR-17", "OPR-18", "OPR-19", "OPR-25", "OPR-28", "OPR-29", "OPR-32", "OPR-36",
    "OPR-37", "OPR-38", "OPR-39", "OPR-48", "OPR-49", "OPR-50", "OPR-51",
)  # fmt: skip
@pytest.mark.parametrize("number", range(WORLDS))
def test_sql_finds_what_a_naive_reading_finds(db: None, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(SEED + number)
    done = Counter[str]()

    def compare(trees: list[Any], kind: str, now: dt.datetime, zone: str) -> tuple[criteria.Compiled, set[int]]:
        """Whether SQL and a naive reading agree on each tree; the trees compiled, and who matches any of them."""
        compiled = criteria.compile({"any": trees}, object_types[kind], now=now, zone=zone)
        oracle = WorldOracle(now, zone, kind == "contact", deeds.READINGS)
        live = [thing for thing in world.things[kind] if not thing.deleted]
        found = answers(compiled)
        for place, tree in enumerate(trees):
            expected = {thing.pk for thing in live if oracle.test(tree)(thing)}
            assert {pk for pk, met in found.items() if met[place]} == expected, tree
            done.update(cases=1, answers=len(live), found=len(expected))
        done.update(contradictions=check_contradictions(compiled, found))
        asked.update(told(trees, kind))
        return compiled, {pk for pk, met in found.items() if any(met)}

    @seed(SEED + number)
    @settings(
        max_examples=DOCUMENTS, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(st.data(), st.sampled_from(KINDS), INSTANTS, st.sampled_from(ZONES))
    def agree(data: st.DataObject, kind: str, now: dt.datetime, zone: str) -> None:
        label = f"CRITERIA_SEED={SEED} criteria on {kind}"
        trees = data.draw(st.lists(group(world, kind), min_size=TOGETHER, max_size=TOGETHER), label=label)
        compiled, matching = compare(trees, kind, now, zone)
        if data.draw(st.integers(0, EXPLAINED)) == 0:
            assert set(compiled.records().values_list("pk", flat=True)) == matching
            assert compiled.count() == len(matching), "counted by looking through the table"
            live = [thing for thing in world.things[kind] if not thing.deleted]
            explain(compiled, WorldOracle(now, zone, kind == "contact", deeds.READINGS).leaves({"any": trees}), live)

    for kind in dict.fromkeys(KINDS):
        compare([{"all": [leaf]} for leaf in deeds.each(world, kind)], kind, database_now(), "UTC")
    agree()
    with capsys.disabled():
        sys.stdout.write(
            f"\nWorld {number}: {done['cases']} trees, {done['answers']:,} answers compared, {done['found']:,} records"
            f" found, {done['contradictions']} contradictions; again with CRITERIA_SEED={SEED}\n"
        )
    compared.update(done)
    if FULL and number == WORLDS - 1:
        known = {f"{slug}:{operator}" for slug, kind in leaf_kinds.items() for operator, _label in kind.operators()}
        missing = {*operators, *known} - set(asked)
        assert not missing, f"no tree had {sorted(missing)}"
        assert compared["cases"] >= LEAST
