"""The processes of a running Headrace, kept alive: started, listened to, restarted, stopped together."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from honcho.printer import Message, Printer

COLOURS = ("36", "33", "32", "35", "34", "31")
#: Seconds a child is given to finish what it is doing before it is killed.
GRACE = 20.0
#: A child that ran this long is healthy again: its next crash is its first.
HEALTHY = 60.0
LONGEST_PAUSE = 30.0
PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(eq=False)
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    #: What our own environment was when it was started.
    inherited: Mapping[str, str] = field(default_factory=dict)
    started_at: float = 0.0
    crashes: int = 0
    #: When (monotonic) it may be started again after a crash.
    not_before: float = 0.0
    #: Seconds after which it is started again at the latest, however often it has crashed.
    longest_pause: float = LONGEST_PAUSE

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs children until it is told to stop, and then stops every one of them.

    `watch` is called about once a second from the loop (to look after servers that are not children); the lines it
    returns are printed.
    """

    def __init__(
        self, children: Sequence[Child], output: IO[str], watch: Callable[[], Sequence[str]] = lambda: ()
    ) -> None:
        self.children = children
        self.watch = watch
        self.printer = Printer(output=output, width=max(len(child.name) for child in children) + 1)
        self.lines: queue.SimpleQueue[tuple[str, bytes | str]] = queue.SimpleQueue()
        self.stopping = False
        self.hurried = False

    def run(self) -> None:
        """Keep the children alive until SIGINT, SIGTERM, SIGHUP, or until nobody reads the output any more."""
        handlers = {
            number: signal.signal(number, self.stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            watched_at = 0.0
            while not self.stopping:
                self.start_due()
                self.show(0.1)
                if time.monotonic() - watched_at > 1:
                    watched_at = time.monotonic()
                    for line in self.watch():
                        self.say(line)
                    self.renew_outdated()
                self.notice_crashes()
        except BrokenPipeError:
            # The reader of our output has gone (`make run | head`); point it nowhere so that stopping stays quiet.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:
            self.stop_children()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def stop(self, *_: Any) -> None:
        """Ask the loop to end; asked twice, children are killed without grace."""
        self.hurried = self.stopping
        self.stopping = True

    def start_due(self) -> None:
        for child in self.children:
            if child.process is None and time.monotonic() >= child.not_before:
                self.start(child)

    def start(self, child: Child) -> None:
        child.started_at = time.monotonic()
        child.inherited = dict(os.environ)
        child.process = subprocess.Popen(
            child.command,
            env={**child.inherited, "PYTHONUNBUFFERED": "1", **child.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        threading.Thread(target=self.listen, args=(child.name, child.process.stdout), daemon=True).start()

    def renew_outdated(self) -> None:
        """End children whose environment is not ours any more, as when a server listens elsewhere: they start anew."""
        for child in self.children:
            if child.running and child.inherited != os.environ:
                child.inherited = dict(os.environ)
                self.say(f"The environment has changed: {child.name} is started again.")
                signal_group(child, signal.SIGTERM)

    def listen(self, name: str, output: IO[bytes]) -> None:
        """Pass a child's lines on, in a thread of its own."""
        with output:
            for line in output:
                self.lines.put((name, line))

    def show(self, seconds: float) -> None:
        """Print what the children said, waiting so long for a first line."""
        try:
            name, line = self.lines.get(timeout=seconds)
            while True:
                self.say(line, name)
                name, line = self.lines.get_nowait()
        except queue.Empty:
            return

    def say(self, line: bytes | str, name: str = "up") -> None:
        names = [child.name for child in self.children]
        colour = COLOURS[names.index(name) % len(COLOURS)] if name in names else None
        self.printer.write(Message("line", line, dt.datetime.now().astimezone(), name, colour))

    def notice_crashes(self) -> None:
        """Report children that ended by themselves and let them start again after a pause that grows."""
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            now = time.monotonic()
            child.crashes = 1 if now - child.started_at > HEALTHY else child.crashes + 1
            pause = min(2.0 ** (child.crashes - 1), child.longest_pause)
            child.not_before = now + pause
            self.say(f"{child.name} ended ({ending(child.process.returncode)}). Starting it again in {pause:.0f} s.")
            signal_group(child, signal.SIGKILL)
            child.process = None

    def stop_children(self) -> None:
        """End every child and whatever it has started; those that do not end in time are killed."""
        for child in self.children:
            signal_group(child, signal.SIGTERM)
        until = time.monotonic() + GRACE
        while any(child.running for child in self.children) and time.monotonic() < until and not self.hurried:
            self.quietly_show()
        for child in self.children:
            signal_group(child, signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
        self.quietly_show()

    def quietly_show(self) -> None:
        try:
            self.show(0.1)
        except BrokenPipeError:
            time.sleep(0.1)


def signal_group(child: Child, number: int) -> None:
    """Signal a child's whole process group, if anything of it is left."""
    if child.process is None:
        return
    try:
        os.killpg(child.process.pid, number)
    except ProcessLookupError:
        return


def ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def make_end_with_parent() -> Callable[[], None]:
    """On Linux, a function a child calls so that it is ended when its parent dies without a word (kill -9)."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


end_with_parent = make_end_with_parent()
