"""`manage.py up`: everything Headrace needs to run, in one terminal."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from config import first_start, services
from config.embedded import EmbeddedServerError
from config.processes import Child, Supervisor

#: The queues of each worker: the first one keeps a hand free for fresh changes while the others do bulk work.
RESERVED, SHARED, SENDING = ("high",), ("high", "bulk"), ("outside",)
WEB_STATEMENT_TIMEOUT = "15"
#: Seconds a worker stays away at most after a crash: long enough to be read about, short enough when Redis was away.
WORKER_PAUSE = 3.0


class Command(BaseCommand):
    help = "Run Headrace: web, workers and clock, with PostgreSQL and Redis where no address is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, default=2, help="How many workers to run (2).")
        parser.add_argument("--no-demo", action="store_true", help="Start with an empty CRM.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] < 1:
            raise CommandError(f"--workers {options['workers']}: at least one worker is needed.")
        host, port = os.environ.get("HOST") or "127.0.0.1", port_number()
        require_free(host, port)
        try:
            first_start.prepare(with_demo=not options["no_demo"], tell=self.tell)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
            return
        connections.close_all()
        children = [web(host, port), *workers(options["workers"]), sender(), clock()]
        Supervisor(children, sys.stdout, watch=Watch(port)).run()
        self.tell("Stopped.")

    def tell(self, line: str) -> None:
        try:
            self.stdout.write(line)
            self.stdout.flush()
        except BrokenPipeError:
            return


def port_number() -> int:
    """PORT, else 8000. Raises CommandError when it is not a port."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CommandError(f"PORT is “{text}”. Give a number from 1 to 65535.")
    return int(text)


def require_free(host: str, port: int) -> None:
    """Raises CommandError when something listens on the port already, before anything is started."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"Port {port} on {host} is not free ({error.strerror}). Choose another: PORT=8010 make run"
            raise CommandError(message) from None


def web(host: str, port: int) -> Child:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = [
        sys.executable, "-m", "gunicorn", "config.wsgi:application", "--chdir", str(settings.BASE_DIR),
        "--bind", address, "--worker-class", "gthread", "--workers", os.environ.get("WEB_PROCESSES") or "2",
        "--threads", "4", "--timeout", "60", "--log-level", "warning", "--no-control-socket",
        # What a request says of a proxy counts where TRUST_PROXY says so, and nowhere else.
        "--forwarded-allow-ips", "",
    ]  # fmt: skip
    timeout = os.environ.get("STATEMENT_TIMEOUT") or WEB_STATEMENT_TIMEOUT
    return Child("web", command, {"STATEMENT_TIMEOUT": timeout})


def workers(count: int) -> list[Child]:
    """The RQ workers; with two or more the first one does nothing but fresh changes."""
    shares: Sequence[Sequence[str]] = [SHARED] if count == 1 else [RESERVED, *[SHARED] * (count - 1)]
    return [
        Child(f"worker.{i}", manage("rqworker", *queues, "-v", "0"), named(f"worker.{i}"), longest_pause=WORKER_PAUSE)
        for i, queues in enumerate(shares, 1)
    ]


def sender() -> Child:
    """The worker that sends requests to other systems: however slow these are, nobody else waits for them."""
    return Child("sender", manage("rqworker", *SENDING, "-v", "0"), named("sender"), longest_pause=WORKER_PAUSE)


def clock() -> Child:
    return Child("clock", manage("workflow_clock"), named("clock"))


def named(name: str) -> dict[str, str]:
    """The name under which a process takes back what it had claimed when it died (workflows.engine.taking_back)."""
    return {"HEADRACE_PROCESS": f"{socket.gethostname()}:{services.home()}:{name}"}


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


class Watch:
    """What `up` looks at once a second: whether the web answers by now, and whether the servers still run."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.told = False

    def __call__(self) -> list[str]:
        try:
            lines = [f"{name} had stopped and was started again." for name in services.revive()]
        except EmbeddedServerError as error:
            lines = [str(error)]
        if not self.told and answers(self.port):
            self.told = True
            lines.append(f"Headrace is ready: http://localhost:{self.port}/admin/")
        return lines


def answers(port: int) -> bool:
    """Whether the web shows its sign-in page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/admin/login/", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
