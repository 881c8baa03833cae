"""The one clock: the database's."""

from __future__ import annotations

import datetime as dt

from django.db import connection

#: For criteria of which only sentences, faults or names are wanted: these are the same at any instant, and nobody has
#: to ask what time it is.
ANY_INSTANT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def database_now() -> dt.datetime:
    """The instant it is for the database, aware. Due times and leases are compared with no other clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
