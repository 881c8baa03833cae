"""Mistakes the engine avoids, each as something a worker of these tests can be told to make (F-01c).

A check that never fails proves nothing: the tests of this folder must find every one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def commit_in_two_parts() -> None:
    """What a batch did is committed before what it means for the enrollments."""
    from django.db import connection

    from workflows.engine.moving import Ledger

    write = Ledger.write

    def write_apart(ledger: Ledger, *arguments: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
            cursor.execute("BEGIN")
        return write(ledger, *arguments)

    Ledger.write = write_apart  # type: ignore[method-assign]


def never_look_at_the_claim() -> None:
    """Whoever once claimed enrollments takes them as its own for ever, whatever the row says."""
    from workflows.engine import taking_steps
    from workflows.models import Enrollment

    execute = taking_steps.execute

    def execute_anyway(claim: Any, *arguments: Any) -> Any:
        Enrollment.objects.filter(pk__in=claim.ids, status="active").update(claim=claim.token)
        return execute(claim, *arguments)

    taking_steps.execute = execute_anyway


def read_a_wrong_clock() -> None:
    """Not a mistake of ours: the machine's clock is off by HEADRACE_CLOCK_OFF seconds (F-06)."""
    import datetime as dt
    import os
    import time

    import rq.utils
    from django.utils import timezone

    off = float(os.environ["HEADRACE_CLOCK_OFF"])
    right_time, right_now = time.time, timezone.now
    time.time = lambda: right_time() + off
    timezone.now = lambda: right_now() + dt.timedelta(seconds=off)
    rq.utils.now = timezone.now


def load_the_poison() -> None:
    """A step whose action ends the process when it meets a record that wants it (F-10)."""
    from tests.reliability.poison import Explode
    from workflows.registries import actions

    actions.register(Explode)


def ring_ten_times() -> None:
    """Not a mistake of ours: every wake-up is delivered ten times (F-04)."""
    from rq import Queue
    from rq.serializers import JSONSerializer

    from workflows import doorbell

    def ring(lane: str = "high") -> bool:
        queue = Queue(lane, connection=doorbell.client(), serializer=JSONSerializer)
        for _time in range(10):
            queue.enqueue(doorbell.JOB, lane, job_timeout=300, result_ttl=0)
        return True

    doorbell.ring = ring


MISTAKES: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        commit_in_two_parts,
        never_look_at_the_claim,
        read_a_wrong_clock,
        load_the_poison,
        ring_ten_times,
    )
}
