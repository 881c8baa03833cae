"""The history of workflows with a million enrollments and ten million lines: pages, what they look at, retention."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks import history_data
from benchmarks.journal import execute
from benchmarks.metering import spent
from records.clock import database_now
from workflows.engine.moving import COPY
from workflows.history import retention
from workflows.models import Enrollment, StepExecution, Workflow

ROUNDS = 5
PAGE_MS, RETENTION_SECONDS, INDEX_SHARE = 300.0, 10.0, 0.05
#: What making it all may take, and what it may take on disk: with a million enrollments, and fewer as well.
LOADING_SECONDS, DISK_MB = 360.0, 6_000
#: Bytes an enrollment takes on disk with all its lines and their indexes, about.
EACH = 3_000
MOST = DISK_MB * 1_000_000 // EACH
#: Tables no page may read from one end to the other, and rows a statement may sort.
BIG = ("workflows_stepexecution", "workflows_enrollment", "crm_contact")
SORTED = 100_000
#: Lines written as the engine writes them, to see what the log's indexes cost: so many at once, so often.
BATCH, BATCHES = 500, 400
INDEXES = ("workflows_stepexecution_revision", "workflows_stepexecution_failed")
#: CPU of one step, by the reference job of `--only engine` on the machine its goals were set on, in microseconds.
STEP_MICROSECONDS = 48.0


def run(enrollments: int, out: TextIO) -> bool:
    """Print what the pages of the history cost; True when the goals are met. What was made is removed."""
    refuse_too_many(enrollments)
    now = database_now()
    try:
        began = time.perf_counter()
        made = history_data.load(enrollments, now, LOADING_SECONDS)
        took = time.perf_counter() - began
        met = [loaded(enrollments, made, took, out), pages(made, out), retained(out), indexes(made[0], out)]
    finally:
        execute("TRUNCATE workflows_enrollment, workflows_stepexecution, workflows_issue, crm_contact CASCADE")
    out.write(f"\nHistory: {'all goals are met' if all(met) else 'NOT all goals are met'}\n")
    return all(met)


def loaded(enrollments: int, made: list[Workflow], took: float, out: TextIO) -> bool:
    sizes = [megabytes(table) for table in BIG]
    out.write(
        f"\nHistory: {enrollments:,} enrollments of {len(made)} workflows, {StepExecution.objects.count():,} lines of "
        f"log over {history_data.DAYS} days\n"
        f"Log {sizes[0]:,} MB, enrollments {sizes[1]:,} MB, contacts {sizes[2]:,} MB with their indexes\n\n"
    )
    met = goal(out, "Making it", took, LOADING_SECONDS, "s")
    return goal(out, "On disk", sum(sizes), DISK_MB, "MB") and met


def goal(out: TextIO, what: str, found: float, most: float, unit: str) -> bool:
    met = found <= most
    out.write(f"{what:44} {found:9,.1f} {unit:2}  goal {most:7,.0f} {unit:2}  {'met' if met else 'MISSED'}\n")
    return met


def refuse_too_many(enrollments: int) -> None:
    """Raises SystemExit for more than fit on the disk."""
    free = shutil.disk_usage(Path(settings.BASE_DIR)).free
    if not 1_000 <= enrollments <= MOST:
        size = f"{DISK_MB / 1_000:.0f} GB on disk"
        raise SystemExit(f"--enrollments is between 1,000 and {MOST:,} ({size}); {enrollments:,} is not.")
    if enrollments * EACH > free / 2:
        size = f"{enrollments * EACH / 1e9:.0f} GB"
        raise SystemExit(f"{enrollments:,} enrollments take about {size}: more than half of what is free.")


def megabytes(table: str) -> int:
    """The size of a table with its indexes; of a partitioned one all its partitions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(pg_total_relation_size(relid)), 0) / 1000000 FROM pg_partition_tree(%s)", [table]
        )
        found = int(cursor.fetchone()[0])
        if not found:
            cursor.execute("SELECT pg_total_relation_size(%s) / 1000000", [table])
            found = int(cursor.fetchone()[0])
    return found


def pages(made: list[Workflow], out: TextIO) -> bool:
    """Every page: milliseconds in the middle, statements, and by which indexes they look."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(made[0].created_by)
    out.write(
        f"\n{'page':44} {'ms':>6} {'goal':>5} {'':6} {'slowest':>7} {'CPU ms':>7} {'queries':>8} "
        f"{'rows looked at':>15} {'KB':>5}\n"
    )
    plans, met = [], []
    for name, url in addresses(made):
        milliseconds(client, url)
        before = spent()
        took = [milliseconds(client, url) for _round in range(ROUNDS)]
        cpu = (spent() - before).cpu * 1_000 / ROUNDS
        found: list[dict[str, Any]] = []
        with CaptureQueriesContext(connection) as queries, connection.execute_wrapper(planning(found)):
            page = client.get(url)
        shown = [plan for plan in found if mentions(plan)]
        looked = sum(looked_at(plan) for plan in shown)
        faults = [fault for plan in shown for fault in faults_of(plan)]
        middle, size = statistics.median(took), len(page.content) / 1000
        result = "met" if middle <= PAGE_MS and not faults else "MISSED"
        out.write(
            f"{name:44} {middle:6.0f} {PAGE_MS:5.0f} {result:6} {max(took):7.0f} {cpu:7.0f} "
            f"{len(queries) - len(found):8} {looked:15,} {size:5.0f}"
        )
        out.write("".join(f"  !! {fault}" for fault in faults) + "\n")
        met.append(middle <= PAGE_MS and not faults)
        plans += [f"\n{name}\n", *(told for plan in shown for told in tree(plan))]
    out.write(f"\nHow PostgreSQL finds them (goal: {PAGE_MS:.0f} ms a page, no table read from end to end)\n")
    out.write("".join(plans))
    return all(met)


def addresses(made: list[Workflow]) -> Iterator[tuple[str, str]]:
    huge, small = made[0], made[-1]
    every = reverse("admin:workflows_enrollment_changelist")
    log, own = reverse("admin:workflow_log", args=[huge.pk]), {"workflow__id__exact": huge.pk}
    inside = Enrollment.objects.filter(workflow=huge)
    first, last = inside.order_by("pk")[100], inside.order_by("-pk")[0]
    lines = StepExecution.objects.filter(enrollment__in=[first.pk, last.pk]).order_by("at")
    early, some = lines[0], lines.filter(step="split").last()
    assert some is not None
    name = f"m{last.record_id}@"
    yield "Enrollments of all workflows", every
    yield "Enrollments of the huge workflow", f"{every}?{urlencode(own)}"
    yield "Enrollments of the smallest", f"{every}?workflow__id__exact={small.pk}"
    for status in Enrollment.Status.values:
        yield f"  status {status}", f"{every}?{urlencode(own | {'status__exact': status})}"
    yield "  enrolled in the last 7 days", f"{every}?{urlencode(own | {'enrolled': 'week'})}"
    yield "  standing on a step", f"{every}?{urlencode(own | {'step': 'wait', 'status__exact': 'active'})}"
    yield "  one record", f"{every}?{urlencode(own | {'record': last.record_id})}"
    yield "  search by name, found", f"{every}?{urlencode(own | {'q': name})}"
    yield "  search by name, nothing", f"{every}?{urlencode(own | {'q': 'nobody at all'})}"
    yield "  the last page", f"{every}?{urlencode(own | {'before': first.pk})}"
    yield "Action log of the huge workflow", log
    yield "Action log of the smallest", reverse("admin:workflow_log", args=[small.pk])
    yield "  last 7 days", f"{log}?during=week"
    yield (
        "  up to a day three months ago",
        f"{log}?until={early.at.date() + (last.enrolled_at - early.at) / 2:%Y-%m-%d}",
    )
    for kind in ("progress", "success", "alert", "error"):
        yield f"  event {kind}", f"{log}?kind={kind}"
    yield "  a common action", f"{log}?action=edit_record"
    yield "  a rare action", f"{log}?action=send_notification"
    yield "  an action that never ran", f"{log}?action=send_webhook"
    yield "  a step and its branch", f"{log}?step=split&way=1&ended=passed"
    yield "  one record", f"{log}?record={last.record_id}"
    yield "  search by name, found", f"{log}?q={name}"
    yield "  the last page", f"{log}?{urlencode({'before': f'{early.at.isoformat()},{early.pk}'})}"
    yield "One enrollment: its path and timeline", reverse("admin:workflows_enrollment_change", args=[first.pk])
    yield "One event: why it happened", reverse("admin:enrollment_event", args=[some.pk])
    whole, day = reverse("admin:enrollment_log"), early.at.date() + (last.enrolled_at - early.at) / 2
    yield "Action log of all workflows", whole
    yield "  last 7 days", f"{whole}?during=week"
    yield "  up to a day three months ago", f"{whole}?until={day:%Y-%m-%d}"
    yield "  event error", f"{whole}?kind=error"
    yield "  a rare action", f"{whole}?action=send_notification"
    yield "  an action that never ran", f"{whole}?action=send_webhook"
    yield "  one record", f"{whole}?record={last.record_id}"
    yield "  search by name, found", f"{whole}?q={name}"
    yield "  search by name, nothing", f"{whole}?q=nobody+at+all"
    yield "  the last page", f"{whole}?{urlencode({'before': f'{early.at.isoformat()},{early.pk}'})}"
    yield "The list of workflows", reverse("admin:workflows_workflow_changelist")
    yield "  by how many were enrolled", f"{reverse('admin:workflows_workflow_changelist')}?o=-4"
    yield "Needs attention", reverse("admin:enrollment_attention")
    group = urlencode({"workflow": huge.pk, "step": "number", "reason": "does_not_fit"})
    yield "  one group opened", f"{reverse('admin:enrollment_attention')}?{group}"


def milliseconds(client: Client, url: str) -> float:
    began = time.perf_counter()
    answer = client.get(url)
    took = (time.perf_counter() - began) * 1_000
    if answer.status_code != 200:
        raise AssertionError(f"{url} answered {answer.status_code}.")
    return took


def planning(plans: list[dict[str, Any]]) -> Callable[..., Any]:
    """An execute wrapper that keeps the plan of every statement that reads, as it was carried out."""

    def wrapper(run_it: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and sql.lstrip().startswith(("SELECT", "WITH")) and any(table in sql for table in BIG):
            with connection.connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql, params)
                plans.append(cursor.fetchone()[0][0]["Plan"])
        return run_it(sql, params, many, context)

    return wrapper


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def mentions(plan: dict[str, Any]) -> bool:
    return any(node.get("Relation Name", "").startswith(BIG) for node in nodes(plan))


def handled(node: dict[str, Any]) -> int:
    removed = sum(count for name, count in node.items() if name.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


def looked_at(plan: dict[str, Any]) -> int:
    """Rows the statement took from the big tables, thrown away ones included."""
    return sum(handled(node) for node in nodes(plan) if node.get("Relation Name", "").startswith(BIG))


def faults_of(plan: dict[str, Any]) -> list[str]:
    whole = [
        f"reads {handled(node):,} rows of {node['Relation Name']} from end to end"
        for node in nodes(plan)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"].startswith(BIG) and handled(node) > BATCH
    ]
    return whole + [
        f"sorts {handled(node):,} rows"
        for node in nodes(plan)
        if node["Node Type"] == "Sort" and node["Actual Rows"] * node["Actual Loops"] > SORTED
    ]


def tree(plan: dict[str, Any]) -> Iterator[str]:
    """The nodes that read tables or sort, a line each."""
    for node in nodes(plan):
        if node["Node Type"] in ("Sort", "Incremental Sort", "Merge Append") or "Relation Name" in node:
            place = node.get("Relation Name", ", ".join(node.get("Sort Key", ())))
            index = f" by {node['Index Name']}" if "Index Name" in node else ""
            yield f"    {node['Node Type']} {place}{index}: {handled(node):,} rows\n"


def retained(out: TextIO) -> bool:
    """What it takes to forget what is older than it is kept, and how much that is."""
    now, before = database_now(), StepExecution.objects.count()
    began, portions, longest = time.perf_counter(), 0, 0.0
    while True:
        one = time.perf_counter()
        if not retention.prune(now):
            break
        longest, portions = max(longest, time.perf_counter() - one), portions + 1
    took, gone = time.perf_counter() - began, before - StepExecution.objects.count()
    out.write(f"\nRetention: {gone:,} lines forgotten in {portions} portions, the longest in {longest:.2f} s\n")
    return goal(out, "Forgetting them", took, RETENTION_SECONDS, "s")


def indexes(workflow: Workflow, out: TextIO) -> bool:
    """CPU of writing lines as the engine does, with the indexes the log is read by and without them."""
    found: dict[bool, list[float]] = {True: [], False: []}
    with_them = without = 0.0
    for _round in range(3):
        for kept in (True, False):
            found[kept].append(written(workflow, kept))
    with_them, without = (min(found[kept]) for kept in (True, False))
    more = with_them - without
    share = more / STEP_MICROSECONDS
    out.write(
        f"\nWriting a line of the log, CPU of PostgreSQL, best of 3 times {BATCH * BATCHES:,}: {without:.2f} µs "
        f"without\nthe two indexes, {with_them:.2f} µs with them: {more:+.2f} µs of a step of the reference job\n"
    )
    return goal(out, "The indexes' part of a step", share * 100, INDEX_SHARE * 100, "%")


def written(workflow: Workflow, kept: bool) -> float:
    """Microseconds for each line; everything is taken back."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not kept:
            cursor.execute(f"DROP INDEX {', '.join(INDEXES)}")
        before = spent()
        for batch in range(BATCHES):
            at = database_now().isoformat()
            rows = "".join(
                f"{batch * BATCH + n}\t{workflow.live_id}\t1\tnote\tcreate_note\tsuccess\t{{}}\t{at}\n"
                for n in range(BATCH)
            )
            with cursor.copy(COPY) as channel:
                channel.write(rows)
        cost = spent() - before
        transaction.set_rollback(True)
    return cost.postgres * 1e6 / (BATCH * BATCHES)
