"""Who connected while the database took nothing connects anew and goes on: sessions keep such settings for life."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import InternalError, connection

from crm.models import Deal
from tests.workflows.publishing_deals import BIG, inside, live
from workflows import jobs
from workflows.models import Beat, Hindrance
from workflows.processes.clock import Clock

pytestmark = pytest.mark.django_db(transaction=True)


def refuse_to_write() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")


def test_a_worker_whose_session_is_read_only_gets_another_one() -> None:
    workflow = live(BIG)
    deal = Deal.objects.create(name="a", amount=100)
    refuse_to_write()
    with pytest.raises(InternalError):
        jobs.pump("high")
    jobs.pump("high")
    assert inside(workflow) == [deal.pk] and not Hindrance.objects.exists()


def test_a_clock_whose_session_is_read_only_gets_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    make = clock.rounds.make

    def once(now: dt.datetime) -> None:
        make(now)
        clock.stop()

    monkeypatch.setattr(clock.rounds, "make", once)
    refuse_to_write()
    given_up = threading.Timer(60, clock.stop)
    given_up.start()
    clock.run()
    given_up.cancel()
    assert Beat.objects.filter(name=clock.rounds.name).exists()
