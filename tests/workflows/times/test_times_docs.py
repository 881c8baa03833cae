"""docs/times.md says what is so."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.registries import actions
from workflows.times.wall_time import instant_of
from workflows.times.windows import LOOK_AHEAD, SPREAD

TEXT = (Path(__file__).parents[3] / "docs" / "times.md").read_text()
EXAMPLES = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
INSTANTS = re.findall(r"^\| (\S+/\S+) (\S+T\S+) \(\w+\) \| (\S+?)Z", TEXT, re.MULTILINE)


@pytest.mark.django_db
def test_every_example_can_be_published() -> None:
    steps = [found for found in EXAMPLES if "action" in found]
    (settings,) = (found for found in EXAMPLES if "action" not in found)
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps, "settings": settings}
    assert len(steps) == 4
    assert checking.problems(parse(document)) == []


def test_every_delay_there_is_is_listed() -> None:
    assert set(re.findall(r"^\| `(delay\w*)`", TEXT, re.MULTILINE)) == {
        slug for slug in actions if slug.startswith("delay")
    }


@pytest.mark.parametrize(("zone", "time", "instant"), INSTANTS)
def test_every_time_means_the_instant_it_is_said_to(zone: str, time: str, instant: str) -> None:
    moment = dt.datetime.fromisoformat(time)
    assert instant_of(moment.date(), moment.time(), ZoneInfo(zone)) == dt.datetime.fromisoformat(f"{instant}+00:00")


def test_the_figures_are_the_ones_in_use() -> None:
    assert len(INSTANTS) == 4
    assert f"after {LOOK_AHEAD:,} days" in TEXT and f"first {SPREAD // 60} minutes" in TEXT
