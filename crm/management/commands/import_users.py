"""`manage.py import_users`: people and their teams from a CSV file."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.importing_users import import_users
from records.importing.reading import read
from records.problems import DocumentError


class Command(BaseCommand):
    help = "Create users and teams from a CSV file; importing it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", required=True, metavar="COLUMN", help="the column with people's full names")
        parser.add_argument("--team", metavar="COLUMN", help="the column with their manager, who names the team")
        parser.add_argument("--region", metavar="COLUMN", help="the column with the team's region")
        parser.add_argument("--report", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            table = read(options["file"].read_bytes())
            counts = import_users(table, name=options["name"], team=options["team"], region=options["region"])
        except OSError as error:
            raise CommandError(str(error)) from error
        except DocumentError as error:
            raise CommandError("\n".join(str(problem.message) for problem in error.problems)) from error
        if options["report"] == "json":
            self.stdout.write(json.dumps(counts.as_json()))
            return
        message = ngettext(
            "%(rows)d person: %(created)d created, %(moved)d moved, %(unchanged)d unchanged; %(teams)d new teams.",
            "%(rows)d people: %(created)d created, %(moved)d moved, %(unchanged)d unchanged; %(teams)d new teams.",
            counts.rows,
        )
        self.stdout.write(message % counts.as_json())
        if counts.created:
            self.stdout.write(_("New users have no password yet: set one under Users."))
