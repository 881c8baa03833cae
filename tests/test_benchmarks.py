"""Every action has a line in the benchmark of actions, and each line runs: here with a few records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import action_world, actions
from benchmarks.action_lines import LINES, WITHOUT
from benchmarks.other_side import other_side
from crm.models import User
from workflows.registries import actions as known

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    with other_side() as found:
        yield found


def test_every_action_has_a_line_or_a_reason_for_having_none() -> None:
    measured = {line.action for line in LINES.values()}
    assert measured | set(WITHOUT) == set(known), "write a line into benchmarks/action_lines.py"
    assert not measured & set(WITHOUT) and all(WITHOUT.values())


@pytest.mark.parametrize("name", LINES)
def test_records_come_through(name: str, place: str, settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = settings.WORKFLOW_DELIVERY_LIMITS = settings.AI_MONTHLY_LIMIT = None
    actions.permit(place)
    User.objects.all().delete()
    admin, line, origin = action_world.people(), LINES[name], f"http://{place}"
    action_world.named(admin, origin)
    workflow = actions.published(name, line, admin)
    action_world.fill(2, line.before, admin, origin)
    assert actions.measured(workflow, line, admin, 2).wall > 0
