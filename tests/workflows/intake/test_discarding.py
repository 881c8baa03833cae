"""Changes that concern nobody leave the queue in one statement; all others stay for those they concern."""

from __future__ import annotations

import pytest

from crm.models import Contact, Deal
from records import segments
from records.clock import database_now
from records.models import Membership, PendingChange
from records.object_types import object_types
from workflows.intake import discarding, taking
from workflows.intake.dispatching import dispatch

pytestmark = pytest.mark.django_db


@pytest.fixture
def segment():
    """Contacts in Lund."""
    document = {"any": [{"all": [{"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}]}]}
    return segments.create(document, object_types["contact"], now=database_now())


def left() -> list[tuple[str, str, list[str]]]:
    found = PendingChange.objects.order_by("id").values_list("object_type", "kind", "properties")
    return [(object_type, kind, sorted(properties)) for object_type, kind, properties in found]


def test_what_a_segment_depends_on_stays(segment):
    contact = Contact.objects.create(email="a@example.com")
    deal = Deal.objects.create(name="D", stage="prospecting")
    Contact.objects.filter(pk=contact.pk).update(job_title="CEO")
    Contact.objects.filter(pk=contact.pk).update(city="Lund", job_title="CTO")
    Deal.objects.filter(pk=deal.pk).update(amount=5)

    assert discarding.discard() == 3
    assert left() == [("contact", "created", ["*"]), ("contact", "updated", ["city", "job_title"])]


def test_deletions_stay_whoever_watches():
    deal = Deal.objects.create(name="D", stage="prospecting")
    Deal.objects.filter(pk=deal.pk).update(deleted_at=database_now())

    assert discarding.discard() == 1
    assert [(object_type, kind) for object_type, kind, _properties in left()] == [("deal", "deleted")]


def test_nothing_is_watched_by_a_segment_that_is_not_followed(segment):
    segment.active = False
    segment.save()
    Contact.objects.create(email="a@example.com", city="Lund")

    assert discarding.discard() == 1


def test_what_segments_say_concerns_them_is_never_discarded(segment):
    """The statement and `records.segments.touched` agree on every kind of change."""
    contacts = Contact.objects.bulk_create(Contact(email=f"{n}@example.com") for n in range(3))
    Contact.objects.filter(pk=contacts[0].pk).update(city="Lund")
    Contact.objects.filter(pk=contacts[1].pk).update(phone="1")
    Contact.objects.filter(pk=contacts[2].pk).update(deleted_at=database_now())
    waiting = list(PendingChange.objects.order_by("id"))
    concerned = {change.pk for records in segments.touched(waiting).values() for c in records.values() for change in c}

    discarding.discard()

    kept = set(PendingChange.objects.values_list("pk", flat=True))
    assert concerned <= kept
    assert len(waiting) - len(kept) == 1


def test_a_crowd_is_dispatched_with_few_changes_read_one_by_one(segment):
    contacts = Contact.objects.bulk_create(Contact(email=f"{n}@example.com", city="Lund") for n in range(300))
    dispatch(database_now())
    Contact.objects.update(job_title="CEO")
    Contact.objects.filter(pk=contacts[0].pk).update(city="Malmö")

    assert taking.glance(database_now()) == (True, True)
    assert dispatch(database_now()) == 301
    assert not PendingChange.objects.exists()
    assert Membership.objects.filter(segment=segment).count() == 299
