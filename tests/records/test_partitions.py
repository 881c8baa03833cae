"""Months of the tables that only grow are made ahead, and also where something of them is there already."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from records.clock import database_now
from records.models import Change, Event
from records.partitions import ensure_partitions

pytestmark = pytest.mark.django_db
YEAR = dt.timedelta(days=365)


def lying_in(table: str) -> dict[str, int]:
    """The partitions in which rows lie, with their number."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1")
        return dict(cursor.fetchall())


def happened(at: dt.datetime) -> int:
    one = Event.objects.create(event="page_viewed", object_type="contact", record_id=1, occurred_at=at, received_at=at)
    return one.pk


def test_a_month_of_which_something_was_there_already_is_made_and_has_it() -> None:
    """Something dated far ahead, or a machine that was off for months, must not stop the clock for ever."""
    ahead = database_now().replace(day=15) + 2 * YEAR
    first = happened(ahead)
    Change.objects.create(object_type="contact", record_id=1, kind="updated", at=ahead)
    assert lying_in("records_event") == {"records_event_default": 1}
    for table in ("records_event", "records_change"):
        assert f"{table}_{ahead:%Y_%m}" in ensure_partitions(table, ahead)
        assert lying_in(table) == {f"{table}_{ahead:%Y_%m}": 1}
        assert ensure_partitions(table, ahead) == []
    again = happened(ahead)
    assert list(Event.objects.order_by("pk").values_list("pk", flat=True)) == [first, again]
    assert lying_in("records_event") == {f"records_event_{ahead:%Y_%m}": 2}


def test_what_lies_before_and_behind_the_months_stays_where_it_is() -> None:
    ahead = database_now().replace(day=15) + 2 * YEAR
    for at in (ahead - 60 * dt.timedelta(days=1), ahead, ahead + YEAR):
        happened(at)
    ensure_partitions("records_event", ahead)
    assert lying_in("records_event") == {"records_event_default": 2, f"records_event_{ahead:%Y_%m}": 1}
