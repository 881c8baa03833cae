"""Importing: a few hundred rows per transaction, each counted in the transaction that saves it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from records import planning
from records.importing.converting import Converted, Converter, counted
from records.importing.plan import parse
from records.importing.preparing import prepare
from records.importing.reading import Line, Table, read
from records.models import ImportedRecord, ImportFault, ImportRun
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.saving import Saved, save_batch

SIZE = 500
PREVIEW = 20
logger = logging.getLogger(__name__)
TO_DO = (ImportRun.Status.PENDING, ImportRun.Status.RUNNING)


class Importer:
    """One file going into one object type by one plan."""

    def __init__(self, object_type: ObjectType, document: Any, table: Table, actor: Any = None) -> None:
        self.object_type = object_type
        self.table = table
        self.actor = actor
        self.plan = parse(document, table.headers, object_type)

    def prepare(self) -> None:
        """Make the custom properties, then get ready to convert. Raises DocumentError."""
        prepare(self.object_type, self.plan, self.table)
        self.converter = Converter(self.object_type, self.plan, self.table, self.actor)

    def save(self, lines: Sequence[Line]) -> tuple[list[Converted], list[Saved]]:
        """Save lines; their rows and what became of each. A row the database refuses fails alone."""
        rows = self.converter.convert(lines)
        good = [row for row in rows if not row.errors]
        try:
            with transaction.atomic():
                saved = self.save_rows(good)
        except DatabaseError:
            saved = [self.save_alone(row) for row in good]
        outcomes = dict(zip(map(id, good), saved, strict=True))
        ends = []
        for row in rows:
            one = outcomes.get(id(row), Saved("invalid"))
            row.errors += [str(problem.message) for problem in one.problems]
            ends.append(one)
        return rows, ends

    def save_rows(self, rows: Sequence[Converted]) -> list[Saved]:
        return save_batch(
            self.object_type,
            [row.row for row in rows],
            upsert_by=self.plan.upsert_by,
            partial=True,
            actor=self.actor,
            source="import",
        )

    def save_alone(self, row: Converted) -> Saved:
        try:
            with transaction.atomic():
                return self.save_rows([row])[0]
        except DatabaseError as error:
            message = _("The database refused the row (%(error)s). Correct it and import it again.")
            row.errors.append(message % {"error": str(error).splitlines()[0]})
            return Saved("invalid")


@dataclass(frozen=True)
class PreviewRow:
    """What would become of one row: created, updated, unchanged or invalid, and why."""

    line: Line
    status: str
    errors: list[str]
    warnings: list[str]


def preview(object_type: ObjectType, document: Any, table: Table, actor: Any = None) -> list[PreviewRow]:
    """What the first rows would become: they are really saved, then taken back. Raises DocumentError."""
    with transaction.atomic():
        importer = Importer(object_type, document, table, actor)
        importer.prepare()
        rows, ends = importer.save(table.lines[:PREVIEW])
        transaction.set_rollback(True)
    return [PreviewRow(row.line, one.status, row.errors, row.warnings) for row, one in zip(rows, ends, strict=True)]


def start(run: ImportRun, document: Any) -> ImportRun:
    """Check the plan of a prepared run and let it wait for a worker.

    Raises DocumentError, and changes nothing, when the plan cannot be carried out or the run was started before.
    """
    table = read(bytes(run.content))
    parse(document, table.headers, object_types[run.object_type])
    facts = {"plan": document, "total": len(table.lines), "status": ImportRun.Status.PENDING}
    if not ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.DRAFT).update(**facts):
        raise DocumentError([Problem("", _("This import has been started already."), code="started")])
    run.plan, run.total, run.status = document, len(table.lines), ImportRun.Status.PENDING
    return run


def run_pending_imports(now: dt.datetime, seconds: float = 45) -> int:
    """Work on imports that wait, oldest first, for about so long; how many rows were done.

    Any number of processes may call it: a run is worked on under its row's lock, and one whose process died is
    continued by the next at the row it had come to.
    """
    stop = time.monotonic() + seconds
    rows = 0
    while time.monotonic() < stop:
        waiting = ImportRun.objects.filter(status__in=TO_DO).order_by("id").values_list("pk", flat=True)
        done = [count for pk in waiting if (count := work_on(pk, now, stop)) is not None]
        rows += sum(done)
        if not done:
            break
    return rows


def work_on(pk: int, now: dt.datetime, stop: float | None = None, wait: bool = False) -> int | None:
    """Work on one import until it is done or the time is up; rows done, None when another process has it."""
    try:
        return go_through(pk, now, stop, wait)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # One import that breaks must not keep the worker from everything else it has to do.
        logger.exception("Import %d broke off.", pk)
        message = _("The import broke off by an unexpected error after %(done)d rows; the log has the details.")
        run = ImportRun.objects.get(pk=pk)
        give_up(run, DocumentError([Problem("", message % {"done": run.done})]), now)
        return 0


def go_through(pk: int, now: dt.datetime, stop: float | None, wait: bool) -> int | None:
    importer: Importer | None = None
    rows: int | None = None
    while stop is None or time.monotonic() < stop:
        with transaction.atomic():
            lock = ImportRun.objects.select_for_update(skip_locked=not wait, of=("self",))
            run = lock.select_related("created_by").filter(pk=pk, status__in=TO_DO).first()
            if run is None:
                return rows
            try:
                importer = importer or begin(run)
            except DocumentError as error:
                give_up(run, error, now)
                return 0
            rows = (rows or 0) + advance(run, importer, now)
    return rows


def begin(run: ImportRun) -> Importer:
    """The importer of a run; the properties it creates are made."""
    table = read(bytes(run.content))
    importer = Importer(object_types[run.object_type], run.plan, table, run.created_by)
    importer.prepare()
    return importer


def advance(run: ImportRun, importer: Importer, now: dt.datetime) -> int:
    """Import the next rows of a run."""
    lines = importer.table.lines[run.done : run.done + SIZE]
    rows, ends = importer.save(lines) if lines else ([], [])
    remember(run, ends)
    ImportFault.objects.bulk_create(
        ImportFault(run=run, line=row.line.number, severity=severity, message=message, cells=row.line.cells)
        for row in rows
        for severity, messages in (("error", row.errors), ("warning", row.warnings))
        for message in messages
    )
    run.counts = dict(Counter(run.counts) + counted(rows, [one.status for one in ends]))
    run.done += len(lines)
    run.started_at = run.started_at or now
    finished = run.done >= len(importer.table.lines)
    run.status = ImportRun.Status.DONE if finished else ImportRun.Status.RUNNING
    run.finished_at = now if finished else None
    run.save(update_fields=["counts", "done", "started_at", "finished_at", "status"])
    if finished and run.done >= planning.MANY:
        transaction.on_commit(partial(planning.learn, importer.object_type), robust=True)
    return len(lines)


def remember(run: ImportRun, ends: Sequence[Saved]) -> None:
    """Keep which records the import has added and changed (FLT-30); what it added it only added."""
    added = {one.id for one in ends if one.status == "created"}
    changed = {one.id for one in ends if one.status == "updated"} - added
    made = [(pk, True) for pk in sorted(filter(None, added))] + [(pk, False) for pk in sorted(filter(None, changed))]
    rows = [ImportedRecord(run=run, record_id=pk, added=was_added) for pk, was_added in made]
    ImportedRecord.objects.bulk_create(rows, ignore_conflicts=True)


def give_up(run: ImportRun, error: DocumentError, now: dt.datetime) -> None:
    run.status, run.finished_at = ImportRun.Status.FAILED, now
    run.message = "\n".join(str(problem.message) for problem in error.problems)
    run.save(update_fields=["status", "finished_at", "message"])
