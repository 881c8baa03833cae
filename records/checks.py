"""System checks of what only the database can answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pgtrigger
from django.core import checks
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from records.journal_triggers import CaptureTrigger, table_exists


def journal_triggers_installed(databases: Iterable[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every journaled table has its triggers, switched on: otherwise changes would go unseen.

    An outdated trigger still captures: a warning. Nothing is said while migrations wait to be applied, because
    `migrate`, which these checks would stop, installs the triggers.
    """
    found: list[checks.CheckMessage] = []
    for database in databases or ():
        if migrations_wait(database):
            continue
        for model, trigger in pgtrigger.registered():
            if not isinstance(trigger, CaptureTrigger) or not table_exists(model._meta.db_table, database):
                continue
            status, enabled = trigger.get_installation_status(model, database)
            place = f"{model._meta.db_table}, {trigger.name}"
            if status == "UNINSTALLED" or not enabled:
                found.append(
                    checks.Error(
                        f"A journal trigger is missing or disabled ({place}): changes of this table are not seen.",
                        hint="Run “python manage.py pgtrigger install” and “python manage.py pgtrigger enable”.",
                        obj=model,
                        id="records.E001",
                    )
                )
            elif status == "OUTDATED":
                found.append(
                    checks.Warning(
                        f"A journal trigger is older than its object type ({place}).",
                        hint="Run “python manage.py pgtrigger install”.",
                        obj=model,
                        id="records.W001",
                    )
                )
    return found


def migrations_wait(database: str) -> bool:
    executor = MigrationExecutor(connections[database])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def connect() -> None:
    checks.register(journal_triggers_installed, checks.Tags.database)
