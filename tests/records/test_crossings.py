"""What time alone does to segments is found by the dates a boundary has gone past (TRG-21)."""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Company, Contact, Deal
from records import criteria, crossings, segments
from records.associations import associate
from records.criteria.dependencies import ClocksChanged, Dependency, Underivable
from records.criteria.operators.periods import PERIODS
from records.criteria.tree import Context, Node
from records.models import Change, Membership, PropertyDefinition, Segment
from records.object_types import object_types

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 6, 10, 12, tzinfo=dt.UTC)
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
#: Records of the test by the clock; 100,000 take some minutes.
MANY = int(os.environ.get("CROSSING_RECORDS", "2000"))


def kept(kind: str, *filters: dict[str, Any], at: dt.datetime = NOON, zone: str = "UTC") -> Segment:
    """A filled segment with its indexes."""
    document = {"any": [{"all": list(filters)}]}
    made = segments.create(document, object_types[kind], now=at, zone=zone)
    segments.fill(made, at)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    crossings.index(made, at)
    return Segment.objects.get(pk=made.pk)


def members(segment: Segment) -> set[int]:
    return set(Membership.objects.filter(segment=segment).values_list("record_id", flat=True))


def from_scratch(segment: Segment, now: dt.datetime) -> set[int]:
    kind = object_types[segment.object_type]
    found = criteria.compile(segment.criteria, kind, now=now, zone=segment.time_zone)
    return set(found.records().values_list("pk", flat=True))


def pass_time(segment: Segment, now: dt.datetime) -> list[int] | None:
    """Follow what time has done until now, as dispatching does; the records that were looked at, None for all."""
    looked_at: list[int] | None = []
    for due, ids in crossings.look(now):
        assert due == segment
        looked_at = ids
        segments.refresh_all(due, now) if ids is None else segments.refresh(due, ids, now)
    segment.refresh_from_db()
    return looked_at


def plans_of(segment: Segment, now: dt.datetime) -> str:
    """How PostgreSQL finds whom time has concerned, when the table is worth an index."""
    group = criteria.compile(segment.criteria, object_types[segment.object_type], now=now, zone=segment.time_zone)
    zone = ZoneInfo(segment.time_zone)
    assert segment.checked_at is not None
    before, after = Context(segment.checked_at, zone), Context(now, zone)
    found = [crossing.ids.explain() for crossing in group.criteria.group.crossed(before, after)]
    return "\n".join(found)


@pytest.mark.covers("TRG-21")
@pytest.mark.parametrize("custom", [False, True], ids=["a column", "a custom property"])
def test_a_relative_date_that_becomes_true_by_the_clock_concerns_only_who_has_crossed_it(custom: bool) -> None:
    """And they are found by an index; with CROSSING_RECORDS=100000 of so many."""
    if custom:
        PropertyDefinition.objects.create(object_type="deal", slug="renewal", label="Renewal", type="date")
    slug = "renewal" if custom else "close_date"
    days = [NOON.date() - dt.timedelta(days=i % 2000) for i in range(MANY)]
    Deal.objects.bulk_create(
        (Deal(name="x", custom={slug: day.isoformat()}) if custom else Deal(name="x", close_date=day)) for day in days
    )
    segment = kept("deal", {"property": slug, "operator": "is_more_than_days_ago", "value": 30})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_deal")
    before = members(segment)

    assert pass_time(segment, NOON + 11 * dt.timedelta(hours=1)) == [], "no midnight has passed"
    assert segment.checked_at == NOON + 11 * dt.timedelta(hours=1)
    plan = plans_of(segment, NOON + DAY)
    assert "Seq Scan" not in plan and "clock_" in plan, plan
    looked_at = pass_time(segment, NOON + DAY)
    joined = members(segment) - before
    assert joined == from_scratch(segment, NOON + DAY) - before
    assert 0 < len(joined) <= -(-MANY // 2000)
    assert looked_at is not None and len(looked_at) <= 2 * -(-MANY // 2000)


@pytest.mark.covers("TRG-21")
def test_a_moment_some_days_ago_is_followed_minute_by_minute() -> None:
    contacts = Contact.objects.bulk_create(Contact(email=f"{i}@example.org") for i in range(120))
    for i, contact in enumerate(contacts):
        Contact.objects.filter(pk=contact.pk).update(created_at=NOON - 2 * DAY + i * MINUTE)
    hours = {"relative_to": "now", "offset": -48, "unit": "hours"}
    segment = kept("contact", {"property": "created_at", "operator": "is_before", "value": hours})
    assert members(segment) == set()
    looked_at = pass_time(segment, NOON + 5 * MINUTE)
    assert looked_at == [contact.pk for contact in contacts[:6]], "both ends of the range"
    assert members(segment) == {contact.pk for contact in contacts[:5]}


@pytest.mark.covers("TRG-21")
@pytest.mark.parametrize("zone", ["Europe/Stockholm", "America/Sao_Paulo", "Pacific/Auckland"])
def test_days_begin_at_midnight_of_the_zone(zone: str) -> None:
    midnight = dt.datetime(2026, 6, 11, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    deal = Deal.objects.create(name="x", close_date=dt.date(2026, 6, 5))
    filters = {"property": "close_date", "operator": "is_more_than_days_ago", "value": 5}
    segment = kept("deal", filters, at=midnight - dt.timedelta(hours=2), zone=zone)
    pass_time(segment, midnight - MINUTE)
    assert members(segment) == set()
    pass_time(segment, midnight)
    assert members(segment) == {deal.pk}


@pytest.mark.covers("TRG-21")
def test_where_clocks_are_changed_all_records_are_compared_once() -> None:
    zone = "Europe/Stockholm"
    change = dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC)
    Deal.objects.create(name="x", close_date=dt.date(2026, 10, 24))
    filters = {"property": "close_date", "operator": "is_less_than_days_ago", "value": 1}
    segment = kept("deal", filters, at=change - 10 * MINUTE, zone=zone)
    with pytest.raises(ClocksChanged):
        crossings.crossed(segment, change + MINUTE)
    assert pass_time(segment, change + MINUTE) is None
    assert members(segment) == from_scratch(segment, change + MINUTE)
    assert pass_time(segment, change + 10 * MINUTE) == []


@pytest.mark.covers("TRG-21")
def test_dates_of_associated_records_are_followed_to_those_they_belong_to() -> None:
    companies = Company.objects.bulk_create(Company(name=str(i)) for i in range(4))
    deals = Deal.objects.bulk_create(
        Deal(name=str(i), close_date=NOON.date() - dt.timedelta(days=28 + i)) for i in range(4)
    )
    associate("company", "deal", [(c.pk, d.pk) for c, d in zip(companies, deals, strict=True)])
    old = {
        "association": "deal",
        "all": [{"property": "close_date", "operator": "is_more_than_days_ago", "value": 30}],
    }
    segment = kept("company", old)
    assert members(segment) == {companies[3].pk}
    assert pass_time(segment, NOON + DAY) == [companies[1].pk, companies[2].pk]
    assert members(segment) == {companies[2].pk, companies[3].pk} == from_scratch(segment, NOON + DAY)


@pytest.mark.covers("TRG-21")
def test_when_a_property_last_changed_is_followed_in_the_journal() -> None:
    deals = Deal.objects.bulk_create(Deal(name=str(i), stage="new") for i in range(3))
    for i, deal in enumerate(deals):
        Change.objects.filter(record_id=deal.pk, object_type="deal").update(at=NOON - 7 * DAY + i * DAY + MINUTE)
    quiet = {"property": "stage", "operator": "not_updated_in_last_days", "value": 7}
    segment = kept("deal", quiet)
    assert members(segment) == set()
    assert pass_time(segment, NOON + 5 * MINUTE) == [deals[0].pk]
    assert pass_time(segment, NOON + DAY + 5 * MINUTE) == [deals[1].pk]
    assert members(segment) == {deals[0].pk, deals[1].pk} == from_scratch(segment, NOON + DAY + 5 * MINUTE)


@pytest.mark.covers("TRG-21")
def test_criteria_no_index_can_follow_are_compared_as_a_whole_and_then_rest() -> None:
    class Unknowable(Node):
        path = "all.0"
        time_sensitive = True

        def q(self, context: Context) -> Q:
            return Q()

        def text(self, context: Context) -> str:
            return "it is so"

        def dependencies(self) -> Iterator[Dependency]:
            return iter(())

    context = Context(NOON, ZoneInfo("UTC"))
    with pytest.raises(Underivable):
        list(Unknowable().crossed(context, context))

    Deal.objects.create(name="x", close_date=NOON.date())
    segment = kept("deal", {"property": "close_date", "operator": "is_more_than_days_ago", "value": 30})
    Segment.objects.update(checked_at=None, check_at=None)
    assert pass_time(segment, NOON + DAY) is None
    assert segment.check_at is not None and segment.check_at >= NOON + DAY + MINUTE
    assert segments.due(NOON + DAY + MINUTE / 2) == []


def test_who_read_the_clock_before_somebody_else_looked_answers_for_the_later_instant() -> None:
    deal = Deal.objects.create(name="x", close_date=dt.date(2026, 6, 5))
    filters = {"property": "close_date", "operator": "is_more_than_days_ago", "value": 5}
    midnight = dt.datetime(2026, 6, 11, tzinfo=dt.UTC)
    segment = kept("deal", filters, at=midnight - 5 * MINUTE)
    pass_time(segment, midnight)
    segments.refresh(segment, [deal.pk], midnight - MINUTE)
    assert members(segment) == {deal.pk}


ANCHORS = st.fixed_dictionaries(
    {
        "relative_to": st.sampled_from(["now", "today", "week", "month", "quarter", "year"]),
        "offset": st.integers(-40, 40),
        "unit": st.sampled_from(["months", "weeks", "days", "hours", "minutes"]),
    }
)
DATES = st.sampled_from(["close_date", "created_at", "renewal", "renewed_at"])
FILTERS = st.one_of(
    st.builds(
        lambda prop, operator, value: {"property": prop, "operator": operator, "value": value},
        DATES, st.sampled_from(["is_equal_to", "is_before", "is_after"]), ANCHORS,
    ),
    st.builds(
        lambda prop, operator, value: {"property": prop, "operator": operator, "value": value},
        DATES,
        st.sampled_from([
            "is_less_than_days_ago", "is_more_than_days_ago", "is_less_than_days_from_now",
            "is_more_than_days_from_now",
        ]),
        st.integers(0, 40),
    ),
    st.builds(
        lambda prop, operator, low, high: {"property": prop, "operator": operator, "from": low, "to": high},
        DATES, st.sampled_from(["is_between", "is_not_between"]), ANCHORS, ANCHORS,
    ),
    st.builds(
        lambda prop, value: {"property": prop, "operator": "is_in_calendar_period", "value": value},
        DATES, st.sampled_from(sorted(PERIODS)),
    ),
    st.builds(
        lambda one, other, default: {"property": one, "operator": "is_before_property", "other": other,
                                     "default": default},
        DATES, DATES, ANCHORS,
    ),
)  # fmt: skip


@pytest.mark.covers("TRG-21")
def test_following_the_clock_equals_asking_all_records_anew() -> None:
    """Random criteria, random steps of time, through changes of the clocks: the same members as from scratch."""
    PropertyDefinition.objects.create(object_type="deal", slug="renewal", label="Renewal", type="date")
    PropertyDefinition.objects.create(object_type="deal", slug="renewed_at", label="Renewed", type="datetime")
    start = dt.datetime(2026, 10, 20, 9, 17, tzinfo=dt.UTC)
    chance = random.Random(7)

    def moment() -> dt.datetime:
        return start + dt.timedelta(minutes=chance.randint(-60 * 24 * 45, 60 * 24 * 45))

    made = Deal.objects.bulk_create(
        Deal(
            name="x",
            close_date=moment().date() if i % 5 else None,
            custom={"renewal": moment().date().isoformat(), "renewed_at": moment().isoformat()} if i % 7 else {},
        )
        for i in range(200)
    )
    for deal in made:
        Deal.objects.filter(pk=deal.pk).update(created_at=moment())

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(
        filters=st.lists(FILTERS, min_size=1, max_size=3),
        join=st.sampled_from(["all", "any", "none"]),
        zone=st.sampled_from(["UTC", "Europe/Stockholm", "America/New_York"]),
        steps=st.lists(st.integers(1, 60 * 24 * 3), min_size=1, max_size=4),
    )
    def follow(filters: list[dict[str, Any]], join: str, zone: str, steps: list[int]) -> None:
        now = start
        segment = segments.create({join: filters}, object_types["deal"], now=now, zone=zone)
        segments.fill(segment, now)
        for minutes in steps:
            now += dt.timedelta(minutes=minutes)
            Segment.objects.filter(pk=segment.pk, check_at__gt=now).update(check_at=now)
            pass_time(segment, now)
            assert members(segment) == from_scratch(segment, now)
        segment.delete()

    follow()


def test_indexes_are_built_once_and_never_where_the_model_has_one() -> None:
    segment = kept("contact", {"property": "created_at", "operator": "is_more_than_days_ago", "value": 3})
    kind = object_types["contact"]
    assert segment.indexed
    assert crossings.unindexed_since(NOON) is None
    assert crossings.indexed_expression(kind, kind.properties()["created_at"]) is None
    assert crossings.indexed_expression(kind, kind.properties()["updated_at"]) == '"updated_at"'
    crossings.build(kind, kind.properties()["updated_at"])
    crossings.build(kind, kind.properties()["updated_at"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'clock_%' AND tablename = 'crm_contact'")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_indexes_are_built_in_the_background_without_a_transaction_and_broken_ones_anew() -> None:
    kind = object_types["deal"]
    prop = kind.properties()["close_date"]
    name = crossings.index_name(kind, prop)
    made = segments.create(
        {"all": [{"property": "close_date", "operator": "is_more_than_days_ago", "value": 3}]}, kind, now=NOON
    )
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {name} ON crm_deal (close_date)")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [name])
        assert crossings.unindexed_since(NOON) == NOON
        assert (crossings.build_indexes(NOON), crossings.build_indexes(NOON)) == (1, 0)
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
        assert cursor.fetchone() == (True,)
        cursor.execute(f"DROP INDEX {name}")
    assert crossings.unindexed_since(NOON) is None
    made.refresh_from_db()
    assert made.indexed
