"""The reference job by the engine, against plain SQL that writes the same rows and against a job per record and step.

All of it in one run, in turns whose order rotates, on a clean slate each time; judged by CPU seconds, as the clock on
the wall also measures what else the machine does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TextIO

from benchmarks import per_record, plain_sql, reference_job
from benchmarks.metering import Spent, spent
from records.clock import database_now
from workflows.engine import journey, taking_steps
from workflows.enrollment.enrolling import enroll
from workflows.models import Workflow

FUSED_GOAL, STEPWISE_GOAL, PER_RECORD_GOAL, FLAT_GOAL = 2.0, 3.0, 400.0, 1.25
BATCH = 500
#: With more contacts a commit per step is left out: it would take as long as all the rest.
STEPWISE_AT_MOST = 100_000
#: Contacts enrolled by one call, as an import or a client of the API would.
ENROLLED_AT_ONCE = 10_000
PLAIN, FUSED, STEPWISE = "plain SQL, one transaction", "engine, steps fused", "engine, a commit per step"
Variant = Callable[[Workflow, dict[str, Any], int], None]


def plainly(workflow: Workflow, cause: dict[str, Any], contacts: int) -> None:
    plain_sql.do(workflow, cause)


def fused(workflow: Workflow, cause: dict[str, Any], contacts: int) -> None:
    """As it ships: enroll, then claim and run until nothing is due."""
    for start in range(1, contacts + 1, ENROLLED_AT_ONCE):
        ids = range(start, min(start + ENROLLED_AT_ONCE, contacts + 1))
        enroll(workflow, ids, cause=cause, now=database_now(), manual=True)
    while taking_steps.run_due(database_now(), BATCH):
        pass


def stepwise(workflow: Workflow, cause: dict[str, Any], contacts: int) -> None:
    """The same with every step in a transaction of its own, claimed anew, as if all of them waited."""
    walked, journey.STEPS_AT_ONCE = journey.STEPS_AT_ONCE, 1
    try:
        fused(workflow, cause, contacts)
    finally:
        journey.STEPS_AT_ONCE = walked


VARIANTS: dict[str, Variant] = {PLAIN: plainly, FUSED: fused, STEPWISE: stepwise}


def run(sizes: Sequence[int], rounds: int, out: TextIO) -> bool:
    """Do the job at every size and print what it cost; True when the goals are met."""
    workflow, admin = reference_job.publish()
    cause = {"kind": "manual", "actor": admin.pk}
    met, per_thousand = [], {}
    for contacts in sizes:
        found = measured(workflow, cause, contacts, rounds if contacts <= 10_000 else max(rounds // 3, 1))
        floor = found[PLAIN].cpu
        per_thousand[contacts] = found[FUSED].cpu / contacts * 1_000
        out.write(f"\nReference job, {contacts:,} contacts, {reference_job.STEPS} steps each (medians)\n")
        out.write(table(found, contacts))
        for name, goal in ((FUSED, FUSED_GOAL), (STEPWISE, STEPWISE_GOAL)):
            if name not in found:
                continue
            met.append(found[name].cpu <= floor * goal)
            out.write(f"{name}: {found[name].cpu / floor:.2f}x the CPU of plain SQL (goal {goal:.0f}x)\n")
    if {10_000, 100_000} <= per_thousand.keys():
        growth = per_thousand[100_000] / per_thousand[10_000]
        met.append(growth <= FLAT_GOAL)
        out.write(f"\nCost per contact at 100,000 against 10,000: {growth:.2f}x (goal {FLAT_GOAL:.2f}x)\n")
    for name, cost in per_record.run(workflow, admin, out).items():
        ratio = cost / per_thousand[max(sizes)]
        met.append(ratio >= PER_RECORD_GOAL or "forking" not in name)
        out.write(
            f"{name}: {ratio:,.0f}x the CPU of the engine (goal {PER_RECORD_GOAL:.0f}x for the forking worker)\n"
        )
    return all(met)


def measured(workflow: Workflow, cause: dict[str, Any], contacts: int, rounds: int) -> dict[str, Spent]:
    """The median cost of each variant; raises AssertionError when one leaves other rows than the others."""
    names, expected = [name for name in VARIANTS if name != STEPWISE or contacts <= STEPWISE_AT_MOST], None
    costs: dict[str, list[Spent]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            reference_job.clean_slate(contacts)
            before = spent()
            VARIANTS[name](workflow, cause, contacts)
            costs[name].append(spent() - before)
            found = reference_job.written()
            expected = expected or found
            if found != expected:
                different = [rows for rows, value in found.items() if value != expected[rows]]
                raise AssertionError(f"“{name}” left other rows: {', '.join(different)}. {found} {expected}")
    return {name: median(found) for name, found in costs.items()}


def median(found: list[Spent]) -> Spent:
    """The run in the middle by CPU; of an even number the cheaper one."""
    return sorted(found, key=lambda one: one.cpu)[(len(found) - 1) // 2]


def table(found: dict[str, Spent], contacts: int) -> str:
    """What each variant cost, as lines of text."""
    widths = {"wall s": 8, "contacts/s": 11, "steps/s": 9, "CPU s": 8, "ms each": 8, "python": 7, "x floor": 8}
    lines = [" ".join([" " * 28, *(f"{title:>{width}}" for title, width in widths.items())])]
    for name, cost in found.items():
        rate = contacts / cost.wall
        lines.append(
            f"{name:28} {cost.wall:8.2f} {rate:11,.0f} {rate * reference_job.STEPS:9,.0f} {cost.cpu:8.2f} "
            f"{cost.cpu / contacts * 1_000:8.3f} {cost.python / cost.cpu:7.0%} {cost.cpu / found[PLAIN].cpu:8.2f}"
        )
    return "\n".join(lines) + "\n"
