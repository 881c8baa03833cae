"""Segments say exactly who began to match and who no longer does."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from crm.models import Company, Deal
from records import segments
from records.associations import associate, dissociate
from records.clock import database_now
from records.models import Membership, PendingChange, Segment
from records.object_types import object_types
from tests.toy.models import Book, Library

pytestmark = pytest.mark.django_db


def segment_of(kind: str, *filters: dict[str, Any]) -> Segment:
    """A filled segment of records that meet all filters, after which nothing is pending."""
    made = segments.create({"any": [{"all": list(filters)}]}, object_types[kind], now=database_now())
    segments.fill(made, database_now())
    PendingChange.objects.all().delete()
    return made


def follow(segment: Segment) -> tuple[list[int], list[int], list[int]]:
    """Handle what is pending: which records were looked at, joined and left."""
    pending = list(PendingChange.objects.order_by("id"))
    PendingChange.objects.all().delete()
    looked_at = segments.affected(pending).get(segment, [])
    moved = segments.refresh(segment, looked_at, database_now())
    return looked_at, moved.joined, moved.left


def members(segment: Segment) -> set[int]:
    return set(Membership.objects.filter(segment=segment).values_list("record_id", flat=True))


BIG = {"property": "amount", "operator": "is_greater_than", "value": 10}
SOFT = {
    "association": "company",
    "all": [{"property": "industry", "operator": "contains_any_of", "value": ["software"]}],
}


def test_only_changes_of_what_the_criteria_name_are_looked_at():
    deals = Deal.objects.bulk_create([Deal(name="A", amount=5), Deal(name="B", amount=50)])
    segment = segment_of("deal", BIG)
    assert members(segment) == {deals[1].pk}

    Deal.objects.update(stage="won", name="other")
    assert follow(segment) == ([], [], [])
    Deal.objects.filter(pk=deals[0].pk).update(amount=11)
    assert follow(segment) == ([deals[0].pk], [deals[0].pk], [])
    Deal.objects.filter(pk=deals[0].pk).update(amount=12)
    assert follow(segment) == ([deals[0].pk], [], [])
    Deal.objects.filter(pk=deals[1].pk).update(amount=None)
    assert follow(segment) == ([deals[1].pk], [], [deals[1].pk])
    new = Deal.objects.create(name="C", amount=99)
    assert follow(segment) == ([new.pk], [new.pk], [])
    Deal.objects.filter(pk=new.pk).update(deleted_at=timezone.now())
    assert follow(segment) == ([new.pk], [], [new.pk])
    Deal.objects.filter(pk=new.pk).update(deleted_at=None)
    assert follow(segment) == ([new.pk], [new.pk], [])
    assert members(segment) == {deals[0].pk, new.pk}


def test_changes_of_associated_records_and_of_links_are_followed():
    deals = Deal.objects.bulk_create([Deal(name="A"), Deal(name="B")])
    company = Company.objects.create(name="X", industry="steel")
    associate("deal", "company", [(deals[0].pk, company.pk)])
    segment = segment_of("deal", SOFT)

    Company.objects.update(industry="software")
    assert follow(segment) == ([deals[0].pk], [deals[0].pk], [])
    associate("deal", "company", [(deals[1].pk, company.pk)])
    assert follow(segment) == ([deals[1].pk], [deals[1].pk], [])
    dissociate("deal", "company", [(deals[0].pk, company.pk)])
    assert follow(segment) == ([deals[0].pk], [], [deals[0].pk])
    Company.objects.update(deleted_at=timezone.now())
    assert follow(segment) == ([deals[1].pk], [], [deals[1].pk])
    Company.objects.update(deleted_at=None)
    assert follow(segment) == ([deals[1].pk], [deals[1].pk], [])


def test_native_relations_are_followed():
    library = Library.objects.create(name="North")
    book = Book.objects.create(title="A")
    segment = segment_of(
        "book",
        {
            "association": "library",
            "all": [{"property": "name", "operator": "is_equal_to_any_of", "value": ["South"]}],
        },
    )
    Book.objects.update(library=library)
    assert follow(segment) == ([book.pk], [], [])
    Library.objects.update(name="South")
    assert follow(segment) == ([book.pk], [book.pk], [])
    Book.objects.update(library=None)
    assert follow(segment) == ([book.pk], [], [book.pk])


@pytest.mark.covers("TRG-26")
def test_counted_links_are_followed():
    deal = Deal.objects.create(name="A")
    company = Company.objects.create(name="X")
    counted = {"property": "number_of_companies", "operator": "is_greater_than_or_equal_to", "value": 1}
    segment = segment_of("deal", counted)

    associate("deal", "company", [(deal.pk, company.pk)])
    assert follow(segment) == ([deal.pk], [deal.pk], [])
    Company.objects.update(deleted_at=timezone.now())
    assert follow(segment) == ([deal.pk], [], [deal.pk])


@pytest.mark.covers("TRG-21")
def test_time_alone_makes_records_join_and_leave():
    now = database_now()
    deal = Deal.objects.create(name="A", close_date=now.date() - dt.timedelta(days=3))
    segment = segment_of("deal", {"property": "close_date", "operator": "is_more_than_days_ago", "value": 5})
    assert segment.time_sensitive
    assert segments.due(now) == []
    assert segments.due(now + dt.timedelta(minutes=2)) == [segment]

    later = now + dt.timedelta(days=4)
    assert segments.refresh_all(segment, later) == segments.Transitions([deal.pk], [])
    assert segments.refresh_all(segment, later) == segments.Transitions([], [])
    assert segments.refresh_all(segment, now) == segments.Transitions([], [deal.pk])
    assert segments.due(now + dt.timedelta(seconds=30)) == []


def test_filling_takes_the_same_statements_however_many_match(django_assert_max_num_queries):
    Deal.objects.bulk_create(Deal(name=str(i), amount=i) for i in range(500))
    segment = segment_of("deal", BIG)
    with django_assert_max_num_queries(5):
        assert segments.fill(segment, database_now()) == 489
