"""`manage.py workflow_tick`: one pass over everything due, in this process, without Redis."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from records.clock import database_now
from workflows.intake.index_building import building
from workflows.processes.ticking import tick


class Command(BaseCommand):
    help = "Dispatch changes, run due steps and send deliveries until nothing is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", help="Pretend it is this instant, like 2026-11-24T09:00:00Z (only with DEBUG).")

    def handle(self, *args: Any, **options: Any) -> None:
        done = tick(instant_of(options["now"]))
        building.finish()
        self.stdout.write(
            f"{done.changes} changes, {done.enrolled} enrolled, {done.steps} steps, "
            f"{done.deliveries} deliveries, {done.recovered} recovered"
        )


def instant_of(text: str | None) -> dt.datetime:
    """The instant of `--now`; the database's without it. Raises CommandError for what is none, and without DEBUG."""
    if text is None:
        return database_now()
    if not settings.DEBUG:
        raise CommandError("--now moves time, so it works only where DEBUG is on. Leave it out.")
    try:
        instant = parse_datetime(text)
    except ValueError:
        instant = None
    if instant is None:
        raise CommandError(f"“{text}” is not an instant. Write it like 2026-11-24T09:00:00Z.")
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
