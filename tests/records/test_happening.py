"""What happens to records is recorded once, with typed properties, for records that exist."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact
from records.clock import database_now
from records.event_types import event_types, known_event_types
from records.happening import Occurrence, happen
from records.journal import change_source
from records.models import CustomEventProperty, CustomEventType, Event, PendingEvent
from records.problems import DocumentError

pytestmark = pytest.mark.django_db


def contacts(count: int = 1) -> list[int]:
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(count))
    return [contact.pk for contact in made]


def test_an_event_is_kept_with_what_was_told_and_queued():
    (ann,), now = contacts(), database_now()
    with change_source("api", depth=2, token=7):
        happen("page_viewed", "contact", [ann], properties={"url": "example.com/pricing"}, now=now)
    event = Event.objects.get()
    assert (event.event, event.record_id, event.occurred_at) == ("page_viewed", ann, now)
    assert event.properties == {"url": "https://example.com/pricing"}
    assert (event.source, event.depth) == ({"kind": "api", "token": 7}, 2)
    pending = PendingEvent.objects.get()
    assert (pending.event_id, pending.depth, pending.source) == (event.pk, 2, event.source)


def test_an_occurrence_with_an_id_is_recorded_once_per_event_type():
    (ann,), now = contacts(), database_now()
    page = {"url": "example.com"}
    rows = [Occurrence(ann, page, key="a"), Occurrence(ann, page, key="a"), Occurrence(ann, page, key="b")]
    first = happen("page_viewed", "contact", rows, now=now)
    assert (sorted(first.made), first.repeated) == ([0, 2], [1])
    again = happen("page_viewed", "contact", [ann], properties=page, key="a", now=now)
    assert (again.made, again.repeated) == ({}, [0])
    assert happen("cta_viewed", "contact", [ann], properties={"cta": "Buy"}, key="a", now=now).made
    assert Event.objects.count() == 3


def test_one_key_for_many_records_counts_for_each_of_them():
    people, now = contacts(3), database_now()
    for _time in range(2):
        happen("page_viewed", "contact", people, properties={"url": "example.com"}, key="visit", now=now)
    assert Event.objects.count() == 3


def test_what_happens_to_nobody_is_not_recorded():
    (ann, ben), now = contacts(2), database_now()
    Contact.objects.filter(pk=ben).update(deleted_at=now)
    found = happen("page_viewed", "contact", [ann, ben, 10**9], properties={"url": "example.com"}, now=now)
    assert (list(found.made), found.unknown) == ([0], [1, 2])
    assert Event.objects.get().record_id == ann


@pytest.mark.parametrize(
    ("event", "object_type", "properties", "path", "said"),
    [
        ("unheard_of", "contact", {}, "event", "There is no event 'unheard_of'"),
        ("page_viewed", "deal", {}, "event", "does not happen to deals"),
        ("page_viewed", "contact", {}, "properties.url", "is missing"),
        ("page_viewed", "contact", {"url": "not a page"}, "properties.url", "is not a web address"),
        ("page_viewed", "contact", {"url": "example.com", "x": 1}, "properties.x", "is not known here"),
        ("media_played", "contact", {"media": "Tour", "seconds": "long"}, "properties.seconds", "is not a number"),
    ],
)
def test_what_does_not_fit_is_refused_with_path_value_and_remedy(event, object_type, properties, path, said):
    record = Company.objects.create(name="Acme").pk if object_type == "deal" else contacts()[0]
    with pytest.raises(DocumentError) as refused:
        happen(event, object_type, [record], properties=properties, now=database_now())
    (problem,) = refused.value.problems
    assert problem.path == path
    assert said in problem.message
    assert not Event.objects.exists()


def test_the_future_has_not_happened():
    (ann,), now = contacts(), database_now()
    facts = {"properties": {"url": "example.com"}, "now": now}
    with pytest.raises(DocumentError, match="lies in the future"):
        happen("page_viewed", "contact", [ann], occurred_at=now + dt.timedelta(hours=1), **facts)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    with pytest.raises(DocumentError, match="lies before 1970"):
        happen("page_viewed", "contact", [ann], occurred_at=epoch - dt.timedelta(microseconds=1), **facts)
    happen("page_viewed", "contact", [ann], occurred_at=now - dt.timedelta(days=900), **facts)
    assert Event.objects.get().occurred_at < now - dt.timedelta(days=899)


def test_a_thousand_occurrences_take_as_many_statements_as_one():
    people, now, counts = contacts(1_000), database_now(), []
    for ids in (people[:1], people):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            happen("page_viewed", "contact", ids, properties={"url": "example.com"}, now=now)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6
    assert Event.objects.count() == 1_001


@pytest.mark.covers("EVT-27")
def test_a_custom_event_is_recorded_like_a_built_in_one():
    kind = CustomEventType.objects.create(slug="licence_used", label="Licence used", object_type="company")
    CustomEventProperty.objects.create(event_type=kind, slug="seats", label="Seats", type="number", required=True)
    acme, now = Company.objects.create(name="Acme").pk, database_now()
    happen("licence_used", "company", [acme], properties={"seats": "12"}, now=now)
    assert Event.objects.get().properties == {"seats": 12}
    with pytest.raises(DocumentError, match="“Seats” is missing"):
        happen("licence_used", "company", [acme], now=now)
    assert "licence_used" in known_event_types("company")
    assert "licence_used" not in known_event_types("contact")


@pytest.mark.parametrize("slug", sorted(event_types))
def test_every_event_type_has_distinct_typed_properties_and_takes_an_empty_example(slug):
    kind = event_types[slug]
    slugs = [prop.slug for prop in kind.properties]
    assert len(slugs) == len(set(slugs))
    assert all(prop.kind.form_field(prop, label=prop.label) for prop in kind.properties)
    assert str(kind.label)
    assert str(kind.category)
