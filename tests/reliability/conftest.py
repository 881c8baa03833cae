"""Seeds, tiers, workers and the report of the reliability tests."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django_rq import get_connection

from tests.reliability.workers import Nursery

FULL = bool(os.environ.get("HEADRACE_FULL"))
#: The part of a run's time that this seed has, where a run has several.
SHARE = float(os.environ.get("HEADRACE_SHARE") or 1)
FIGURES = pytest.StashKey[dict[str, Any]]()


class Patience:
    """How long a test of the full tier that could go on for hours does so at most; the quick tier is short anyway."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + minutes * 60 * SHARE if FULL else float("inf")

    @property
    def over(self) -> bool:
        return time.monotonic() > self.end


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is marked `reliability`."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.reliability)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What chance is taken from: HEADRACE_SEED replays a run."""
    found = int(os.environ.get("HEADRACE_SEED") or random.randrange(10**6))
    print(f"HEADRACE_SEED={found} replays this test.")  # noqa: T201
    request.node.stash.setdefault(FIGURES, {})["seed"] = found
    return found


@pytest.fixture
def chance(seed: int) -> random.Random:
    return random.Random(seed)


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep figures for the report: note(kills=40, lost=0)."""
    return request.node.stash.setdefault(FIGURES, {}).update


@pytest.fixture(scope="session")
def shared_nursery(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Started once, because loading everything takes seconds."""
    found = Nursery(tmp_path_factory.mktemp("nursery"))
    yield found
    found.close()


@pytest.fixture
def nursery(transactional_db: None, shared_nursery: Nursery, tmp_path: Path) -> Iterator[Nursery]:
    """Workers with leases of a second, on this test's database and Redis, whose queues are empty."""
    get_connection("high").flushdb()
    shared_nursery.use(tmp_path)
    yield shared_nursery
    shared_nursery.end_all()
    print(shared_nursery.told())  # noqa: T201
    get_connection("high").flushdb()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """With HEADRACE_REPORT, a line of JSON for each test: what it was, how it went, how long it took, its figures."""
    report = yield
    path = os.environ.get("HEADRACE_REPORT")
    if path and (report.when == "call" or report.outcome == "failed"):
        marks = [mark.args for mark in item.iter_markers("fault")]
        facts = {
            "test": item.nodeid,
            "run": os.environ.get("HEADRACE_SEED", ""),
            "fault": marks[0][0] if marks else "",
            "tier": "full" if FULL else "quick",
            "outcome": report.outcome,
            "seconds": round(report.duration, 1),
            "figures": dict(item.stash.get(FIGURES, {})),
            "at": time.time(),
        }
        with open(path, "a") as file:
            file.write(json.dumps(facts) + "\n")
    return report
