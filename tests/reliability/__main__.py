"""`make reliability`: run the full tier and write what came out into docs/reliability.md.

`python -m tests.reliability [--seeds=1,2,3] [pytest arguments]`; with seeds it runs once with each, and they share the
time. With `--write REPORT` only the page is written, from a report.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

#: Minutes after which everything is stopped, and what is there is written.
LONGEST = 60
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- result: begin -->", "<!-- result: end -->"
#: What each fault is, in the order of the page.
FAULTS = {
    "F-01": "A random one of four workers is killed, again and again",
    "F-01b": "Workers are killed at every named failpoint",
    "F-01d": "A worker that holds something is killed, nobody else is: how soon others go on",
    "F-01c": "Negative controls: mistakes these tests must find",
    "F-02": "Redis is flushed, stopped, frozen, or was never there",
    "F-03": "PostgreSQL loses power, also while recovering; lines are cut every half second",
    "F-04": "Every wake-up is delivered ten times, with stale ones before",
    "F-05": "Five clocks over thirty simulated days",
    "F-06": "Clocks of machines are wrong by hours and days",
    "F-08": "Workers freeze past their lease and wake up",
    "F-09": "Workers are asked to stop under load",
    "F-10": "A record takes its worker down, among a thousand healthy ones",
    "F-11": "Statements time out, the database is read-only, deadlocks",
    "F-12": "Two verbs at once, begun random moments apart",
    "P-09": "Batches compared with single records, row for row",
    "S-01": "Any order of verbs compared with a small model",
}
#: Figures that are added up over a fault's tests; of the others the largest is shown.
SUMMED = {
    "kills", "enrollments", "uncertain", "repeated_mails", "given_up_after_three_deaths", "lost_doubled_or_stuck",
    "rounds", "zombies", "refused", "inconsistent", "processes_ended", "rivals", "rivals_that_lost", "steps",
    "examples", "deaths", "definitions", "steps_compared",
}  # fmt: skip


def read(report: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of a report by fault; of a test that ran twice with the same seed the last."""
    every = [line for line in map(json.loads, report.read_text().splitlines()) if line["fault"]]
    lines = {(line["test"], line.get("run")): line for line in every}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines.values():
        found[line["fault"]].append(line)
    return found


def told(lines: list[dict[str, Any]]) -> str:
    """The figures of a fault's tests as one cell."""
    total: dict[str, Any] = {}
    caught = []
    for line in lines:
        for name, value in line["figures"].items():
            if name == "caught":
                caught.append(f"{line['figures']['control']}: found ({'; '.join(value)})")
            elif name not in ("seed", "control") and isinstance(value, int | float):
                total[name] = total.get(name, 0) + value if name in SUMMED else max(total.get(name, 0), value)
    cells = [f"{name.replace('_', ' ')} {value:,}" for name, value in total.items()]
    return "; ".join(caught + cells)


def table(report: Path) -> str:
    found = read(report)
    rows = [
        "| | fault | tier | tests | result | seconds | seeds | figures |",
        "| --- | --- | --- | ---: | --- | ---: | --- | --- |",
    ]
    for fault, title in FAULTS.items():
        lines = found.get(fault, [])
        passed = sum(line["outcome"] == "passed" for line in lines)
        result = "not run" if not lines else "passed" if passed == len(lines) else f"**{len(lines) - passed} failed**"
        seeds = sorted({line["figures"]["seed"] for line in lines if "seed" in line["figures"]})
        shown = ", ".join(map(str, seeds[:6])) + (", …" if len(seeds) > 6 else "")
        seconds = sum(line["seconds"] for line in lines)
        tier = ", ".join(sorted({line["tier"] for line in lines}))
        rows.append(
            f"| {fault} | {title} | {tier} | {len(lines)} | {result} | {seconds:,.0f} | {shown} | {told(lines)} |"
        )
    return "\n".join(rows)


def write(report: Path) -> None:
    """Replace what is between the two marks of the page."""
    lines = [line for group in read(report).values() for line in group]
    day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(max(line["at"] for line in lines)))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    failed = sum(line["outcome"] != "passed" for line in lines)
    head = (
        f"Last run: {day} UTC, {len(lines)} tests, {failed} failed, "
        f"{sum(line['seconds'] for line in lines) / 60:.0f} minutes of tests, on {machine}."
    )
    text = PAGE.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{head}\n\n{table(report)}\n{END}{after}")


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--write"]:
        write(Path(arguments[1]))
        return 0
    seeds = [seed for found in arguments if found.startswith("--seeds=") for seed in found[8:].split(",") if seed]
    arguments = [found for found in arguments if not found.startswith("--seeds=")]
    if not all(seed.isdecimal() for seed in seeds):
        raise SystemExit(f"--seeds={','.join(seeds)}: seeds are whole numbers. Write --seeds=1,2,3.")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        environment = {**os.environ, "HEADRACE_FULL": "1", "HEADRACE_REPORT": str(report)}
        command = [sys.executable, "-m", "pytest", "tests/reliability", "-p", "no:cacheprovider", *arguments]
        code, end = 0, time.monotonic() + LONGEST * 60
        for seed in seeds or [""]:
            print(f"Seed {seed or 'by chance, printed by each test'}", flush=True)  # noqa: T201
            run = {"HEADRACE_SEED": seed, "HEADRACE_SHARE": str(1 / max(len(seeds), 1))} if seed else {}
            code = limited(command, {**environment, **run}, end) or code
        if report.exists():
            write(report)
    return code


def limited(command: list[str], environment: dict[str, str], end: float) -> int:
    """Run the tests until they end, or are asked to when the time is over."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return process.wait(timeout=max(end - time.monotonic(), 1))
    except subprocess.TimeoutExpired:
        print(f"Stopped after {LONGEST} minutes.", flush=True)  # noqa: T201
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(timeout=60) or 1
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait() or 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
