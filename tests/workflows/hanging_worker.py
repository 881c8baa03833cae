"""A worker with an action that never comes back for a record called Poison, in one of the ways there are."""

from __future__ import annotations

import os
import re
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, os.getcwd())


def sleep() -> None:
    while True:
        time.sleep(3_600)


def match() -> None:
    """Holds the interpreter: not even another thread runs meanwhile."""
    re.match(r"(a+)+$", "a" * 60 + "b")


def query() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(3600)")


WAYS = {"sleep": sleep, "match": match, "query": query}


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from workflows.actions.base import Action
    from workflows.registries import actions

    @actions.register
    class Hang(Action):
        slug = "hang"
        label = description = group = "Hang"
        icon = "flag"

        def execute(self, batch, params):
            if any(record.first_name == "Poison" for record in batch.records()):
                WAYS[os.environ["HANGS_IN"]]()
            batch.done()

    call_command(*sys.argv[1:])


if __name__ == "__main__":
    main()
