"""What was set aside is tried again until it is done, whatever becomes of it and of everything else meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from crm.models import Contact, Deal
from records.clock import database_now
from records.happening import happen
from records.merging.performing import merge
from records.object_types import object_types
from tests.workflows.intake.test_isolating import LATER, mended, over, raising
from tests.workflows.intake.test_merges import on
from tests.workflows.publishing_deals import inside, live
from tests.workflows.waiting_deals import STAGE, waiting
from workflows.intake import setting_aside
from workflows.intake.dispatching import dispatch
from workflows.models import EventWait, Hindrance, SetAside

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
