"""CPU seconds, ours and PostgreSQL's, from the system's own accounts."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
UTIME, STIME, CUTIME, CSTIME = 11, 12, 13, 14


@dataclass(frozen=True)
class Spent:
    """What something took, in seconds: by the clock, and of CPU on either side of the database's door."""

    wall: float
    python: float
    postgres: float

    @property
    def cpu(self) -> float:
        return self.python + self.postgres

    def __sub__(self, earlier: Spent) -> Spent:
        return Spent(self.wall - earlier.wall, self.python - earlier.python, self.postgres - earlier.postgres)


def spent() -> Spent:
    """The accounts of this process and of PostgreSQL as they stand now; ask twice and subtract."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Spent(time.perf_counter(), usage.ru_utime + usage.ru_stime, postgres_seconds())


def postgres_seconds() -> float:
    """CPU seconds of the whole server: every process it runs, the background ones too, and those that have ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    postmaster = int(stat_of(backend)[1])
    numbers = stat_of(postmaster)
    total = sum(int(numbers[place]) for place in (UTIME, STIME, CUTIME, CSTIME))
    for place in PROC.glob("[0-9]*"):
        try:
            numbers = stat_of(int(place.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(numbers[1]) == postmaster:
            total += int(numbers[UTIME]) + int(numbers[STIME])
    return total / TICKS


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, …"""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def memory_of(pid: int) -> int:
    """The most memory a process ever had resident, in bytes."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
