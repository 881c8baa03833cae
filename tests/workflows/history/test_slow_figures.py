"""Figures that take too long say so; whatever else the database says is told as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from records.clock import database_now
from tests.workflows.building import make_workflow, step
from workflows.history import conversion, performance, traffic
from workflows.models import Workflow

pytestmark = pytest.mark.django_db(transaction=True)
FIGURES: dict[str, tuple[Any, Callable[[Workflow], Any]]] = {
    "performance": (performance, lambda workflow: performance.performance(workflow, "day", database_now())),
    "metrics": (conversion, conversion.figures),
    "traffic": (traffic, lambda workflow: traffic.since(workflow, None)),
}


@pytest.fixture
def workflow() -> Workflow:
    return make_workflow([step("wait", "delay", days=1)], metrics=True)


@pytest.fixture
def held(workflow: Workflow) -> Iterator[None]:
    """Somebody else has the enrollments to themselves."""
    facts = connection.get_connection_params()
    with psycopg.connect(**{key: facts[key] for key in ("host", "port", "dbname", "user", "password")}) as other:
        other.execute("LOCK TABLE workflows_enrollment IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("name", FIGURES)
def test_what_takes_too_long_is_called_so(name: str, workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    module, ask = FIGURES[name]
    monkeypatch.setattr(module, "PATIENCE", "50ms")
    with pytest.raises(module.TookTooLong):
        ask(workflow)


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("name", FIGURES)
def test_another_failure_of_the_database_is_not_called_slow(name: str, workflow: Workflow) -> None:
    _module, ask = FIGURES[name]
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    try:
        with pytest.raises(OperationalError, match="lock timeout"):
            ask(workflow)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
