"""Five clocks over a month, and machines with wrong clocks: each thing happens once, when it is due (F-05, F-06)."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from crm.models import Contact, Deal, Task, User
from records.clock import database_now
from tests.reliability import journeys
from tests.reliability.conftest import FULL
from tests.reliability.workers import Nursery
from tests.stories.promises import broken_promises
from tests.workflows.building import make_workflow, step
from workflows import drafting
from workflows.enrollment import enrolling
from workflows.lifecycle import publishing
from workflows.models import Enrollment, StepExecution
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = 30
CLOCKS = 5
HOURS_APART = 2 if FULL else 12


class Clocks:
    """Threads that tick at the same simulated instants, each with a connection of its own."""

    def __init__(self, count: int) -> None:
        self.pool = ThreadPoolExecutor(count)
        self.count = count
        self.gate = threading.Barrier(count)

    def tick(self, now: dt.datetime) -> None:
        def one() -> None:
            self.gate.wait(timeout=60)
            tick(now)

        for future in [self.pool.submit(one) for _clock in range(self.count)]:
            future.result(timeout=120)

    def end(self) -> None:
        def close() -> None:
            self.gate.wait(timeout=60)
            connection.close()

        for future in [self.pool.submit(close) for _clock in range(self.count)]:
            future.result(timeout=60)
        self.pool.shutdown()


@pytest.fixture
def clocks(transactional_db: None) -> Iterator[Clocks]:
    found = Clocks(CLOCKS)
    yield found
    found.end()


def delaying(chance: random.Random, start: dt.datetime) -> dict[int, list[dt.timedelta]]:
    """Twenty workflows of three delays each, with somebody in each; the delays by enrollment."""
    User.objects.create_user("amy", email="amy@example.com")
    delays: dict[int, list[dt.timedelta]] = {}
    for number in range(20):
        amounts = [{"days": chance.randint(0, 7), "hours": chance.randint(1, 30)} for _delay in range(3)]
        steps = []
        for place, amount in enumerate(amounts):
            steps += [
                step(f"wait{place}", "delay", **amount),
                step(f"add{place}", "change_number", property="lead_score", by=1),
            ]
        steps.append(step("mail", "send_internal_email", to=["amy"], subject="{{ contact.email }}", body="!"))
        contact = Contact.objects.create(email=f"c{number}@example.com")
        workflow = make_workflow(steps)
        enrolling.enroll(workflow, [contact.pk], cause={"kind": "manual"}, now=start, manual=True)
        delays[Enrollment.objects.get(workflow=workflow).pk] = [dt.timedelta(**amount) for amount in amounts]
    return delays


def closing_soon(start: dt.datetime) -> list[Deal]:
    """A workflow that deals enter when they close within a week, by time alone; deals that will."""
    boss = User.objects.create_superuser("boss")
    soon = {"property": "close_date", "operator": "is_less_than_days_from_now", "value": 7}
    document = {
        "format": 1, "object": "deal", "trigger": {"kind": "filter", "criteria": {"any": [{"all": [soon]}]}},
        "steps": [step("task", "create_task", title="Close {{ deal.name }}")],
    }  # fmt: skip
    workflow = drafting.create("Closing", "deal", boss, definition=document)
    publishing.publish(workflow, by=boss, now=start, enroll_existing=False)
    return Deal.objects.bulk_create(
        Deal(name=f"D{day}", close_date=(start + dt.timedelta(days=day)).date()) for day in range(9, 34, 3)
    )


@pytest.mark.fault("F-05")
def test_five_clocks_over_thirty_days_do_each_thing_once_when_it_is_due(
    clocks: Clocks, chance: random.Random, note: Callable[..., None]
) -> None:
    start = database_now().replace(minute=0, second=0, microsecond=0)
    delays = delaying(chance, start)
    deals = closing_soon(start)
    instants = [start + dt.timedelta(hours=hours) for hours in range(0, DAYS * 24 + 1, HOURS_APART)]
    for now in instants:
        clocks.tick(now)
    lines = StepExecution.objects.filter(step__startswith="add", outcome="success").order_by("visit")
    found: dict[int, list[dt.datetime]] = {}
    for line in lines:
        found.setdefault(line.enrollment_id, []).append(line.at)
    expected = {pk: occurrences(start, amounts, instants) for pk, amounts in delays.items()}
    late = sum(found.get(pk) != times for pk, times in expected.items())
    tasks = Counter(Task.objects.values_list("title", flat=True))
    note(clocks=CLOCKS, days=DAYS, instants=len(instants), delays=sum(map(len, expected.values())),
         deals_entered_by_time=len(tasks), done_twice_or_at_another_time=late)  # fmt: skip
    assert found == expected
    assert set(Contact.objects.values_list("lead_score", flat=True)) == {3}
    assert tasks == {f"Close {deal.name}": 1 for deal in deals}
    assert Counter(message.subject for message in mail.outbox) == {f"c{n}@example.com": 1 for n in range(20)}
    assert broken_promises() == {}


def occurrences(start: dt.datetime, amounts: Any, instants: list[dt.datetime]) -> list[dt.datetime]:
    """At which tick each delay is over, when each begins at the tick that ended the one before."""
    found, at = [], start
    for amount in amounts:
        at = min(instant for instant in instants if instant >= at + amount)
        found.append(at)
    return found


@pytest.mark.fault("F-06")
def test_workers_whose_clocks_are_wrong_by_hours_or_days_are_never_early_and_never_twice(
    nursery: Nursery, note: Callable[..., None]
) -> None:
    journeys.begin()
    offs = [3_600, -3_600, 86_400, -86_400, 10 * 86_400, -10 * 86_400]
    roles = ["worker", "clock", "pump"]
    for place, off in enumerate(offs):
        nursery.start(roles[place % 3], mistakes=["read_a_wrong_clock"], env={"HEADRACE_CLOCK_OFF": str(off)})
    before = database_now()
    journeys.feed(200)
    wait_for_delay(200)
    after = database_now()
    days = [due - dt.timedelta(days=3) for due in Enrollment.objects.values_list("due_at", flat=True)]
    early = StepExecution.objects.filter(step="wait", outcome="success").count()
    journeys.finish()
    found = journeys.verdict(nursery.mails)
    note(clocks_off_by_seconds=offs, early=early, lost_doubled_or_stuck=len(found))
    assert all(before <= day <= after for day in days)
    assert early == 0
    assert found == []


def wait_for_delay(count: int) -> None:
    """Until everybody waits, and a second longer, in which nobody may go on."""
    end = time.monotonic() + 60
    while Enrollment.objects.filter(status="active", waiting_in="wait").count() < count:
        assert time.monotonic() < end, "STUCK"
        time.sleep(0.05)
    time.sleep(1)
