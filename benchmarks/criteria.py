"""Criteria: one change among many workflows, and the number of records that pass 250 filters."""

from __future__ import annotations

import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from django.contrib.auth import get_user_model
from django.db import connection

from benchmarks.journal import execute
from benchmarks.metering import Spent, spent
from crm.models import Contact
from records import criteria
from records.clock import database_now
from records.criteria import counting
from records.models import PendingChange, PropertyDefinition, Segment, SegmentDependency
from records.object_types import object_types
from workflows import drafting
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Revision, Subscription, Workflow

#: Properties the workflows look at; each looks at one of them, ten times.
PROPERTIES = 200
FILTERS = 10
CHANGES = 40
FLAT_GOAL = 1.25
FIRST_ANSWER_MS, ERROR_GOAL, BY_HAND_GOAL = 100.0, 0.05, 1.5
GROUPS, IN_GROUP = 50, 5
CITIES = ["Lund", "Malmö", "Stockholm", "Uppsala", "Oslo", "Bergen", "Berlin", "Paris", "Rome", "Madrid"]
TITLES = ["Engineer", "Head of sales", "Buyer", "Owner", "Assistant", "Analyst", "Teacher", "Clerk"]
FILL = """
    INSERT INTO crm_contact (email, first_name, last_name, city, country, job_title, lead_score, created_at, custom)
    SELECT 'm' || n || '@example.com', 'F' || mod(n::bigint * 7919, 997), 'L' || mod(n::bigint * 104729, 9973),
        (%(cities)s::text[])[1 + mod(n * 31, 10)], 'C' || mod(n * 17, 40), (%(titles)s::text[])[1 + mod(n * 13, 8)],
        mod(n::bigint * 7907, 1000), '2024-01-01'::timestamptz + mod(n * 7, 1000) * interval '1 day',
        jsonb_build_object('p0', mod(n * 31, 500), 'p1', mod(n * 37, 500))
    FROM generate_series(1, %(rows)s) AS n
"""
Filter = tuple[dict[str, Any], str]
values = itertools.count(2)


def run(sizes: Sequence[int], rows: int, out: TextIO) -> bool:
    """Print what one change and what one count cost; True when the goals are met."""
    PropertyDefinition.objects.bulk_create(
        PropertyDefinition(object_type="contact", slug=f"p{n}", label=f"P{n}", type="number")
        for n in range(PROPERTIES)
    )
    return all([one_change(sizes, out), counts(rows, out)])


def one_change(sizes: Sequence[int], out: TextIO) -> bool:
    """A property of a contact changes: one workflow looks at it, however many there are; then many of them do."""
    contact = Contact.objects.create(email="one@example.com", custom={"p0": 1})
    out.write(f"\nOne change, dispatched ({CHANGES} times, means; each workflow has {FILTERS} filters)\n")
    out.write("workflows  that care  statements  CPU ms  of it Python  wall ms\n")
    first = publish("p0")
    found: dict[int, Spent] = {}
    for size in sorted(sizes):
        made = Workflow.objects.count()
        copy(first, [f"p{1 + number % (PROPERTIES - 3)}" for number in range(made, size)])
        found[size] = told(contact, "p0", size, 1, out)
    plan = candidates_plan(contact)
    for slug, caring in ((f"p{PROPERTIES - 1}", 10), (f"p{PROPERTIES - 2}", 100)):
        copy(first, [slug] * caring)
        told(contact, slug, Workflow.objects.count(), caring, out)
    out.write(plan)
    growth = found[max(sizes)].cpu / found[min(sizes)].cpu
    out.write(f"CPU with {max(sizes):,} workflows against {min(sizes):,}: {growth:.2f}x (goal {FLAT_GOAL:.2f}x)\n")
    return growth <= FLAT_GOAL


def publish(slug: str) -> Workflow:
    """A workflow nobody enters: what is measured is asking, not enrolling."""
    users = get_user_model().objects
    admin = users.filter(username="bench").first() or users.create_superuser("bench")
    filters = [{"property": slug, "operator": "is_greater_than", "value": 10**6 + n} for n in range(FILTERS)]
    definition = {
        "format": 1, "name": slug, "object": "contact", "steps": [{"id": "end", "action": "end", "params": {}}],
        "trigger": {"kind": "filter", "criteria": {"any": [{"all": filters}]}},
    }  # fmt: skip
    workflow = drafting.create(slug, "contact", admin, definition=definition)
    publishing.publish(workflow, by=admin, now=database_now(), enroll_existing=False)
    return Workflow.objects.get(pk=workflow.pk)


def copy(workflow: Workflow, slugs: Sequence[str]) -> None:
    """The same workflow about other properties, with all that publishing has made of it; nobody is a member."""
    subscription = Subscription.objects.get(revision=workflow.live, purpose=Subscription.Purpose.TRIGGER)
    assert workflow.live is not None and subscription.segment is not None
    known = list(SegmentDependency.objects.filter(segment=subscription.segment))
    workflows = Workflow.objects.bulk_create(again(workflow, name=slug, live=None) for slug in slugs)
    revisions = Revision.objects.bulk_create(
        again(workflow.live, workflow=one, definition=about(workflow.live.definition, workflow, one))
        for one in workflows
    )
    for one, revision in zip(workflows, revisions, strict=True):
        one.live = revision
    Workflow.objects.bulk_update(workflows, ["live"], batch_size=500)
    segments = Segment.objects.bulk_create(
        again(subscription.segment, criteria=about(subscription.segment.criteria, workflow, one)) for one in workflows
    )
    SegmentDependency.objects.bulk_create(
        again(one, segment=segment, property=slug if one.property == workflow.name else one.property)
        for slug, segment in zip(slugs, segments, strict=True)
        for one in known
    )
    Subscription.objects.bulk_create(
        again(subscription, revision=revision, segment=segment)
        for revision, segment in zip(revisions, segments, strict=True)
    )
    execute("ANALYZE")


def again(row: Any, **changed: Any) -> Any:
    """A row like another one."""
    fields = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    made = type(row)(**fields)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def about(document: Any, workflow: Workflow, other: Workflow) -> Any:
    """A document that names the other workflow's property, which its name is."""
    return json.loads(json.dumps(document).replace(f'"{workflow.name}"', f'"{other.name}"'))


def told(contact: Contact, slug: str, size: int, caring: int, out: TextIO) -> Spent:
    """What dispatching one change costs, as a line of the table."""
    one_dispatch(contact, slug)
    before = spent()
    for _change in range(CHANGES):
        one_dispatch(contact, slug)
    cost = spent() - before
    statements: list[str] = []
    with connection.execute_wrapper(remembering(statements)):
        one_dispatch(contact, slug)
    each = 1_000 / CHANGES
    out.write(
        f"{size:9,}  {caring:9,}  {len(statements):10}  {cost.cpu * each:6.1f}  {cost.python * each:12.1f}  "
        f"{cost.wall * each:7.1f}\n"
    )
    return cost


def one_dispatch(contact: Contact, slug: str) -> None:
    PendingChange.objects.all().delete()
    Contact.objects.filter(pk=contact.pk).update(custom={slug: next(values)})
    if not dispatch(database_now()):
        raise AssertionError("The change was not dispatched.")


def remembering(statements: list[str]) -> Callable[..., Any]:
    def remember(run_it: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return run_it(sql, params, many, context)

    return remember


def candidates_plan(contact: Contact) -> str:
    """How PostgreSQL finds the workflows that care, as it says itself."""
    plans: list[str] = []

    def explain(run_it: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if 'FROM "records_segmentdependency"' in sql and not plans:
            plans.append("")
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}", params)
                plans[0] = "\n".join(row[0] for row in cursor.fetchall())
        return run_it(sql, params, many, context)

    with connection.execute_wrapper(explain):
        one_dispatch(contact, "p0")
    return f"\nThe workflows that care are found so:\n{plans[0]}\n\n"


def counts(rows: int, out: TextIO) -> bool:
    """250 filters over many contacts: the first answer, the exact one, and the same by hand."""
    execute("ALTER TABLE crm_contact DISABLE TRIGGER USER")
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"cities": CITIES, "titles": TITLES, "rows": rows})
    execute("ALTER TABLE crm_contact ENABLE TRIGGER USER")
    execute("VACUUM ANALYZE crm_contact")
    chance, met = random.Random(7), []
    out.write(
        f"\n{GROUPS * IN_GROUP} filters, any of {GROUPS} groups of {IN_GROUP}, over {rows:,} contacts (medians)\n"
    )
    out.write("properties     first answer ms   says     exact     error   exact ms   by hand ms   x by hand\n")
    for name, kinds in (("columns", COLUMNS), ("JSON too", COLUMNS + JSON)):
        groups = [[chance.choice(kinds)(chance) for _filter in range(IN_GROUP)] for _group in range(GROUPS)]
        document = {"any": [{"all": [document for document, _sql in group]} for group in groups]}
        by_hand = " OR ".join(f"({' AND '.join(sql for _document, sql in group)})" for group in groups)
        met.append(counted(name, document, by_hand, out))
    execute("TRUNCATE crm_contact CASCADE")
    return all(met)


def counted(name: str, document: dict[str, Any], by_hand: str, out: TextIO) -> bool:
    kind = object_types["contact"]

    def compiled() -> criteria.Compiled:
        return criteria.compile(document, kind, now=database_now())

    first_ms, first = timed(lambda: compiled().match_count(), 9)
    exact_ms, exact = timed(lambda: compiled().count(), 3)
    hand_ms, same = timed(lambda: counted_by_hand(by_hand), 3)
    if exact != same:
        raise AssertionError(f"{exact} records by criteria, {same} by hand.")
    error = abs(first.number - exact) / max(exact, 1)
    out.write(
        f"{name:12} {first_ms:17.0f} {first.number:8,}{' ' if first.exact else '~'}{exact:8,} {error:8.1%} "
        f"{exact_ms:10,.0f} {hand_ms:12,.0f} {exact_ms / hand_ms:11.2f}\n"
    )
    return first_ms <= FIRST_ANSWER_MS and error <= ERROR_GOAL and exact_ms <= hand_ms * BY_HAND_GOAL


def counted_by_hand(condition: str) -> int:
    with counting.tuned(counting.EXACT_MS), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM crm_contact WHERE deleted_at IS NULL AND ({condition})")
        return int(cursor.fetchone()[0])


def timed(work: Callable[[], Any], times: int) -> tuple[float, Any]:
    """Milliseconds in the middle, and what came of it."""
    took, found = [], None
    for _time in range(times):
        began = time.perf_counter()
        found = work()
        took.append((time.perf_counter() - began) * 1_000)
    return statistics.median(took), found


def by_city(chance: random.Random) -> Filter:
    chosen = chance.sample(CITIES, 3)
    listed = ", ".join(f"'{city.lower()}'" for city in chosen)
    return {"property": "city", "operator": "is_equal_to_any_of", "value": chosen}, f"lower(city) IN ({listed})"


def by_title(chance: random.Random) -> Filter:
    part = chance.choice(["sale", "er", "ist", "an", "o"])
    document = {"property": "job_title", "operator": "contains_any_of", "value": [part]}
    return document, f"lower(job_title) LIKE '%{part}%'"


def by_score(chance: random.Random) -> Filter:
    low = chance.randint(100, 900)
    return {"property": "lead_score", "operator": "is_greater_than", "value": low}, f"lead_score > {low}"


def by_date(chance: random.Random) -> Filter:
    day = f"202{chance.randint(4, 6)}-{chance.randint(1, 9):02}-15"
    return {"property": "created_at", "operator": "is_before", "value": day}, f"created_at < '{day} 00:00+00'"


def by_country(chance: random.Random) -> Filter:
    country = f"C{chance.randint(0, 39)}"
    document = {"property": "country", "operator": "is_not_equal_to_any_of", "value": [country]}
    return document, f"lower(country) <> '{country.lower()}'"


def by_custom(chance: random.Random) -> Filter:
    slug, low = chance.choice(["p0", "p1"]), chance.randint(50, 450)
    document = {"property": slug, "operator": "is_greater_than", "value": low}
    return document, f"(custom ->> '{slug}')::numeric > {low}"


COLUMNS: list[Callable[[random.Random], Filter]] = [by_city, by_title, by_score, by_date, by_country]
JSON: list[Callable[[random.Random], Filter]] = [by_custom]
