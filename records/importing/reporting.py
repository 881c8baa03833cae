"""What became of an import, in numbers, in sentences, and as a file of the rows to correct."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import ngettext

from records.models import ImportRun

COUNTS = ("created", "updated", "unchanged", "failed", "unassociated", "ownerless")


def report(run: ImportRun) -> dict[str, Any]:
    """The numbers of an import, for programs."""
    counts = {name: run.counts.get(name, 0) for name in COUNTS}
    return {"id": run.pk, "status": run.status, "rows": run.total, "done": run.done} | counts


def sentences(run: ImportRun) -> list[str]:
    """What a person is told about a finished import."""
    counts = report(run)
    if run.message:
        return run.message.splitlines()
    told = []
    if counts["unchanged"] == counts["rows"]:
        sentence = ngettext(
            "Nothing has changed: the %(count)s row is in the records already.",
            "Nothing has changed: all %(count)s rows are in the records already.",
            counts["rows"],
        )
        told.append(sentence % {"count": grouped(counts["rows"])})
    else:
        sentence = ngettext(
            "Of %(rows)s row, %(created)s was created, %(updated)s updated, %(unchanged)s unchanged.",
            "Of %(rows)s rows, %(created)s were created, %(updated)s updated, %(unchanged)s unchanged.",
            counts["rows"],
        )
        told.append(sentence % {name: grouped(counts[name]) for name in ("rows", *COUNTS)})
    several = {
        "failed": ngettext("%(count)s row was not imported.", "%(count)s rows were not imported.", counts["failed"]),
        "unassociated": ngettext(
            "%(count)s row was imported without an association.",
            "%(count)s rows were imported without an association.",
            counts["unassociated"],
        ),
        "ownerless": ngettext(
            "%(count)s row was imported without an owner.",
            "%(count)s rows were imported without an owner.",
            counts["ownerless"],
        ),
    }
    return told + [sentence % {"count": grouped(counts[name])} for name, sentence in several.items() if counts[name]]


def grouped(count: int) -> str:
    return number_format(count, force_grouping=True)


def fault_file(run: ImportRun) -> Iterator[str]:
    """The rows with faults as CSV: line, severity, what to do, then the row as it was."""
    headers: list[str] = []
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for fault in run.faults.iterator():
        if not headers:
            headers = list(fault.cells)
            writer.writerow(["line", "severity", "problem", *headers])
        writer.writerow([fault.line, fault.severity, fault.message, *(fault.cells.get(h, "") for h in headers)])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
