"""A worker with the mistake the engine avoids: what a batch did and where its records stand, committed apart."""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, os.getcwd())


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.stories.killing import WORKER
    from workflows.engine.moving import Ledger

    write = Ledger.write

    def write_later(ledger: Ledger) -> None:
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
            time.sleep(0.4)
            cursor.execute("BEGIN")
        write(ledger)

    Ledger.write = write_later  # type: ignore[method-assign]
    call_command(*WORKER[1:])


if __name__ == "__main__":
    main()
