"""What all tests share."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from whitenoise.middleware import WhiteNoiseMiddleware


def forbid_outside_world(event: str, arguments: tuple[Any, ...]) -> None:
    """Let no test talk to anything but this machine."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return
    host = str(address[0])
    if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        raise PermissionError(f"A test wanted to connect to {host}. Tests talk to this machine only.")


sys.addaudithook(forbid_outside_world)

#: What WhiteNoise has found of static files, by where they are asked for and how long a browser may keep them.
FOUND: dict[tuple[str, int | None], dict[str, Any]] = {}
look_for_files = WhiteNoiseMiddleware.add_files_from_finders


def find_files_once(middleware: WhiteNoiseMiddleware) -> None:
    """Let not each of thousands of test clients look through hundreds of static files: they stay as they are."""
    kind = middleware.static_prefix, middleware.max_age
    if kind not in FOUND:
        look_for_files(middleware)
        FOUND[kind] = dict(middleware.files)
    middleware.files.update(FOUND[kind])


WhiteNoiseMiddleware.add_files_from_finders = find_files_once


@pytest.fixture
def trouble_asked_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every admin page tells of trouble, asked anew after some seconds: not in the middle of a count of queries."""
    cache.delete("trouble")
    monkeypatch.setattr("config.admin.TROUBLE_SECONDS", 600)
    yield
    cache.delete("trouble")


#: Why a test may be skipped; anything else means that a machine lacks something a check must have.
SKIPS_FOR_A_REASON = ("only root's",)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With NO_SKIPS=1 a test that was skipped for want of something fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("NO_SKIPS") or reporter is None:
        return
    reasons = [str(report.longrepr[2]).removeprefix("Skipped: ") for report in reporter.stats.get("skipped", [])]
    unexpected = [reason for reason in reasons if not reason.startswith(SKIPS_FOR_A_REASON)]
    if unexpected:
        reporter.write_line(f"Skipped without an accepted reason: {'; '.join(sorted(set(unexpected)))}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
