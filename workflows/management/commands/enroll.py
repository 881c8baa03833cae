"""Enroll records in a workflow by hand: `manage.py enroll WORKFLOW --records 1,2,3` or `--all-matching`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.clock import database_now
from records.ids import id_of
from workflows.definitions.parsing import parse
from workflows.enrollment.enrolling import REFUSALS, enroll
from workflows.lifecycle.previewing import trigger_criteria
from workflows.models import Workflow


class Command(BaseCommand):
    help = "Enroll records in a workflow that is on, by their ids or all that meet its criteria now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow", help="id or name of the workflow")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--records", help="ids, separated by commas")
        which.add_argument(
            "--all-matching", action="store_true", help="every record that meets the trigger's criteria"
        )

    def handle(self, *args: Any, workflow: str, records: str | None, all_matching: bool, **options: Any) -> None:
        chosen = self.workflow(workflow)
        ids = self.matching(chosen) if all_matching else self.listed(records or "")
        result = enroll(chosen, ids, cause={"kind": "manual", "by": "command"}, now=database_now(), manual=True)
        count = len(result.enrolled)
        self.stdout.write(
            ngettext("%(count)d record was enrolled.", "%(count)d records were enrolled.", count) % {"count": count}
        )
        for reason, number in Counter(result.refused.values()).most_common():
            self.stdout.write(f"{number}: {REFUSALS[reason]}")

    def workflow(self, named: str) -> Workflow:
        found = Workflow.objects.filter(deleted_at=None)
        found = found.filter(pk=number) if (number := id_of(named)) is not None else found.filter(name=named)
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(str(workflow.pk) for workflow in found)
            raise CommandError(_("Several workflows are called “%(name)s”: use one of the ids %(ids)s.")
                               % {"name": named, "ids": ids})  # fmt: skip
        raise CommandError(_("There is no workflow “%(name)s”. Use the id or the exact name.") % {"name": named})

    def matching(self, workflow: Workflow) -> list[int]:
        compiled = trigger_criteria(parse(workflow.live.definition), database_now()) if workflow.live else None
        if compiled is None:
            raise CommandError(_("“%(name)s” has no criteria a record could match. Use --records.")
                               % {"name": workflow.name})  # fmt: skip
        return list(compiled.records().order_by().values_list("pk", flat=True))

    def listed(self, records: str) -> list[int]:
        parts = [part.strip() for part in records.split(",") if part.strip()]
        wrong = [part for part in parts if id_of(part) is None]
        if wrong or not parts:
            raise CommandError(
                _("“%(value)s” is not a record id. Write ids like 1,2,3.") % {"value": ", ".join(wrong)}
            )
        return [int(part) for part in parts]
