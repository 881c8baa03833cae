"""What a database gets when Headrace starts on it for the first time: tables, an administrator, demo data."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction

from crm import demo, demo_workflows
from records.clock import database_now

ADMIN = "admin"


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time, so that two starting together do not both begin."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7301, 2)")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(7301, 2)")


def prepare(*, with_demo: bool, tell: Callable[[str], None]) -> None:
    """Migrate; in a database without any user, create the administrator and, when wanted, the demo data.

    The administrator and the records come together or not at all, so that a password that was never shown cannot
    lock anybody out. `tell` gets a line for each thing a person should know.
    """
    with alone():
        call_command("migrate", verbosity=0, interactive=False)
        if get_user_model()._default_manager.exists():
            return
        password = secrets.token_urlsafe(12)
        with transaction.atomic():
            admin = get_user_model()._default_manager.create_superuser(ADMIN, f"{ADMIN}@example.com", password)
            records = demo.seed(by=admin, now=database_now()) if with_demo else 0
        tell(f"Sign in as “{ADMIN}” with the password {password} (shown only now).")
        if with_demo:
            running = demo_workflows.start(by=admin, now=database_now())
            tell(f"Added {records} demo records, and {running} workflows that look after them.")
