"""Indexes for filters on dates are built by a thread of their own, however long that takes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from records import crossings, segments
from records.clock import database_now
from records.models import Segment
from records.object_types import object_types
from workflows.intake import index_building

OLD = {"property": "close_date", "operator": "is_more_than_days_ago", "value": 3}


@pytest.mark.django_db(transaction=True)
def test_an_index_is_built_beside_other_work_and_a_build_that_failed_rests(
    settings: Any, monkeypatch: Any, caplog: Any
) -> None:
    settings.WORKFLOW_BATCH_SECONDS = 60
    apart = index_building.Building()
    monkeypatch.setattr(index_building, "building", apart)
    kind = object_types["deal"]
    made = segments.create({"all": [OLD]}, kind, now=database_now())
    assert index_building.work(database_now()) == 0
    apart.finish()
    assert Segment.objects.get(pk=made.pk).indexed and crossings.unindexed_since(database_now()) is None
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {crossings.index_name(kind, kind.properties()['close_date'])}")

    def full_disk(now: dt.datetime) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr(crossings, "build_indexes", full_disk)
    apart.resting_until = 0.0
    index_building.work(database_now())
    apart.finish()
    assert "An index was not built" in caplog.text
    failed = apart.thread
    index_building.work(database_now())
    assert apart.thread is failed, "not again and again"
