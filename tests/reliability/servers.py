"""A PostgreSQL and a Redis of a test's own, to be restarted, frozen, flushed and taken away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import environ
import redis
from django.db import connection

from config import embedded, embedded_postgres, embedded_redis
from tests.reliability.workers import ROOT


class Server:
    """Binaries of the wheels in a folder of their own below the shared temporary one."""

    def __init__(self) -> None:
        # Passable, because root's servers run as somebody else.
        self.folder = Path(tempfile.mkdtemp(prefix="headrace-"))
        self.folder.chmod(0o711)
        self.state: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.stop()
        embedded.reap()
        shutil.rmtree(self.folder)


class Redis(Server):
    """Flushed, stopped, frozen; it comes back on the same port."""

    @property
    def url(self) -> str:
        return embedded_redis.url(self.state)

    def start(self) -> None:
        embedded_redis.start(self.folder, self.state)
        self.process = embedded.launched[-1]

    def stop(self) -> None:
        embedded_redis.stop(self.state)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        with redis.Redis.from_url(self.url, socket_timeout=5) as client:
            client.flushall()


class Postgres(Server):
    """Stopped without a word, as by a power cut, and started again on the same port, replaying its log."""

    @property
    def url(self) -> str:
        return embedded_postgres.url(self.state)

    def start(self) -> None:
        embedded_postgres.start(self.folder, self.state, durable=True)

    def stop(self) -> None:
        embedded_postgres.stop(self.folder, self.state)

    def migrate(self) -> None:
        environment = {"DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "tests.reliability.settings"}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v", "0"],
            cwd=ROOT,
            env={**os.environ, **environment},
            check=True,
        )

    def cut_power(self) -> None:
        """What `pg_ctl stop -m immediate` does."""
        data = embedded_postgres.place_of(self.folder, embedded.account()) / "data"
        pid = embedded_postgres.running_pid(data)
        os.kill(pid, signal.SIGQUIT)
        while embedded_postgres.running_pid(data):
            embedded.reap()
            time.sleep(0.02)


@contextmanager
def pointed_at(url: str) -> Iterator[None]:
    """Meanwhile this process's own queries go to another server."""
    facts = environ.Env.db_url_config(url)
    known = {key: connection.settings_dict[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    connection.close()
    connection.settings_dict.update({key: facts[key] for key in known})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(known)
