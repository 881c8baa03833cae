"""What a database gets when Headrace starts on it for the first time: tables, an administrator, demo data."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from crm import demo
from records.clock import database_now

ADMIN = "admin"


@dataclass(frozen=True)
class Prepared:
    """What preparing the database did: the new administrator's password, and how many records are demo data."""

    password: str = ""
    demo_records: int = 0


def prepare(*, with_demo: bool) -> Prepared:
    """Migrate; in a database without any user, create the administrator and, when wanted, the demo data.

    One process at a time (an advisory lock), so that two starting together do not both begin.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7301, 2)")
        try:
            call_command("migrate", verbosity=0, interactive=False)
            if get_user_model()._default_manager.exists():
                return Prepared()
            password = secrets.token_urlsafe(12)
            admin = get_user_model()._default_manager.create_superuser(ADMIN, f"{ADMIN}@example.com", password)
            records = demo.seed(by=admin, now=database_now()) if with_demo else 0
            return Prepared(password, records)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(7301, 2)")
