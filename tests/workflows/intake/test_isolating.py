"""What raises an error while changes are dispatched waits alone: everybody else is seen to, and nothing is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from crm.models import Contact, Deal
from records.clock import database_now
from records.event_types import EventType, event_types
from records.models import Change, Event, Membership, PendingChange, Segment
from tests.workflows.publishing_deals import boss, inside, live
from workflows.health import alerting, stuck
from workflows.intake.deriving import Derived, derivations
from workflows.intake.dispatching import dispatch
from workflows.intake.isolating import MOST_SLOW
from workflows.models import AuditEntry, Enrollment, Hindrance, Notification, SetAside, Subscription, Workflow

pytestmark = pytest.mark.django_db
LATER = dt.timedelta(minutes=11)


def over(amount: int) -> dict[str, Any]:
    return {"property": "amount", "operator": "is_greater_than", "value": amount}


def trigger_of(workflow: Workflow) -> Segment:
    return Subscription.objects.get(revision=workflow.live, purpose="trigger").segment


def raising(table: str, condition: str, *, when: str = "BEFORE INSERT OR UPDATE", constraint: str = "") -> None:
    """Have the database refuse rows of a table, as somebody's own rule would."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""CREATE OR REPLACE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF {condition} THEN PERFORM 1 / 0; END IF; RETURN NEW; END $$;
            CREATE {constraint and "CONSTRAINT"} TRIGGER poison {when} ON {table} {constraint}
                FOR EACH ROW EXECUTE FUNCTION poison()"""
        )


def mended(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER poison ON {table}; DROP FUNCTION poison()")


@pytest.fixture
def deals() -> list[Deal]:
    found = [Deal.objects.create(name=name, amount=0) for name in ("a", "b", "c")]
    PendingChange.objects.all().delete()
    return found


def test_a_workflow_nobody_can_enter_stops_no_other(deals: list[Deal]) -> None:
    """The database refuses each enrollment in one workflow."""
    broken, well = live(over(10)), live(over(20))
    raising("workflows_enrollment", f"NEW.workflow_id = {broken.pk}")
    Deal.objects.update(amount=100)
    now = database_now()
    assert dispatch(now) == 3 and not PendingChange.objects.exists()
    assert inside(well) == [deal.pk for deal in deals] and inside(broken) == []
    hindrance = Hindrance.objects.get()
    assert hindrance.segment == trigger_of(broken) and SetAside.objects.count() == 3
    assert "division by zero" in hindrance.error

    assert dispatch(now) == 0, "it waits before it is tried again"
    assert dispatch(now + LATER) == 3 and inside(broken) == []
    assert Hindrance.objects.get().tries == 2
    mended("workflows_enrollment")
    dispatch(now + 2 * LATER)
    assert inside(broken) == [deal.pk for deal in deals], "nothing was lost"
    assert Enrollment.objects.filter(workflow=broken).first().cause["change"], "and it is known what led to it"
    assert not Hindrance.objects.exists() and not SetAside.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_only_checked_when_a_transaction_ends_stops_nobody_either(deals: list[Deal]) -> None:
    broken, well = live(over(10)), live(over(20))
    deferred = "DEFERRABLE INITIALLY DEFERRED"
    raising("workflows_enrollment", f"NEW.workflow_id = {broken.pk}", when="AFTER INSERT", constraint=deferred)
    try:
        Deal.objects.update(amount=100)
        dispatch(database_now())
        assert len(inside(well)) == 3 and inside(broken) == [] and SetAside.objects.count() == 3
    finally:
        mended("workflows_enrollment")


def test_one_record_a_segment_cannot_look_at_stops_no_other_record(deals: list[Deal]) -> None:
    workflow, well = live(over(10)), live(over(20))
    bad = deals[1].pk
    raising("records_membership", f"NEW.segment_id = {trigger_of(workflow).pk} AND NEW.record_id = {bad}")
    Deal.objects.update(amount=100)
    now = database_now()
    dispatch(now)
    assert inside(workflow) == [deals[0].pk, deals[2].pk] and len(inside(well)) == 3
    assert list(SetAside.objects.values_list("record_id", flat=True)) == [bad]

    Deal.objects.filter(pk=bad).update(amount=200)
    assert dispatch(database_now()) == 1
    assert SetAside.objects.count() == 2, "what happens to it next waits its turn, and nothing is tried in vain"
    mended("records_membership")
    dispatch(now + LATER)
    assert inside(workflow) == [deal.pk for deal in deals]
    assert not Hindrance.objects.exists()


def test_criteria_no_date_is_far_enough_for_turn_off_their_workflow_and_stop_nobody_else(deals: list[Deal]) -> None:
    """What is stored was checked, so this was never accepted; it is refused before the database is asked."""
    broken, well = live(over(10)), live(over(20))
    overflowing = {"all": [{"property": "created_at", "operator": "is_less_than_days_ago", "value": 10**12}]}
    Segment.objects.filter(pk=trigger_of(broken).pk).update(criteria=overflowing)
    Deal.objects.update(amount=100)
    dispatch(database_now())
    broken.refresh_from_db()
    assert len(inside(well)) == 3 and inside(broken) == []
    assert broken.status == "off" and not Hindrance.objects.exists() and not PendingChange.objects.exists()
    entry = AuditEntry.objects.get(workflow=broken, action="turned_off")
    assert "1000000000000" in entry.detail["because"]


def test_time_that_changes_a_segment_stops_nobody_when_that_raises(deals: list[Deal]) -> None:
    soon = {"property": "close_date", "operator": "is_less_than_days_from_now", "value": 1}
    broken, well = live(soon), live(soon, over(-1))
    now = database_now()
    Deal.objects.update(close_date=now.date() + dt.timedelta(days=9))
    dispatch(now)
    raising("records_membership", f"NEW.segment_id = {trigger_of(broken).pk}")
    later = now + dt.timedelta(days=9)
    dispatch(later)
    assert len(inside(well)) == 3 and inside(broken) == []
    mended("records_membership")
    while dispatch(later + LATER):
        pass
    assert len(inside(broken)) == 3 and not Hindrance.objects.exists()


@pytest.fixture
def rules() -> Iterator[list[Any]]:
    before = list(derivations["deal"])
    yield derivations["deal"]
    derivations["deal"][:] = before


def test_a_rule_of_derivation_that_raises_stops_nobody(deals: list[Deal], rules: list[Any]) -> None:
    """The rule cannot read one deal; what follows from the others is recorded, and the change waits."""
    workflow, poison = live(over(10)), {deals[0].pk}

    def met(changes: Sequence[Change]) -> list[Derived]:
        return [
            Derived("custom_code_ran", "deal", change.record_id, {}, f"deal:{change.pk}", change)
            for change in changes
            if 1 / (change.record_id not in poison)
        ]

    rules.append(met)
    happened = Event.objects.filter(key__startswith="derived:deal:")
    event_types["custom_code_ran"] = EventType("custom_code_ran", "Ran", "Test", ("deal",))
    try:
        Deal.objects.update(amount=100)
        now = database_now()
        dispatch(now)
        assert len(inside(workflow)) == 3
        assert set(happened.values_list("record_id", flat=True)) == {deals[1].pk, deals[2].pk}
        hindrance = Hindrance.objects.get()
        assert hindrance.name.endswith("met") and SetAside.objects.get().record_id == deals[0].pk
        poison.clear()
        dispatch(now + LATER)
        assert happened.count() == 3 and not Hindrance.objects.exists(), "each once"
    finally:
        del event_types["custom_code_ran"]


def test_a_part_that_fails_for_everybody_is_not_tried_for_each_new_change() -> None:
    deals = Deal.objects.bulk_create(Deal(name=f"D{number}", amount=0) for number in range(40))
    PendingChange.objects.all().delete()
    broken, well = live(over(10)), live(over(20))
    raising("workflows_enrollment", f"NEW.workflow_id = {broken.pk}")
    Deal.objects.update(amount=100)
    now = database_now()
    dispatch(now)
    assert SetAside.objects.count() == 40 and len(inside(well)) == 40
    new = Deal.objects.create(name="new", amount=50)
    with connection.execute_wrapper(refusing_savepoints):
        dispatch(database_now())
    assert new.pk in inside(well) and SetAside.objects.count() == 41
    mended("workflows_enrollment")
    while dispatch(now + LATER):
        pass
    assert len(inside(broken)) == len(deals) + 1


def refusing_savepoints(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    assert not sql.startswith("ROLLBACK TO"), "nothing has to be tried in vain"
    return execute(sql, params, many, context)


def test_deleted_records_leave_the_others_when_they_cannot_leave_one(deals: list[Deal]) -> None:
    broken, well = live(over(10)), live(over(20))
    Deal.objects.update(amount=100)
    dispatch(database_now())
    raising("workflows_enrollment", f"NEW.workflow_id = {broken.pk}")
    Deal.objects.filter(pk=deals[0].pk).update(deleted_at=database_now())
    now = database_now()
    dispatch(now)
    assert deals[0].pk not in inside(well) and deals[0].pk in inside(broken)
    assert {one.workflow for one in Hindrance.objects.filter(kind="deletion")} == {broken}
    mended("workflows_enrollment")
    dispatch(now + LATER)
    assert deals[0].pk not in inside(broken) and not Hindrance.objects.exists()


def test_an_outage_is_nobodys_fault(deals: list[Deal]) -> None:
    live(over(10))
    Deal.objects.update(amount=100)

    def lost(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO records_membership" in sql:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lost), pytest.raises(OperationalError):
        dispatch(database_now())
    assert PendingChange.objects.count() == 3 and not Hindrance.objects.exists()


def test_a_statement_that_takes_too_long_each_time_stops_nobody_else(deals: list[Deal]) -> None:
    """It is cut short a few times until it is found; nothing new of its part is tried until it was quick again."""
    broken, well = live(over(10)), live(over(20))
    cut: list[str] = []

    def cutting_short(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO workflows_enrollment" in sql and params["workflow"] == broken.pk:
            cut.append(sql)
            sql, params = "DO $$ BEGIN RAISE EXCEPTION 'too slow' USING ERRCODE = 'query_canceled'; END $$", None
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cutting_short):
        Deal.objects.update(amount=100)
        dispatch(database_now())
        assert len(inside(well)) == 3 and SetAside.objects.count() == 3 and len(cut) <= 8
        assert Hindrance.objects.get().slow and Hindrance.objects.get().segment == trigger_of(broken)
        before = len(cut)
        Deal.objects.create(name="new", amount=50)
        dispatch(database_now())
        assert len(cut) == before and len(inside(well)) == 4 and SetAside.objects.count() == 4
    while dispatch(database_now() + LATER):
        pass
    assert len(inside(broken)) == 4 and not Hindrance.objects.exists()


def test_where_everything_takes_too_long_a_round_ends_and_nothing_is_lost(deals: list[Deal]) -> None:
    """As while somebody holds a lock on a table; the search for one part among many would never end."""
    followed = [live(over(10)) for _number in range(12)]
    cut: list[str] = []

    def cutting_short(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO records_membership" in sql:
            cut.append(sql)
            sql, params = "DO $$ BEGIN RAISE EXCEPTION 'too slow' USING ERRCODE = 'query_canceled'; END $$", None
        return execute(sql, params, many, context)

    Deal.objects.update(amount=100)
    with connection.execute_wrapper(cutting_short):
        dispatch(database_now())
    assert len(cut) == 1 + MOST_SLOW and not PendingChange.objects.exists() and SetAside.objects.count() == 36
    while dispatch(database_now() + LATER):
        pass
    assert [len(inside(workflow)) for workflow in followed] == [3] * 12 and not Hindrance.objects.exists()


def test_health_and_alerts_tell_of_it_and_a_button_tries_again(deals: list[Deal], client: Client) -> None:
    broken = live(over(10))
    raising("workflows_enrollment", f"NEW.workflow_id = {broken.pk}")
    Deal.objects.update(amount=100)
    now = database_now()
    dispatch(now)
    client.force_login(boss())
    page = client.get("/admin/workflows/alert/").content.decode()
    assert "Enrolling by the trigger’s filters" in page and "division by zero" in page
    for moment in (now, now + dt.timedelta(minutes=1)):
        [found] = alerting.watch(moment, [stuck.RULES["set_aside"]])
        assert (found.workflow, found.count) == (broken.pk, 3)
    assert Notification.objects.filter(user=boss(), title__contains="An error keeps 3 records or changes").exists()

    mended("workflows_enrollment")
    assert client.post(f"/admin/workflows/alert/{Hindrance.objects.get().pk}/again/").status_code == 302
    dispatch(database_now())
    assert len(inside(broken)) == 3


def test_who_may_not_publish_may_not_try_again(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("reader", is_staff=True))
    assert client.post("/admin/workflows/alert/1/again/").status_code == 403


def test_members_are_those_who_match_also_after_an_error(deals: list[Deal]) -> None:
    """What time or a change has done to a segment behind a savepoint is the same as without one."""
    workflow = live(over(10))
    raising("workflows_enrollment", f"NEW.workflow_id = {workflow.pk}")
    Deal.objects.update(amount=100)
    dispatch(database_now())
    assert not Membership.objects.filter(segment=trigger_of(workflow)).exists(), "they have not joined yet"
    Contact.objects.create(first_name="Somebody")
    dispatch(database_now())
