"""PostgreSQL loses its power, cuts lines, refuses to write, or gives up statements: nothing is lost (F-03, F-11)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction

from crm.models import Contact
from tests.reliability import journeys
from tests.reliability.conftest import FULL
from tests.reliability.servers import Postgres, pointed_at
from tests.reliability.workers import Nursery

pytestmark = pytest.mark.django_db(transaction=True)
POWER_CUTS, CUTTING_SECONDS, TROUBLE_SECONDS, DEADLOCKS = (5, 60, 10, 20) if FULL else (2, 4, 2, 4)
ROLES = ("worker", "worker", "clock", "pump")


@pytest.fixture(scope="module")
def own_postgres(django_db_setup: None) -> Iterator[Postgres]:
    found = Postgres()
    found.migrate()
    yield found
    found.close()


def insist(work: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Do something with the database, again and again while it is away."""
    end = time.monotonic() + seconds
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError):
            assert time.monotonic() < end, "PostgreSQL did not come back."
            connection.close()
            time.sleep(0.1)


@pytest.mark.fault("F-03")
def test_power_cuts_of_postgresql_also_while_it_recovers_lose_nothing(
    own_postgres: Postgres, tmp_path: Path, chance: random.Random, note: Callable[..., None]
) -> None:
    nursery = Nursery(tmp_path, database=own_postgres.url)
    ended = 0
    try:
        with pointed_at(own_postgres.url):
            journeys.begin()
            workers = [nursery.start(role) for role in ROLES]
            for cut in range(POWER_CUTS):
                insist(lambda: journeys.feed(150))
                insist(journeys.hurry)
                time.sleep(chance.uniform(0.2, 1.0))
                own_postgres.cut_power()
                own_postgres.start()
                if cut % 2 == 0:
                    # Again while the engine picks up what the first one left.
                    time.sleep(chance.uniform(0.0, 1.0))
                    own_postgres.cut_power()
                    own_postgres.start()
                ended += nursery.revive(workers)
            cut_lines(chance)
            tail = insist(lambda: journeys.finish(60))
            ended += nursery.revive(workers)
            given_up, uncertain = journeys.try_again(), journeys.send_again()
            journeys.finish()
            found = journeys.verdict(nursery.mails, given_up=given_up)
    finally:
        nursery.close()
    note(power_cuts=POWER_CUTS + (POWER_CUTS + 1) // 2, seconds_of_cut_lines=CUTTING_SECONDS, processes_ended=ended,
         uncertain=uncertain, given_up_after_three_deaths=given_up, repeated_mails=journeys.repeats(nursery.mails),
         seconds_until_done=round(tail, 1), lost_doubled_or_stuck=len(found))  # fmt: skip
    assert found == []
    assert ended == 0, nursery.told()


def cut_lines(chance: random.Random) -> None:
    """Every half second all other connections are terminated."""
    end = time.monotonic() + CUTTING_SECONDS
    while time.monotonic() < end:
        insist(lambda: journeys.feed(chance.randint(5, 20)))
        insist(end_sessions)
        insist(journeys.hurry)
        time.sleep(0.5)


def end_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.fault("F-11")
@pytest.mark.parametrize(
    ("trouble", "setting"),
    [("statements time out after a millisecond", "statement_timeout = '1ms'"),
     ("the database is read-only", "default_transaction_read_only = on")],
)  # fmt: skip
def test_a_database_that_refuses_for_a_while_delays_everything_and_loses_nothing(
    trouble: str, setting: str, nursery: Nursery, note: Callable[..., None]
) -> None:
    journeys.begin()
    workers = [nursery.start(role) for role in ROLES]
    journeys.feed(150)
    name = connection.settings_dict["NAME"]
    ended = 0
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" SET {setting}')
        end_sessions()
        end = time.monotonic() + TROUBLE_SECONDS
        while time.monotonic() < end:
            journeys.feed(5)
            time.sleep(0.2)
            ended += nursery.revive(workers)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" RESET {setting.partition(" ")[0]}')
        end_sessions()

    def supervise() -> None:
        """A process that was starting while the database refused ends a moment later, and is started again."""
        nonlocal ended
        ended += nursery.revive(workers)
        journeys.hurry()

    tail = journeys.finish(check=supervise)
    given_up, uncertain = journeys.try_again(), journeys.send_again()
    journeys.finish(check=supervise)
    found = journeys.verdict(nursery.mails, given_up=given_up)
    told = nursery.log.read_text() if nursery.log.exists() else ""
    note(trouble=trouble, processes_ended=ended, uncertain=uncertain, given_up_after_three_deaths=given_up,
         seconds_until_done=round(tail, 1), lost_doubled_or_stuck=len(found))  # fmt: skip
    assert found == []
    assert "statement timeout" in told or "read-only" in told, "Nobody said what was wrong."


@pytest.mark.fault("F-11")
def test_deadlocks_with_others_who_change_the_records_lose_nothing(
    nursery: Nursery, chance: random.Random, note: Callable[..., None]
) -> None:
    journeys.begin()
    for role in ROLES:
        nursery.start(role)
    outcomes: list[str] = []
    for _round in range(DEADLOCKS):
        journeys.feed(60)
        rival = threading.Thread(target=change_backwards, args=(chance.random(), outcomes))
        rival.start()
        journeys.hurry()
        rival.join(60)
    journeys.finish()
    found = journeys.verdict(nursery.mails)
    note(rivals=DEADLOCKS, rivals_that_lost=outcomes.count("lost"), lost_doubled_or_stuck=len(found))
    assert found == []
    assert len(outcomes) == DEADLOCKS


def change_backwards(part: float, outcomes: list[str]) -> None:
    """Change records one by one in one transaction, the last one first, which is the wrong way round."""
    try:
        ids = list(Contact.objects.order_by("-pk").values_list("pk", flat=True)[:60])
        with transaction.atomic():
            for pk in ids:
                Contact.objects.filter(pk=pk).update(country=f"{part}")
                time.sleep(0.005 * part)
        outcomes.append("won")
    except OperationalError:
        outcomes.append("lost")
    finally:
        connection.close()
