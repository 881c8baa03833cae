"""`manage.py workflow_check`: says what is stuck; exit code 1 when anything is."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.timesince import timesince

from records.clock import database_now
from workflows.health import stuck
from workflows.health.alerting import SILENCE, clock_heard_at
from workflows.models import Workflow


class Command(BaseCommand):
    help = (
        "Look for records, deliveries and changes that nothing would take up again. Exits with 1 when there are any."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = database_now()
        problems: list[str] = []
        for found in stuck.find(now, failed=lambda rule, error: problems.append(f"{rule.code}: not checked: {error}")):
            where = f"workflow {found.workflow} ({self.name(found.workflow)}): " if found.workflow else ""
            ids = ", ".join(str(pk) for pk in found.ids)
            problems.append(f"{found.rule.code}: {where}{found.sentence} First ids: {ids}. {found.rule.remedy}")
        heard = clock_heard_at()
        if heard is None or now - heard > SILENCE:
            since = f"for {timesince(heard, now)}" if heard else "for a day at least"
            problems.append(f"no_clock: No clock was heard of {since}. Run `manage.py workflow_clock`.")
        for line in problems:
            self.stdout.write(line)
        if problems:
            sys.exit(1)
        self.stdout.write(f"Nothing is stuck ({len(stuck.RULES)} rules).")

    def name(self, workflow: int) -> str:
        return Workflow.objects.values_list("name", flat=True).get(pk=workflow)
