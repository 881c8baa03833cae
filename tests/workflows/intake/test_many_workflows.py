"""One change and many workflows: who cares is found by an index and asked in one statement."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Deal
from records import criteria, refreshing
from records.clock import database_now
from records.models import Membership, PendingChange, Segment, SegmentDependency
from records.object_types import object_types
from tests.workflows.publishing_deals import boss, live
from workflows.intake.dispatching import dispatch
from workflows.models import AuditEntry, Enrollment, Notification, Subscription, Workflow

pytestmark = pytest.mark.django_db


def over(amount: int) -> dict[str, Any]:
    return {"property": "amount", "operator": "is_greater_than", "value": amount}


def named(name: str) -> dict[str, Any]:
    return {"property": "name", "operator": "is_equal_to_any_of", "value": [name]}


def changed(deal: Deal, **values: Any) -> CaptureQueriesContext:
    """Dispatch one change, and nothing before it; the statements it took."""
    PendingChange.objects.all().delete()
    Deal.objects.filter(pk=deal.pk).update(**values)
    with CaptureQueriesContext(connection) as queries:
        assert dispatch(database_now()) > 0
    return queries


def asking(queries: CaptureQueriesContext) -> list[str]:
    return [one["sql"] for one in queries.captured_queries if "INSERT INTO records_membership" in one["sql"]]


def test_all_candidates_are_asked_in_one_statement_and_the_others_cost_none(monkeypatch: Any) -> None:
    """The deal begins to meet half of 30 workflows and leaves none; 20 more look at something else."""
    deal = Deal.objects.create(name="a", amount=0)
    workflows = [live(over(number * 10)) for number in range(30)]
    few = [live(named(f"deal {number}")) for number in range(1)]
    alone = changed(deal, name="deal 7")
    assert len(asking(alone)) == 1
    few += [live(named(f"deal {number}")) for number in range(1, 4)]
    assert len(asking(changed(deal, name="deal 8"))) == 1
    assert len(changed(deal, name="deal 9")) <= len(alone) + 1, "a savepoint at most"

    queries = changed(deal, amount=145)
    assert len(asking(queries)) == 1
    entered = set(Enrollment.objects.filter(record_id=deal.pk).values_list("workflow_id", flat=True))
    assert entered == {workflow.pk for workflow in workflows[:15]}
    changed(deal, amount=25)
    monkeypatch.setattr(refreshing, "TOGETHER", 7)
    assert len(asking(changed(deal, amount=300))) == 5, "so many at a time"
    assert Enrollment.objects.filter(record_id=deal.pk, status="active").count() == 30
    for workflow in [*workflows, *few]:
        follows_its_criteria(workflow)


def follows_its_criteria(workflow: Workflow) -> None:
    segment = Subscription.objects.get(revision=workflow.live, purpose="trigger").segment
    found = criteria.compile(segment.criteria, object_types["deal"], now=database_now(), zone=segment.time_zone)
    members = set(Membership.objects.filter(segment=segment).values_list("record_id", flat=True))
    assert members == set(found.records().values_list("pk", flat=True))


def test_who_cares_is_found_by_an_index() -> None:
    workflow = live(over(10))
    segment = Subscription.objects.get(revision=workflow.live, purpose="trigger").segment
    SegmentDependency.objects.bulk_create(
        SegmentDependency(segment=segment, object_type="deal", property=f"p{number}", path=[])
        for number in range(2_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE records_segmentdependency")
    rows = SegmentDependency.objects.filter(property__in=["amount", "*"], object_type__in=["deal"])
    assert "Index" in rows.explain() and "Seq Scan" not in rows.explain()


def test_criteria_that_cannot_be_read_stop_nobody_else(monkeypatch: Any) -> None:
    deal = Deal.objects.create(name="a", amount=0)
    broken, well, other = live(over(10)), live(over(20)), live(over(30))
    segment = Subscription.objects.get(revision=broken.live, purpose="trigger").segment
    type(segment).objects.filter(pk=segment.pk).update(
        criteria={"all": [{"property": "gone", "operator": "is_known"}]}
    )
    changed(deal, amount=100)
    broken.refresh_from_db()
    assert broken.status == "off"
    told = Notification.objects.get(user=boss())
    assert "was turned off: it cannot be read any more" in told.title and "'gone'" in told.body
    entered = Enrollment.objects.filter(record_id=deal.pk).values_list("workflow_id", flat=True)
    assert set(entered) == {well.pk, other.pk}


GONE = {
    "association": {"all": [{"association": "spaceships", "all": [{"property": "name", "operator": "is_known"}]}]},
    "zone": "Mars/Phobos", "type": "spaceship",
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "named"), [("association", "spaceships"), ("zone", "Mars/Phobos"), ("type", "spaceship")]
)
def test_what_another_version_of_the_software_lacks_stops_nobody_else(what: str, named: str) -> None:
    """A type, an association or a time zone there was when the workflow was published."""
    deal = Deal.objects.create(name="a", amount=0)
    broken, well, other = live(over(10)), live(over(20)), live(over(30))
    segment = Subscription.objects.get(revision=broken.live, purpose="trigger").segment
    kept = Segment.objects.filter(pk=segment.pk)
    if what == "association":
        kept.update(criteria=GONE[what])
        SegmentDependency.objects.filter(segment=segment).update(path=[{"association": "spaceships"}])
    elif what == "zone":
        kept.update(time_zone=GONE[what])
    else:
        kept.update(object_type=GONE[what])
    changed(deal, amount=100)
    broken.refresh_from_db()
    told = AuditEntry.objects.get(workflow=broken, action="turned_off").detail["because"]
    assert broken.status == "off" and named in told
    entered = Enrollment.objects.filter(record_id=deal.pk).values_list("workflow_id", flat=True)
    assert set(entered) == {well.pk, other.pk}
