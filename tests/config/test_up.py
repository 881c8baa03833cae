"""`manage.py up` as a person runs it: a new home, a free port, everything real."""

from __future__ import annotations

import contextlib
import http.cookiejar
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import embedded_postgres, services
from config.embedded import account, free_port

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path, port: int) -> dict[str, str]:
    """The caller's environment, without what would lead `up` to servers that are not its own."""
    kept = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL", "DEBUG")}
    return kept | {"HEADRACE_HOME": str(home), "PORT": str(port), "DJANGO_SETTINGS_MODULE": "config.settings"}


class Up:
    """A running `up`, its output gathered as it comes."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "up", "--no-demo"],
            env=environment(home, port),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
        )
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines += iter(output.readline, "")

    def find(self, pattern: str, seconds: float = 300) -> re.Match[str]:
        """Wait for a line; fails with the whole output when it does not come."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in self.lines:
                if match := re.search(pattern, line):
                    return match
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.1)
        raise AssertionError(f"No line with {pattern!r} in:\n{''.join(self.lines)}")

    def stop(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(timeout=60)
        self.reader.join()

    def children(self) -> set[int]:
        done = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return {int(pid) for pid in done.stdout.split()}


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="head race "))
    folder.chmod(0o711)
    yield folder
    place = embedded_postgres.place_of(folder, account())
    if folder not in place.parents:
        shutil.rmtree(place)
    shutil.rmtree(folder)


@contextlib.contextmanager
def running(home: Path, port: int) -> Iterator[Up]:
    up = Up(home, port)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.stop(signal.SIGTERM)


def sign_in(port: int, password: str) -> str:
    """The title of the page that follows signing in as the administrator."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    address = f"http://localhost:{port}/admin/login/?next=/admin/"
    with browser.open(address, timeout=30) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    assert token is not None
    form = {"username": "admin", "password": password, "csrfmiddlewaretoken": token[1]}
    with browser.open(address, urllib.parse.urlencode(form).encode(), timeout=30) as page:
        assert page.url == f"http://localhost:{port}/admin/"
        return page.read().decode()


@pytest.mark.slow
def test_it_starts_on_nothing_survives_crashes_leaves_nothing_and_starts_again(home: Path) -> None:
    """One home for all of it: what takes long is the first start."""
    port = free_port()
    with running(home, port) as up:
        password = up.find(r"Sign in as “admin” with the password (\S+)")[1]
        assert up.find(r"Headrace is ready: (\S+)")[1] == f"http://localhost:{port}/admin/"
        assert "/admin/logout/" in sign_in(port, password)
        a_taken_port_is_named(home, port)
        children = up.children()
        database = embedded_postgres.url(services.read_state(home))
        os.kill(embedded_postgres.running_pid(embedded_postgres.place_of(home, account()) / "data"), signal.SIGKILL)
        up.find(r"PostgreSQL had stopped and was started again")
        psycopg.connect(database).close()
        children |= up.children()
        up.stop(signal.SIGINT)
    nothing_is_left(up, children, database)
    with running(home, port) as again:
        again.find("Headrace is ready")
        assert "/admin/logout/" in sign_in(port, password), "the administrator is kept"
        assert not [line for line in again.lines if "password" in line]
        children, database = again.children(), embedded_postgres.url(services.read_state(home))
        again.stop(signal.SIGTERM)
    nothing_is_left(again, children, database)


def a_taken_port_is_named(home: Path, port: int) -> None:
    """Whoever starts a second one is told so, and disturbs nobody."""
    taken = subprocess.run(
        [sys.executable, ROOT / "manage.py", "up"], env=environment(home, port),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"Port {port} on 127.0.0.1 is not free" in taken.stderr
    assert taken.returncode == 1
    with urllib.request.urlopen(f"http://localhost:{port}/admin/login/", timeout=30) as page:
        assert page.status == 200


def nothing_is_left(up: Up, children: set[int], database: str) -> None:
    """It ended well, with its processes, its port and its database."""
    assert up.process.returncode == 0
    assert up.lines[-1] == "Stopped.\n"
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", up.port))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database)
