"""`manage.py prune_history`: forgets at once what is older than it is kept; clocks do so little by little."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from records.clock import database_now
from records.saving import erasing
from workflows.history import retention


class Command(BaseCommand):
    help = (
        "Forget the log of steps, what was sent, events, changes and deleted records that are older than they are "
        "kept (KEEP_…_DAYS)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now, portions = database_now(), 0
        while retention.prune(now) or erasing.erase(now):
            portions += 1
        self.stdout.write(f"{portions} portions were removed." if portions else "Nothing is older than it is kept.")
