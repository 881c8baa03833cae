"""What was set aside is tried again until it is done, whatever becomes of it and of everything else meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from crm.models import Contact, Deal
from records.clock import database_now
from records.happening import happen
from records.lists import keeping, members
from records.merging.performing import merge
from records.object_types import object_types
from tests.plans import keeping as keeping_plans
from tests.plans import looked_at
from tests.workflows.intake.test_isolating import LATER, mended, over, raising
from tests.workflows.intake.test_merges import on
from tests.workflows.publishing_deals import inside, live
from tests.workflows.waiting_deals import STAGE, waiting
from workflows.intake import setting_aside
from workflows.intake.dispatching import dispatch
from workflows.models import Enrollment, EventWait, Hindrance, SetAside

pytestmark = pytest.mark.django_db


def test_an_event_that_was_set_aside_has_happened_to_what_its_record_was_merged_into() -> None:
    workflow = on({"kind": "event", "events": [{"event": "page_viewed"}]})
    winner, loser = (Contact.objects.create(email=f"{name}@example.com") for name in ("ann", "ben"))
    dispatch(database_now())
    raising("workflows_enrollment", f"NEW.workflow_id = {workflow.pk}")
    now = database_now()
    happen("page_viewed", "contact", [loser.pk], properties={"url": "a.test"}, now=now)
    dispatch(now)
    assert SetAside.objects.get().record_id == loser.pk
    mended("workflows_enrollment")
    merge(object_types["contact"], winner.pk, loser.pk, now=now)
    dispatch(now)
    dispatch(now + LATER)
    assert inside(workflow) == [winner.pk] and not Hindrance.objects.exists()


def test_what_another_version_has_set_aside_stops_nothing_else() -> None:
    workflow = live(over(10))
    now = database_now()
    unreadable = Hindrance.objects.create(kind="merge", error="", since=now, due_at=now)
    SetAside.objects.create(hindrance=unreadable, record_id=1, occurrence={"as": "change", "since_later": 1})
    deal = Deal.objects.create(name="D", amount=50)
    dispatch(now)
    assert inside(workflow) == [deal.pk]
    unreadable.refresh_from_db()
    assert unreadable.due_at > now and "since_later" in unreadable.error and SetAside.objects.exists()


def test_waits_that_are_due_for_a_check_are_checked_while_others_are_set_aside() -> None:
    _workflow, (enrollment,) = waiting(**STAGE)
    Deal.objects.filter(pk=enrollment.record_id).update(stage="won")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM records_pendingchange")
    EventWait.objects.update(check_at=database_now())
    now = database_now()
    other = Hindrance.objects.create(kind="waiting", error="", since=now, due_at=now + LATER)
    SetAside.objects.create(hindrance=other, record_id=enrollment.record_id + 1, occurrence={"as": "change"})
    dispatch(now)
    assert EventWait.objects.get().happened_at is not None


@pytest.mark.parametrize("words", ["a\0b", "\udc80", "x" * 900, ""])
def test_whatever_an_error_says_can_be_kept(words: str) -> None:
    kept: Any = Hindrance.objects.create(
        kind="merge", error=setting_aside.words_of(ValueError(words)), since=database_now(), due_at=database_now()
    )
    kept.refresh_from_db()
    assert kept.error.startswith("ValueError: ") and len(kept.error) <= 500


def set_aside_many(count: int) -> Hindrance:
    now = database_now()
    hindrance = Hindrance.objects.create(kind="lookup", error="", since=now, due_at=now)
    SetAside.objects.bulk_create(
        SetAside(hindrance=hindrance, record_id=number, occurrence={"as": "change"}) for number in range(count, 0, -1)
    )
    return hindrance


def test_what_is_set_aside_is_tried_in_turn_and_all_of_it() -> None:
    hindrance = set_aside_many(5 * setting_aside.RECORDS // 2)
    tried = [{row.record_id for row in setting_aside.portion(hindrance)} for _round in range(4)]
    assert [len(some) for some in tried] == [200, 200, 100, 200]
    assert not tried[0] & tried[1] and tried[0] | tried[1] | tried[2] == set(range(1, 501)) and tried[3] == tried[0]


def test_the_rows_of_a_portion_come_in_the_order_in_which_it_happened() -> None:
    rows = setting_aside.portion(set_aside_many(40))
    assert [row.pk for row in rows] == sorted(row.pk for row in rows) and rows[0].record_id == 40


def test_a_portion_looks_at_no_more_rows_when_more_are_set_aside() -> None:
    hindrance, plans = set_aside_many(8_000), list[Any]()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_setaside")
    hindrance.place = 4_000
    with connection.execute_wrapper(keeping_plans(plans, "SELECT")):
        setting_aside.portion(hindrance)
        setting_aside.held()
    assert sum(looked_at(plan, "workflows_setaside") for plan in plans) <= 1_100


def test_whom_a_rows_words_cannot_be_read_of_stands_before_nobody() -> None:
    """The unreadable one is the first of its portion; the next portion has others."""
    hindrance = set_aside_many(setting_aside.RECORDS + 1)
    now = database_now()
    for _round in range(2):
        setting_aside.try_again(now, lambda *_what: None)
        hindrance.refresh_from_db()
        now = hindrance.due_at
    assert hindrance.tries == 3 and hindrance.place == setting_aside.RECORDS + 1


def test_a_merge_that_was_set_aside_takes_along_to_where_the_winner_has_gone_since() -> None:
    workflow = on({"kind": "manual"})
    last, middle, first = (Contact.objects.create(email=f"{name}@example.com") for name in ("ann", "ben", "cid"))
    dispatch(database_now())
    merge(object_types["contact"], middle.pk, first.pk, now=database_now())
    # Somebody enrolled the first one while it was being merged, and nobody could see it.
    Enrollment.objects.create(
        workflow=workflow, revision=workflow.live, record_id=first.pk, status="completed", enrolled_at=database_now()
    )
    raising("workflows_enrollment", "OLD.record_id <> NEW.record_id", when="BEFORE UPDATE")
    dispatch(database_now())
    assert Hindrance.objects.get().kind == "merge"
    mended("workflows_enrollment")
    merge(object_types["contact"], last.pk, middle.pk, now=database_now())
    while dispatch(database_now() + LATER):
        pass
    assert Enrollment.objects.get().record_id == last.pk and not Hindrance.objects.exists()


def test_who_has_left_the_list_and_entered_anew_since_is_not_taken_out_when_it_is_tried_again() -> None:
    away, stays = (Deal.objects.create(name=name) for name in ("away", "stays"))
    listed = keeping.create(object_types["deal"], "Left alone", now=database_now())
    workflow = live(over(10), suppress=[listed.slug], steps=[{"id": "wait", "action": "delay", "params": {"days": 3}}])
    Deal.objects.update(amount=100)
    dispatch(database_now())
    assert inside(workflow) == [away.pk, stays.pk]
    raising("workflows_enrollment", f"NEW.workflow_id = {workflow.pk}", when="BEFORE UPDATE")
    members.add(listed, [away.pk, stays.pk], now=database_now())
    dispatch(database_now())
    assert Hindrance.objects.get().kind == "suppression" and SetAside.objects.count() == 2
    mended("workflows_enrollment")
    members.remove(listed, [away.pk, stays.pk], now=database_now())
    Enrollment.objects.filter(record_id=away.pk).update(status="completed", step="", due_at=None)
    anew = database_now()
    Enrollment.objects.create(
        workflow=workflow, revision=workflow.live, record_id=away.pk, status="active", step="wait", enrolled_at=anew
    )
    while dispatch(database_now() + LATER):
        pass
    assert inside(workflow) == [away.pk] and not Hindrance.objects.exists()


def test_who_was_restored_and_has_entered_since_is_not_taken_out_for_having_been_deleted() -> None:
    gone, back = (Deal.objects.create(name=name) for name in ("gone", "back"))
    workflow = live(over(10), steps=[{"id": "wait", "action": "delay", "params": {"days": 3}}])
    Deal.objects.update(deleted_at=database_now())
    Deal.objects.filter(pk=back.pk).update(deleted_at=None)
    now = database_now()
    for deal in (gone, back):
        Enrollment.objects.create(
            workflow=workflow, revision=workflow.live, record_id=deal.pk, status="active", step="wait", enrolled_at=now
        )
    dispatch(now)
    assert inside(workflow) == [back.pk]
