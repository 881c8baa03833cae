"""Workers are killed again and again in the middle of 1,589 deals: every deal gets its task, none gets two."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator

import pytest
from django_rq import get_connection

from crm.models import Deal, User
from records.clock import database_now
from records.models import PropertyDefinition
from tests.stories import killing
from tests.stories.following_up import follow_up
from tests.stories.killing import Workers
from tests.stories.promises import broken_promises
from tests.stories.sales import engaging
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Enrollment

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
COUNT, BIG = 1_589, 15
LOG = {
    ("product", "success"): COUNT,
    ("note-big", "success"): BIG,
    ("call", "success"): COUNT,
    ("patience", "waiting"): COUNT,
}


@pytest.fixture
def expected(transactional_db: None) -> list[int]:
    """The engaged deals of the sample, enrolled by publishing; their ids."""
    boss = User.objects.create_superuser("boss")
    rows = engaging()
    options = [{"value": name, "label": name} for name in sorted({row["product"] for row in rows})]
    PropertyDefinition.objects.create(
        object_type="deal", slug="product", label="Product", type="select", options=options
    )
    agents = {name: User.objects.create(username=name) for name in {row["sales_agent"] for row in rows}}
    made = Deal.objects.bulk_create(
        Deal(
            name=row["opportunity_id"], stage="engaging", owner=agents[row["sales_agent"]],
            custom={"product": row["product"]},
        )
        for row in rows
    )  # fmt: skip
    workflow = drafting.create("Follow up", "deal", boss, definition=follow_up())
    published = publishing.publish(workflow, by=boss, now=database_now(), enroll_existing=True)
    assert published.enrolled == len(made) == COUNT
    return [deal.pk for deal in made]


@pytest.fixture
def workers() -> Iterator[Workers]:
    """None runs yet; the queues are empty before and after."""
    seed = int(os.environ.get("SEED") or random.randrange(10**9))
    logger.warning("The moments of the kills come from SEED=%d.", seed)
    get_connection("high").flushdb()
    found = Workers(random.Random(seed))
    yield found
    found.end()
    get_connection("high").flushdb()


def left() -> int:
    """Enrollments that have not come to the delay."""
    return Enrollment.objects.filter(status="active").exclude(waiting_in="patience").count()


def finish(workers: Workers) -> None:
    workers.start()
    killing.wait_until(lambda: not left() and not killing.claimed())


def test_workers_killed_at_random_do_everything_exactly_once(expected: list[int], workers: Workers) -> None:
    killing.kill_in_the_middle(workers, left, kills=4)
    killing.end_leases()
    killing.kill_in_the_middle(workers, left, kills=4)
    killing.end_leases()
    finish(workers)
    assert workers.kills == 8
    assert killing.verdict(expected, LOG) == []
    assert broken_promises() == {}
    assert set(Enrollment.objects.values_list("status", "step", "attempts")) == {("active", "patience", 0)}


def test_the_same_kills_find_a_worker_that_commits_in_two_parts(expected: list[int], workers: Workers) -> None:
    workers.command = ["tests/stories/careless_worker.py"]
    killing.kill_in_the_middle(workers, left, kills=3)
    killing.end_leases()
    finish(workers)
    assert any("more than one task" in fault for fault in killing.verdict(expected, LOG))
