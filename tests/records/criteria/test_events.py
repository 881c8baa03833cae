"""Filters on what has happened to a record."""

from __future__ import annotations

import datetime as dt

import pytest

from crm.models import Company, Contact
from records import criteria, segments
from records.associations import associate
from records.clock import database_now
from records.criteria import Dependency
from records.happening import Occurrence, happen
from records.models import Membership, PendingChange, PendingEvent
from records.object_types import object_types
from records.problems import DocumentError
from workflows.intake.dispatching import dispatch

pytestmark = pytest.mark.django_db
VIEWED = {"event": "page_viewed", "operator": "has_occurred"}
PRICING = [{"property": "url", "operator": "contains_any_of", "value": ["pricing"]}]
DAY = dt.timedelta(days=1)


@pytest.fixture
def people() -> dict[str, int]:
    """Ann saw two pages today, Ben one 40 days ago, Cay none."""
    made = {name: Contact.objects.create(email=f"{name}@example.com").pk for name in ("ann", "ben", "cay")}
    now = database_now()
    seen = [
        Occurrence(made["ann"], {"url": "example.com/pricing"}),
        Occurrence(made["ann"], {"url": "example.com/about"}),
        Occurrence(made["ben"], {"url": "example.com/about"}, now - 40 * DAY),
    ]
    happen("page_viewed", "contact", seen, now=now)
    return made


def matching(people: dict[str, int], *filters: dict, join: str = "all", now: dt.datetime | None = None) -> set[str]:
    compiled = criteria.compile({join: list(filters)}, object_types["contact"], now=now or database_now())
    names = {pk: name for name, pk in people.items()}
    return {names[record.pk] for record in compiled.records()}


@pytest.mark.covers("FLT-42", "FLT-40", "FLT-31")
def test_who_did_and_who_did_not(people):
    assert matching(people, VIEWED) == {"ann", "ben"}
    assert matching(people, VIEWED | {"operator": "has_not_occurred"}) == {"cay"}
    assert matching(people, VIEWED | {"where": PRICING}) == {"ann"}
    assert matching(people, VIEWED | {"where": PRICING, "operator": "has_not_occurred"}) == {"ben", "cay"}


@pytest.mark.covers("FLT-43", "FLT-44", "FLT-45", "TRG-10")
def test_one_refinement_prunes_by_time_before_or_counts_after_filtering(people):
    assert matching(people, VIEWED | {"refine": {"within": {"days": 30}}}) == {"ann"}
    assert matching(people, VIEWED | {"refine": {"within": {"days": 41}}}) == {"ann", "ben"}
    assert matching(people, VIEWED | {"refine": {"count": {"at_least": 2}}}) == {"ann"}
    assert matching(people, VIEWED | {"refine": {"count": {"at_most": 1}}}) == {"ben"}
    assert matching(people, VIEWED | {"where": PRICING, "refine": {"count": {"at_least": 2}}}) == set()
    both = {"within": {"days": 3}, "count": {"at_least": 2}}
    with pytest.raises(DocumentError, match="takes one refinement"):
        matching(people, VIEWED | {"refine": both})


@pytest.mark.covers("FLT-43")
def test_days_of_a_refinement_begin_and_end_in_the_zone_of_the_criteria_also_when_clocks_change():
    """In Stockholm the 29th of March 2026 has 23 hours, the 25th of October 25."""
    made = {}
    for name, at in (
        ("before", "2026-03-28T22:59:59"), ("first", "2026-03-28T23:00"), ("last", "2026-03-29T21:59:59"),
        ("after", "2026-03-29T22:00"), ("long", "2026-10-25T22:59:59"), ("over", "2026-10-25T23:00"),
    ):  # fmt: skip
        made[name] = Contact.objects.create(email=f"{name}@example.com").pk
        moment = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
        happen("page_viewed", "contact", [Occurrence(made[name], {"url": "example.com"}, moment)], now=database_now())

    def found(refine: dict, now: str = "2026-12-01T12:00+00:00") -> set[str]:
        document = {"all": [VIEWED | {"refine": refine}]}
        instant = dt.datetime.fromisoformat(now)
        compiled = criteria.compile(document, object_types["contact"], now=instant, zone="Europe/Stockholm")
        return {name for name, pk in made.items() if compiled.records().filter(pk=pk).exists()}

    day = "2026-03-29"
    assert found({"between": {"from": day, "to": day}}) == {"first", "last"}
    assert found({"before": day}) == {"before"}
    assert found({"after": day}) == {"after", "long", "over"}
    assert found({"after": "2026-10-25"}) == {"over"}
    yesterday = {"relative_to": "today", "offset": -1, "unit": "days"}
    assert found({"between": {"from": yesterday, "to": yesterday}}, "2026-03-30T10:00+00:00") == {"first", "last"}
    assert found({"between": {"from": yesterday, "to": yesterday}}, "2026-10-26T10:00+00:00") == {"long"}
    week = {"from": {"relative_to": "today"}, "to": {"relative_to": "today", "offset": 2, "unit": "days"}}
    assert found({"between": week}, "2026-03-28T12:00+00:00") == {"before", "first", "last", "after"}


@pytest.mark.covers("FLT-44")
def test_none_at_all_counts_where_zero_is_asked_for(people):
    def counted(**counts: int) -> set[str]:
        return matching(people, VIEWED | {"refine": {"count": counts}})

    assert counted(at_most=0) == counted(at_least=0, at_most=0) == {"cay"}
    assert counted(at_least=0, at_most=1) == {"ben", "cay"}
    assert counted(at_least=2, at_most=2) == {"ann"}
    about = VIEWED | {"where": PRICING, "refine": {"count": {"at_most": 0}}}
    assert matching(people, about) == {"ben", "cay"}


@pytest.mark.covers("FLT-33")
def test_not_occurred_takes_no_refinement_but_a_group_can_say_it(people):
    recent = {"refine": {"within": {"days": 30}}}
    with pytest.raises(DocumentError, match="takes no refinement"):
        matching(people, VIEWED | recent | {"operator": "has_not_occurred"})
    assert matching(people, VIEWED | recent, join="none") == {"ben", "cay"}


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"event": "unheard_of"}, "all.0.event"),
        ({"event": "workflow_enrolled"}, "all.0.event"),
        ({"operator": "is_known"}, "all.0.operator"),
        ({"operator": ["has_occurred"]}, "all.0.operator"),
        ({"operator": {"has_occurred": 1}}, "all.0.operator"),
        ({"where": {"all": []}}, "all.0.where"),
        ({"where": [{"property": "nope", "operator": "is_known"}]}, "all.0.where.0.property"),
        ({"where": [VIEWED]}, "all.0.where.0.event"),
        ({"refine": {"within": {"days": 0}}}, "all.0.refine.within.days"),
        ({"refine": {"within": 5}}, "all.0.refine.within"),
        ({"refine": {"count": {"at_least": 5, "at_most": 2}}}, "all.0.refine.count.at_most"),
        ({"refine": {"count": {"at_least": 0}}}, "all.0.refine.count.at_least"),
        ({"refine": {"count": {"at_most": -1}}}, "all.0.refine.count.at_most"),
        ({"refine": {"before": "soon"}}, "all.0.refine.before"),
        ({"refine": {"between": {"from": "2026-05-01"}}}, "all.0.refine.between.to"),
        ({"refine": {"between": {"from": "2026-05-02", "to": "2026-05-01"}}}, "all.0.refine.between.to"),
        ({"refine": {"after": {"relative_to": "tomorrow"}}}, "all.0.refine.after"),
        ({"since": 5}, "all.0.since"),
    ],
)
def test_faults_have_a_path(part, path):
    with pytest.raises(DocumentError) as refused:
        criteria.parse({"all": [VIEWED | part]}, object_types["contact"])
    assert [problem.path for problem in refused.value.problems] == [path]


def test_the_sentence_and_the_dependencies_name_the_event():
    where = VIEWED | {"where": PRICING, "refine": {"within": {"days": 7}}}
    compiled = criteria.compile({"all": [where]}, object_types["contact"], now=database_now())
    sentence = "“Page viewed with (Web address contains any of “pricing”)” has occurred in the last 7 days"
    assert compiled.text == sentence
    assert compiled.dependencies.properties == {Dependency("contact", "event:page_viewed")}
    assert compiled.dependencies.time_sensitive


def test_what_happened_to_associated_records_counts(people):
    acme = Company.objects.create(name="Acme")
    associate("company", "contact", [(acme.pk, people["ann"])])
    document = {"all": [{"association": "contact", "all": [VIEWED | {"where": PRICING}]}]}
    compiled = criteria.compile(document, object_types["company"], now=database_now())
    assert [company.name for company in compiled.records()] == ["Acme"]
    assert Dependency("contact", "event:page_viewed", ("contact",)) in compiled.dependencies.properties


@pytest.mark.covers("TRG-21")
def test_a_segment_follows_what_happens_and_time_that_goes_by(people):
    now = database_now()
    document = {"all": [VIEWED | {"refine": {"within": {"days": 7}}}]}
    segment = segments.create(document, object_types["contact"], now=now)
    segments.fill(segment, now)
    PendingChange.objects.all().delete()
    PendingEvent.objects.all().delete()
    assert members(segment, people) == {"ann"}

    happen(
        "page_viewed",
        "contact",
        [people["cay"]],
        properties={"url": "example.com"},
        now=now,
        occurred_at=now - 2 * DAY,
    )
    dispatch(now)
    assert members(segment, people) == {"ann", "cay"}
    dispatch(now + 6 * DAY)
    assert members(segment, people) == {"ann"}
    dispatch(now + 8 * DAY)
    assert members(segment, people) == set()


def members(segment, people) -> set[str]:
    found = set(Membership.objects.filter(segment=segment).values_list("record_id", flat=True))
    return {name for name, pk in people.items() if pk in found}
