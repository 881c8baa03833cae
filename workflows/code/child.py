"""One script, run in this process and nothing else: started by workflows.code.sandbox, never imported.

What it is to do comes as a line of JSON on standard input, what came of it goes as lines of JSON to standard output:
one when the script begins, one for each request it asks for, one when its time is over, one at the end. What came of a
request is a further line of the input. Whatever else happens here ends this process alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import re
import resource
import signal
import struct
import sys
import threading
import time
from typing import Any

from py_mini_racer import (
    JSEvalException,
    JSFunction,
    JSOOMException,
    JSParseException,
    JSPromise,
    JSTimeoutException,
    MiniRacer,
    init_mini_racer,
)

# One thread, no compiler: with it goes WebAssembly, and most of what was ever wrong with V8.
FLAGS = ("--single-threaded", "--jitless")
MEGABYTE = 1024 * 1024
#: What V8 and Python need beside the script's own memory, in bytes.
SPARE = 128 * MEGABYTE
NOBODY = 65_534
LIBC = ctypes.CDLL(None, use_errno=True)
SET_DEATH_SIGNAL, SET_NO_NEW_PRIVILEGES = 1, 38
# A script that cannot be read has not said its name yet.
WHERE = re.compile(r"(?:code\.js|<anonymous>):(\d+)")
ERROR = re.compile(r"^(?:Uncaught )?(\w*(?:Error|Exception)\b.*|throw .*)$", re.MULTILINE)
MESSAGE = 1_000

# Calls the kernel refuses from here on, by machine: files, sockets, programs, other processes. Not sendto, by which
# the loop of the interpreter wakes itself; there is no socket but the two ends of its own pair.
REFUSED = {
    "x86_64": (
        2, 41, 42, 43, 49, 50, 53, 56, 57, 58, 59, 62, 76, 77, 80, 81, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94,
        101, 133, 155, 161, 165, 166, 169, 175, 188, 189, 190, 200, 234, 246, 248, 249, 250, 257, 258, 259, 260, 261,
        263, 264, 265, 266, 268, 272, 279, 288, 298, 303, 304, 308, 310, 311, 313, 316, 317, 319, 320, 321, 322, 323,
        424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 435, 437, 438, 440, 442, 452,
    ),
    "aarch64": (
        5, 6, 7, 33, 34, 35, 36, 37, 38, 39, 40, 41, 45, 46, 49, 50, 51, 52, 53, 54, 55, 56, 97, 104, 105, 106, 117,
        129, 130, 131, 142, 198, 199, 200, 201, 202, 203, 217, 218, 219, 220, 221, 239, 241, 242, 264, 265, 268, 270,
        271, 273, 276, 277, 279, 280, 281, 282, 294, 424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 435, 437,
        438, 440, 442, 452,
    ),
}  # fmt: skip
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP = {"x86_64": 317, "aarch64": 277}
#: Numbers from here on are those of another table of calls (x32).
OTHER_TABLE = 0x40000000
EPERM = 1


def main() -> None:
    if sys.platform == "linux":
        LIBC.prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    task: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    # The parent kills this process when it takes too much; what it did not live to see ends here.
    if os.getppid() != task["parent"]:
        os._exit(0)
    init_mini_racer(flags=FLAGS)
    racer = MiniRacer()
    racer.set_hard_memory_limit(task["megabytes"] * MEGABYTE)
    prelude = racer.eval(task["prelude"])
    assert isinstance(prelude, JSFunction)
    control = prelude(racer.eval(task["fetch"]))
    assert isinstance(control, JSFunction)
    threading.Thread(target=hear, args=(control,), daemon=True).start()
    confine(task)
    before = resident()
    say({"began": True})
    began = time.monotonic()
    found = answer(racer, control, task, began + task["seconds"])
    took = {"milliseconds": round((time.monotonic() - began) * 1000), "kilobytes": max(resident() - before, 0)}
    say({**found, **took, "console": written(control)})
    # Ending in the usual way waits for V8's threads, sometimes for ever.
    os._exit(0)


def answer(racer: MiniRacer, control: JSFunction, task: dict[str, Any], until: float) -> dict[str, Any]:
    """What came of the script: {"outputs"}, {"error"}, {"missing"} or {"stopped"}."""
    try:
        control("prepare", task["secrets"], task["veils"], timeout_sec=until - time.monotonic())
        racer.eval(task["code"] + "\n//# sourceURL=code.js", timeout_sec=until - time.monotonic())
        control("start", task["event"], task["outputs"], timeout_sec=until - time.monotonic())
        found = finished(control, until)
        # What ends a script for its memory looks to its own promises like an error without a name.
        return {"stopped": "memory"} if racer.was_hard_memory_limit_reached() else found
    except JSTimeoutException:
        say({"stopped": "time"})
        return {"stopped": "time"}
    except JSOOMException:
        return {"stopped": "memory"}
    except JSParseException as error:
        return {"error": {**told(str(error), task["code"]), "syntax": True}}
    except JSEvalException as error:
        if racer.was_hard_memory_limit_reached():
            return {"stopped": "memory"}
        return {"error": told(str(error), task["code"])}


def finished(control: JSFunction, until: float) -> dict[str, Any]:
    """What the script came to; the requests it makes meanwhile are handed on. Raises JSTimeoutException."""
    while True:
        promise = control("next", timeout_sec=until - time.monotonic())
        assert isinstance(promise, JSPromise)
        told = json.loads(str(promise.get(timeout=until - time.monotonic())))
        for request in told["requests"]:
            say({"fetch": request})
        if told["finished"] is not None:
            found: dict[str, Any] = told["finished"]
            return found


def hear(control: JSFunction) -> None:
    """Bring the script what came of its requests, line by line, in a thread of its own."""
    for line in sys.stdin.buffer:
        # Where the script is over or out of memory nobody waits for an answer any more; the other thread says so.
        with contextlib.suppress(JSEvalException):
            control("answered", line.decode())


def told(text: str, code: str) -> dict[str, Any]:
    """What V8 says of an error outside exports.main, as facts."""
    line, message = WHERE.search(text), ERROR.search(text)
    shown = message[1] if message else text.strip()
    return {"message": shown[:MESSAGE], "line": min(int(line[1]), code.count("\n") + 1) if line else 0, "status": 0}


def written(control: JSFunction) -> dict[str, Any]:
    """What was written to the console; nothing where it cannot be had any more."""
    with contextlib.suppress(JSEvalException, ValueError, TypeError):
        found = json.loads(str(control("console", timeout_sec=0.5)))
        if isinstance(found, dict):
            return found
    return {"lines": [], "more": 0}


def say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(message, ensure_ascii=False).encode(errors="replace") + b"\n")
    sys.stdout.buffer.flush()


def confine(task: dict[str, Any]) -> None:
    """From here on this process can compute, and speak to its parent."""
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CPU, int(time.process_time() + task["seconds"]) + 2)
    if sys.platform != "linux":
        return
    # V8 reserves much and uses little: what it has by now is measured, as a limit below that makes it hang.
    limit(resource.RLIMIT_DATA, data_bytes() + task["megabytes"] * MEGABYTE + SPARE)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        LIBC.prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    limit(resource.RLIMIT_NOFILE, 8)
    LIBC.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    refuse_calls()


def limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def refuse_calls() -> None:
    """Have the kernel refuse, for all threads of this process, what computing does not need."""
    machine = platform.machine()
    if machine not in REFUSED:
        return
    calls = REFUSED[machine]
    # Each line is an instruction: code, how many lines to pass over if it is so and if it is not, value. The last two
    # permit and refuse.
    lines = [(0x20, 0, 0, 4), (0x15, 1, 0, ARCHITECTURE[machine]), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]
    lines += [(0x35, len(calls) + 1, 0, OTHER_TABLE)]
    lines += [(0x15, len(calls) - place, 0, number) for place, number in enumerate(calls)]
    lines += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | EPERM)]
    program = b"".join(struct.pack("HBBI", *line) for line in lines)
    text = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(text))
    refused = LIBC.syscall(SECCOMP[machine], 1, 1, ctypes.create_string_buffer(filter_, len(filter_)))
    if refused:
        sys.stderr.write(f"The kernel takes no filter of calls here (error {ctypes.get_errno()}).\n")


def data_bytes() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))


def resident() -> int:
    """The most memory this process has had so far, in kilobytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


if __name__ == "__main__":
    main()
