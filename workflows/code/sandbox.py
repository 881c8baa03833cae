"""Scripts of strangers, each in a child process of its own that is watched and always killed in the end.

JavaScript is never in the memory of a worker or of the web: this module starts `child.py`, looks every few
milliseconds how long it takes and how much it uses, and reads what it says. Nothing the child says is trusted.
Requests it asks for leave from here, by the one door out (workflows.code.fetching): the child has no way to anywhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from workflows.code import veiling
from workflows.code.fetching import Broker
from workflows.outside.veils import veils

logger = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
LOOK = 0.01
#: Beyond the script's own time: for saying that it is over, and for starting on a machine that is busy.
GRACE, STARTING = 1.0, 60.0
#: What V8 and Python take beside the script's memory, and what the child may say at most, in bytes.
BESIDE = 236 * 1024 * 1024
SAID, COMPLAINED = 2 * 1024 * 1024, 8_192
#: Bytes read at a time, and what a pipe holds at most.
PART, PIPE = 65_536, 1024 * 1024
#: How a line begins by which the child asks for a request.
ASKS = b'{"fetch"'
OUT_OF_MEMORY = ("out of memory", "Allocation failed", "OOM")


@dataclass(frozen=True)
class Limits:
    """What one script may take: seconds of time, and megabytes of memory."""

    seconds: float = 20
    megabytes: int = 128


@dataclass(frozen=True)
class Fault:
    """Why a script came to no result.

    `code`: "error" (it threw `message`), "syntax", "missing" (no exports.main), "output" (a value that cannot be
    taken), "time", "memory" or "broke_off". `line` is that of the script, 0 where nobody knows; `status` an HTTP
    status the error carried, 0 for none.
    """

    code: str
    message: str = ""
    line: int = 0
    status: int = 0


@dataclass(frozen=True)
class Finished:
    """What came of a script: its outputs as JSON has them, or a fault; and what it wrote to the console."""

    outputs: dict[str, Any] | None
    fault: Fault | None
    console: list[str] = field(default_factory=list)
    #: Lines of the console that were not kept.
    more: int = 0
    milliseconds: int = 0
    kilobytes: int = 0
    #: The requests it made, each in a line.
    requests: list[str] = field(default_factory=list)


def run(
    code: str, event: dict[str, Any], outputs: Iterable[str] = (), limits: Limits | None = None, **more: Any
) -> Finished:
    """Run one script and wait for its end; `outputs` are the names of the values wanted, `more` goes to Child."""
    return wait_for(Child(code, event, outputs, limits or Limits(), **more))


def wait_for(begun: Child) -> Finished:
    """What comes of a script that runs, at its end."""
    with begun as child:
        while (found := child.look()) is None:
            time.sleep(LOOK)
        return found


class Child:
    """A script that runs. `look` at it until it gives what came of it, and `close` it whatever happens."""

    def __init__(
        self,
        code: str,
        event: dict[str, Any],
        outputs: Iterable[str],
        limits: Limits,
        *,
        secrets: Mapping[str, str] | None = None,
        broker: Broker | None = None,
    ) -> None:
        """`secrets` are the values of process.env by name, `broker` sends what it asks for."""
        self.limits, self.broker = limits, broker or Broker()
        self.veils = veils((secrets or {}).values())
        self.said, self.complained, self.heard = bytearray(), bytearray(), 0
        self.died_of, self.peak = "", 0
        task = {
            "code": code, "event": json.dumps(event), "outputs": json.dumps(list(outputs)),
            "prelude": script("prelude"), "fetch": script("fetch"),
            "secrets": json.dumps(dict(secrets or {})), "veils": json.dumps(self.veils),
            "seconds": limits.seconds, "megabytes": limits.megabytes, "parent": os.getpid(),
        }  # fmt: skip
        self.unsent = bytearray(json.dumps(task).encode() + b"\n")
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(HERE / "child.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={}, cwd="/", start_new_session=True,
        )  # fmt: skip
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self.started = time.monotonic()
        self.began: float | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def look(self) -> Finished | None:
        """What came of the script; None while it runs."""
        over = ended(self.process.pid)
        self.read()
        if self.began is None and b"\n" in self.said:
            self.began = time.monotonic()
        if not over:
            self.serve()
            self.died_of = self.too_much()
            if not self.died_of:
                return None
        self.close()
        return self.finished()

    def too_much(self) -> str:
        """What of its limits the child is over; "" for none."""
        now = time.monotonic()
        if self.began is None:
            return "broke_off" if now > self.started + STARTING else ""
        if now > self.began + self.limits.seconds + GRACE:
            return "time"
        if len(self.said) > SAID:
            return "output"
        self.peak = max(self.peak, resident(self.process.pid))
        return "memory" if self.peak > self.most + BESIDE else ""

    @property
    def most(self) -> int:
        """The memory the script may take, in bytes."""
        return self.limits.megabytes * 1024 * 1024

    def read(self, more: int = 0) -> None:
        """Take what the child has said; beyond what it may say, and `more`, the rest waits until requests are served.

        Of what it complains about the beginning is kept.
        """
        out, err = self.process.stdout, self.process.stderr
        with contextlib.suppress(BlockingIOError):
            while out and not out.closed and len(self.said) <= SAID + more and (part := os.read(out.fileno(), PART)):
                self.said += part
        with contextlib.suppress(BlockingIOError):
            while err and not err.closed and (part := os.read(err.fileno(), PART)):
                self.complained += part[: COMPLAINED + 1 - len(self.complained)]

    def serve(self) -> None:
        """Hand on the requests the child asks for, and tell it what came of those before."""
        while (end := self.said.find(b"\n", self.heard)) >= 0:
            line = bytes(self.said[self.heard : end])
            if not line.startswith(ASKS):
                self.heard = end + 1
                continue
            del self.said[self.heard : end + 1]
            self.broker.take(line, (self.began or self.started) + self.limits.seconds)
        for answer in self.broker.answered():
            self.unsent += json.dumps(answer).encode() + b"\n"
        self.tell()

    def tell(self) -> None:
        """Write as much to the child as it takes now."""
        assert self.process.stdin is not None
        # A child that has ended takes nothing any more; what ended it is told elsewhere.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            while self.unsent:
                del self.unsent[: os.write(self.process.stdin.fileno(), self.unsent[:PART])]

    def close(self) -> None:
        """Kill the child and whatever it started, and wait for it. Calling it again does no harm."""
        if self.process.returncode is not None:
            return
        # Before it is waited for, so that its number is nobody else's.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # All of what is left in the pipe: nobody adds to it any more.
        self.read(PIPE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def finished(self) -> Finished:
        """What the child has said, and if it did not come to an end, what ended it."""
        found: dict[str, Any] = {}
        for line in bytes(self.said).split(b"\n"):
            with contextlib.suppress(ValueError, RecursionError):
                message = json.loads(line)
                found |= message if isinstance(message, dict) else {}
        console = found.get("console") or {}
        took = round((time.monotonic() - (self.began or self.started)) * 1000)
        made = Finished(
            None if (fault := self.fault(found)) else found["outputs"],
            fault,
            [str(line) for line in console.get("lines", [])],
            int(console.get("more", 0)),
            int(found.get("milliseconds", took)),
            int(found.get("kilobytes", 0)),
            self.broker.told(),
        )
        return veiling.veiled(made, self.veils)

    def fault(self, found: dict[str, Any]) -> Fault | None:
        """Why there is no result; None where there is one."""
        complaint = bytes(self.complained).decode(errors="replace")
        if self.died_of == "output":
            return Fault("output", "")
        if stopped := found.get("stopped") or self.died_of:
            return Fault(str(stopped))
        if isinstance(found.get("outputs"), dict):
            return None
        if found.get("missing"):
            return Fault("missing")
        if isinstance(error := found.get("error"), dict):
            code = "syntax" if error.get("syntax") else "output" if error.get("output") else "error"
            return Fault(code, str(error.get("message", "")), int(error.get("line", 0)), int(error.get("status", 0)))
        ended_by = -self.process.returncode
        if ended_by == getattr(signal, "SIGXCPU", 0):
            return Fault("time")
        # Where there is nothing left for its own work, V8 ends its process.
        crashed = ended_by in {signal.SIGTRAP, signal.SIGILL, signal.SIGABRT, signal.SIGSEGV}
        if (crashed and self.peak > self.most) or any(sign in complaint for sign in OUT_OF_MEMORY):
            return Fault("memory")
        logger.warning("A process with a script ended with %s: %s", self.process.returncode, complaint[-1_000:])
        return Fault("broke_off")


@cache
def script(name: str) -> str:
    """What every script finds there, by the name of its file."""
    return (HERE / f"{name}.js").read_text()


def ended(pid: int) -> bool:
    """Whether a child has ended; it is not taken away yet, so that its number stays its own."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def resident(pid: int) -> int:
    """How much memory a process has just now, in bytes; 0 where that cannot be seen."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
