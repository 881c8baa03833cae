"""The supervisor, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., subprocess.Popen[str]]

SUPERVISE = """
import sys
from config.processes import Child, Supervisor
python = sys.executable
Supervisor([{children}], sys.stdout).run()
print("over")
"""
SLEEPER = """Child("sleeper", [python, "-c", "import os, time; print(os.getpid()); time.sleep(600)"])"""
PARENT = """Child("parent", [python, "-c", "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid); \
sys.stdout.flush(); sys.stdin.read(); import time; time.sleep(600)"])"""
STUBBORN = """Child("stubborn", [python, "-c", "import os, signal, time; \
signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid()); time.sleep(600)"])"""
CRASHING = """Child("crashing", [python, "-c", "print('here I am'); raise SystemExit(3)"])"""


MOVING = """
import os, sys
from config.processes import Child, Supervisor
def watch():
    os.environ["REDIS_URL"] = "redis://elsewhere"
    return ()
os.environ["REDIS_URL"] = "redis://here"
teller = "import os, time; print(os.environ['REDIS_URL'], flush=True); time.sleep(600)"
Supervisor([Child("teller", [sys.executable, "-c", teller])], sys.stdout, watch=watch).run()
"""


@pytest.fixture
def supervise() -> Iterator[Run]:
    started: list[subprocess.Popen[str]] = []

    def run(children: str, program: str = SUPERVISE) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program.format(children=children)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def said(process: subprocess.Popen[str]) -> str:
    """What a child said, without time and name."""
    return line(process).partition("| ")[2].strip()


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def gone(pid: int) -> bool:
    until = time.monotonic() + 60
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_process_and_what_it_started(supervise: Run, number: signal.Signals) -> None:
    process = supervise(PARENT)
    grandchild = int(said(process))
    assert alive(grandchild)
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert output.endswith("over\n")
    assert process.returncode == 0
    assert gone(grandchild)


def test_a_crash_is_reported_and_the_process_started_again_after_growing_pauses(supervise: Run) -> None:
    process = supervise(CRASHING)
    heard = [said(process) for _ in range(5)]
    assert heard == [
        "here I am",
        "crashing ended (exit code 3). Starting it again in 1 s.",
        "here I am",
        "crashing ended (exit code 3). Starting it again in 2 s.",
        "here I am",
    ]
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode == 0


def test_a_killed_process_comes_back_while_others_go_on(supervise: Run) -> None:
    process = supervise(f"{SLEEPER}, {SLEEPER.replace('sleeper', 'other')}")
    first, second = int(said(process)), int(said(process))
    os.kill(first, signal.SIGKILL)
    assert "killed by SIGKILL" in said(process)
    assert alive(int(said(process)))
    assert alive(second)
    process.terminate()
    process.communicate(timeout=120)


def test_a_process_is_started_again_where_a_server_has_moved(supervise: Run) -> None:
    process = supervise("", program=MOVING)
    # The child may be told to end before it has spoken for the first time: then its first line never comes.
    heard = [said(process)]
    while heard[-1] != "redis://elsewhere":
        heard.append(said(process))
        assert len(heard) < 6, heard
    assert "The environment has changed: teller is started again." in heard
    process.terminate()
    process.communicate(timeout=120)


def test_asked_twice_it_does_not_wait(supervise: Run) -> None:
    process = supervise(STUBBORN)
    stubborn = int(said(process))
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    began = time.monotonic()
    # On a busy machine two signals may have become one before the first was noticed; a person would press again.
    while process.poll() is None and time.monotonic() - began < 60:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert process.poll() is not None
    assert gone(stubborn)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of their parent's death")
def test_children_do_not_outlive_a_supervisor_that_was_killed(supervise: Run) -> None:
    process = supervise(SLEEPER)
    child = int(said(process))
    process.kill()
    assert gone(child)


def test_it_stops_when_nobody_reads_its_output_any_more(supervise: Run) -> None:
    process = supervise(f"{SLEEPER}, {CRASHING}")
    sleeper = next(int(text) for text in (said(process) for _ in range(5)) if text.isdigit())
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=120) is not None
    assert gone(sleeper)
    process.stdout = None
