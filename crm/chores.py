"""Work of the CRM in the background: imports, and what trackers told. What is to be done is in the database."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Min
from django.utils.translation import ngettext_lazy

from crm.tracking import recording
from records.importing.running import TO_DO, run_pending_imports
from records.models import ImportRun
from workflows import doorbell
from workflows.chores import Chore, chores
from workflows.health import statements, stuck

SECONDS = 5.0
HITS = stuck.Rule(
    "hits_not_recorded",
    statements.QUEUE.format(table="crm_hit", since="received_at", which="state <> 1"),
    ngettext_lazy(
        "%(count)d visit or click has waited for more than five minutes.",
        "%(count)d visits and clicks have waited for more than five minutes.",
        "count",
    ),
    stuck.RUN_THE_CLOCK,
)


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the oldest import has been waiting."""
    return ImportRun.objects.filter(status__in=TO_DO).aggregate(since=Min("created_at"))["since"]


def work(now: dt.datetime) -> int:
    return run_pending_imports(now, SECONDS)


def ring() -> None:
    """Have a worker look for imports once the transaction is committed; without Redis the clock finds them."""
    transaction.on_commit(ring_bulk, robust=True)


def ring_bulk() -> None:
    doorbell.ring("bulk")


def register_chores() -> None:
    chores.append(Chore(waiting_since, work))
    chores.append(Chore(recording.waiting_since, recording.record_hits))
    stuck.RULES[HITS.code] = HITS
