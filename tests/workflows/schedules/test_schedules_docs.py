"""docs/schedules.md says what is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.schedules import rules, runs, scheduling
from workflows.schedules.instants import EVERY

TEXT = (Path(__file__).parents[3] / "docs" / "schedules.md").read_text()
EXAMPLES = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


@pytest.mark.django_db
def test_every_example_can_be_published() -> None:
    step = {"id": "end", "action": "end", "params": {}}
    for example in EXAMPLES:
        trigger = {"kind": "schedule", "schedule": example, "criteria": {"all": []}}
        document = {"format": 1, "object": "deal", "trigger": trigger, "steps": [step]}
        if "kind" in example:
            document["trigger"] = example
        if "centre" in example:
            document |= {"trigger": {"kind": "manual"}, **example}
        assert checking.problems(parse(document)) == [], example
    assert len(EXAMPLES) == 6


def test_every_frequency_is_listed_with_all_it_is_made_of() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", TEXT, re.MULTILINE)
    assert {every for every, _keys in rows} == set(EVERY)
    for every, keys in rules.KEYS.items():
        told = " ".join(text for name, text in rows if name == every)
        assert set(keys) <= set(re.findall(r"`(\w+)`", told)), every


def test_the_figures_are_the_ones_in_use() -> None:
    assert f"{runs.CHUNK:,} in a transaction" in TEXT
    assert f"newest {scheduling.CATCH_UP_MOST} of a schedule" in TEXT
    assert f"HOURS` ({scheduling.CATCH_UP.total_seconds() / 3600:.0f})" in TEXT
