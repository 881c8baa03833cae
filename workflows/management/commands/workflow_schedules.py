"""`manage.py workflow_schedules`: which workflows fire when, and firing what is due, in this process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from workflows.management.commands.workflow_tick import instant_of
from workflows.schedules import scheduling


class Command(BaseCommand):
    help = "List the schedules of the workflows that are on, or fire those that are due."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--list", action="store_true", help="List the schedules (this is done without arguments).")
        what.add_argument("--run-due", action="store_true", help="Fire what is due and enroll everybody.")
        parser.add_argument("--now", help="Pretend it is this instant, like 2026-11-24T09:00:00Z (only with DEBUG).")

    def handle(self, *args: Any, **options: Any) -> None:
        now = instant_of(options["now"])
        if options["run_due"]:
            before = scheduling.newest_run()
            while scheduling.work(now):
                pass
            for run in scheduling.runs_after(before):
                self.stdout.write(
                    f"{run.schedule.workflow_id}\t{run.at.isoformat()}\t{run.state}\t{run.matched} matched, "
                    f"{run.enrolled} enrolled, {run.skipped} still inside, {run.refused} refused"
                )
            return
        for schedule in scheduling.planned().select_related("workflow").order_by("next_at", "pk"):
            at = scheduling.next_time(schedule)
            self.stdout.write(
                f"{schedule.workflow_id}\t{at.isoformat() if at else '-'}\t{schedule.zone}\t{schedule.workflow.name}"
            )
