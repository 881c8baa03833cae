"""A process that has loaded everything and forks workers on demand, so that a hundred can be killed in a minute.

Orders are lines of JSON on its standard input; it answers with lines of JSON. The workers are what `up` starts: RQ
workers and the clock; `pump` looks at the database again and again without Redis.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.reliability.settings")
RQ_OPTIONS = ["--worker-class", "rq.SimpleWorker", "--serializer", "rq.serializers.JSONSerializer", "-v", "0"]


def rq_worker(order: dict[str, Any]) -> None:
    from django.core.management import call_command

    call_command("rqworker", *order.get("lanes", ["high", "bulk"]), *RQ_OPTIONS)


def clock(order: dict[str, Any]) -> None:
    from workflows.processes.clock import Clock

    found = Clock()
    signal.signal(signal.SIGTERM, found.stop)
    found.run()


def pump(order: dict[str, Any]) -> None:
    from django.db import InterfaceError, OperationalError, connection

    from workflows import jobs

    while True:
        try:
            jobs.pump("bulk")
        except (OperationalError, InterfaceError):
            connection.close()
        time.sleep(0.02)


def tick(order: dict[str, Any]) -> None:
    from records.clock import database_now
    from workflows.processes.ticking import tick

    tick(database_now())


def batch(order: dict[str, Any]) -> None:
    """One claim of the engine, and no more."""
    from records.clock import database_now
    from workflows.engine import taking_steps

    taking_steps.run_due(database_now(), order.get("limit", 500))


def deliver(order: dict[str, Any]) -> None:
    from records.clock import database_now
    from workflows.outbox.delivering import deliver

    deliver(database_now())


def publish(order: dict[str, Any]) -> None:
    from django.contrib.auth import get_user_model

    from records.clock import database_now
    from workflows.lifecycle import publishing
    from workflows.models import Workflow

    workflow = Workflow.objects.get(pk=order["workflow"])
    by = get_user_model()._default_manager.get(username="boss")
    publishing.publish(workflow, by=by, now=database_now(), enroll_existing=True)


ROLES: dict[str, Callable[[dict[str, Any]], None]] = {
    "worker": rq_worker, "clock": clock, "pump": pump, "tick": tick, "batch": batch, "deliver": deliver,
    "publish": publish,
}  # fmt: skip


def say(**facts: Any) -> None:
    """One line in one write, so that lines never mix."""
    os.write(sys.stdout.fileno(), json.dumps(facts).encode() + b"\n")


def buried(*_signal: Any) -> None:
    """Tell of every child that has ended, and how."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        say(ended=pid, code=os.waitstatus_to_exitcode(status))


def live(order: dict[str, Any]) -> None:
    """What a child does: its role, with the mistakes it is told to make."""
    from config.processes import end_with_parent
    from tests.reliability import careless

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end_with_parent()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order.get("env", {}))
    for mistake in order.get("mistakes", ()):
        careless.MISTAKES[mistake]()
    ROLES[order["role"]](order)


def main() -> None:
    import django

    django.setup()
    import rq.worker
    from django.conf import settings
    from django.core.management import get_commands

    from workflows import jobs
    from workflows.outbox import delivering
    from workflows.processes import ticking
    from workflows.processes.clock import Clock

    delivering.LEASE = settings.DELIVERY_LEASE
    # Everything a child needs is loaded here, once.
    assert all((Clock, get_commands(), jobs, rq.worker, ticking))
    signal.signal(signal.SIGCHLD, buried)
    say(ready=os.getpid())
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                live(order)
                code = 0
            except SystemExit as error:
                code = int(error.code or 0)
            except BaseException:  # noqa: BLE001
                sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            finally:
                sys.stderr.flush()
                os._exit(code)
        say(born=pid)


if __name__ == "__main__":
    main()
