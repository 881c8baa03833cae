"""What starting PostgreSQL and Redis have in common: ports, the unprivileged user, processes, logs."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class EmbeddedServerError(RuntimeError):
    """An embedded server did not start; the message says why and where its log is."""


#: Servers this process has started; asked now and then whether they ended, so that none stays a zombie.
launched: list[subprocess.Popen[bytes]] = []


class RunAs(TypedDict, total=False):
    """What makes a child process run as somebody else; nothing of it for ourselves."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """Whom a server runs as. PostgreSQL refuses to run as root, and nothing here needs to."""

    uid: int
    gid: int

    @property
    def other(self) -> bool:
        """Whether it is somebody else than the one running this process."""
        return self.uid != os.geteuid()

    def options(self) -> RunAs:
        """Options of subprocess.run and Popen that make the child run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}

    def can_run(self, binary: Path) -> bool:
        """Whether every folder above a binary lets the account through, and the binary works for it."""
        try:
            done = subprocess.run(
                [binary, "--version"], cwd="/", env=environment(), capture_output=True, check=False, **self.options()
            )
        except PermissionError:
            return False
        return done.returncode == 0

    def can_use(self, folder: Path) -> bool:
        """Whether the account can pass through to a folder."""
        command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
        done = subprocess.run(command, cwd="/", env=environment(), capture_output=True, check=False, **self.options())
        return done.returncode == 0


def account() -> Account:
    """Ourselves; for root the user HEADRACE_SERVICE_USER, else `nobody`.

    Raises EmbeddedServerError when that user does not exist.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    name = os.environ.get("HEADRACE_SERVICE_USER") or "nobody"
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedServerError(
            f"There is no user “{name}”, as whom PostgreSQL could run instead of root. Create it, or name another "
            "one in HEADRACE_SERVICE_USER."
        ) from None
    return Account(found.pw_uid, found.pw_gid)


def environment() -> dict[str, str]:
    """The environment of the servers: nothing of ours, so that no PG… variable misleads them."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int | None) -> bool:
    """Whether somebody may listen on a port; None is no port."""
    if port is None:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def launch(command: list[str | Path], who: Account, log: Path, stdin: bytes = b"") -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that a Ctrl-C meant for us does not reach it."""
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd="/",
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **who.options(),
        )
    launched.append(process)
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    return process


def reap() -> None:
    """Forget the servers of ours that have ended."""
    launched[:] = [process for process in launched if process.poll() is None]


def wait_until(ready: Callable[[], bool], seconds: float, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Wait for something, at most so long; gives up early when the process has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready():
            return True
        if process is not None and process.poll() is not None:
            return False
        time.sleep(0.02)
    return False


def command_line(pid: int) -> str:
    """The command line of a running process; "" when there is no such process (a zombie is none)."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    done = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
