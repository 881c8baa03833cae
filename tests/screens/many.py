"""Very much of everything: tens of thousands of records and of their history, hundreds of what people set up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.apps import apps
from django.contrib import admin

from benchmarks import history_data
from benchmarks.editor import workflow_of
from benchmarks.journal import execute
from crm.models import Company, Contact, Deal, Note, User
from records.associations import associate
from records.clock import database_now
from records.lists import members
from records.models import ImportRun, RecordList, Segment
from records.object_types import object_types
from tests.access.world import first
from tests.screens.copying import ODD, more, name_of
from tests.screens.few import AS_IT_IS, facts_of
from tests.screens.places import Places
from workflows import drafting
from workflows.models import (
    AuditEntry,
    Enrollment,
    Issue,
    Revision,
    StepExecution,
    Workflow,
)

RECORDS, FEWER, ROWS, NEAR, ENROLLMENTS, STEPS = 20_000, 1_000, 300, 250, 20_000, 500
LOADING_SECONDS = 300.0
#: Of which there may only be so many, or which come with something else.
LIMITED = {"workflows.webhook": 7, "workflows.workflow": 0, "records.recordlist": 0, "django_rq.dashboard": 0}
LONG_NAME = (ODD[3] * 3)[:200]


def fill(boss: User, few: Places) -> Places:
    """Fill an installation that has three of everything; the rows to be photographed."""
    now = database_now()
    make_records()
    make_people()
    make_settings(few)
    made = make_history(boss, now)
    make_workflows(boss)
    long = make_long(boss)
    surround(few, now)
    execute("ANALYZE")
    return looked_at(made, few, long)


def looked_at(made: list[Workflow], few: Places, long: Workflow) -> Places:
    """The busiest workflow, one of its enrollments that ended and a line of its log; else what three of each had."""
    busy = made[0]
    Workflow.objects.filter(pk=busy.pk).update(name=LONG_NAME)
    inside = Enrollment.objects.filter(workflow=busy, status=Enrollment.Status.COMPLETED).order_by("pk")[0]
    line = StepExecution.objects.filter(enrollment=inside, step="split")[0]
    rows = {**few.rows, "workflows/workflow": busy.pk, "workflows/enrollment": inside.pk}
    more_places = {**few.more, "line": line.pk, "step": "split", "long": long.pk}
    return replace(few, rows=rows, more=more_places)


def make_records() -> None:
    for kind in object_types.values():
        count = RECORDS if kind.model in (Contact, Company, Deal) else FEWER
        table = kind.model._meta.db_table
        # What would be done about so many changes is not what is looked at.
        execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        facts: dict[str, Any] = {}
        if kind.model is Contact:
            facts = {"email": lambda number: f"person{number}@a-rather-long-domain-name.example.com"}
        more(kind.model, count, **facts)
        execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def make_people() -> None:
    more(
        User, ROWS, of=User.objects.filter(is_superuser=False),
        username=lambda number: f"person{number}", first_name=lambda number: name_of(number)[:150],
    )  # fmt: skip


def make_settings(few: Places) -> None:
    """Hundreds of whatever has a list in the admin."""
    for model in admin.site._registry:
        label = model._meta.label_lower
        known = label in AS_IT_IS or model in {kind.model for kind in object_types.values()}
        if known or not model._meta.managed or not model._base_manager.exists():
            continue
        more(model, LIMITED.get(label, ROWS), **facts_of(label))
    segments = more(Segment, ROWS, of=Segment.objects.filter(pk=first_segment(few)))
    taken = iter(segments)
    more(RecordList, ROWS, segment=lambda number: next(taken))


def first_segment(few: Places) -> int:
    return int(RecordList.objects.values_list("segment", flat=True).get(pk=few.rows["records/recordlist"]))


def make_history(boss: User, now: dt.datetime) -> list[Workflow]:
    made = history_data.load(ENROLLMENTS, now, LOADING_SECONDS)
    Workflow.objects.filter(pk__in=[one.pk for one in made]).update(created_by=boss)
    busy, reasons = made[0], ("does_not_fit", "not_found", "no_permission", "invalid_value", "too_large")
    example = StepExecution.objects.filter(revision_id=busy.live_id, outcome="failed").order_by("-at")[0]
    Issue.objects.bulk_create(
        Issue(
            workflow=made[number % len(made)], step=("number", "second", "note")[number % 3], example=example.pk,
            reason=f"{reasons[number % len(reasons)]}{number // 30 or ''}", last_at=now - dt.timedelta(hours=number),
            first_at=now - dt.timedelta(days=30, hours=number),
        )
        for number in range(ROWS)
    )  # fmt: skip
    return made


def make_workflows(boss: User) -> None:
    """Drafts and live ones, in folders, with the definitions of the first ones."""
    every = Workflow.objects.filter(live__isnull=False).order_by("pk").select_related("live")
    originals = list(every[:3])
    folders = list(apps.get_model("workflows", "Folder").objects.order_by("pk")[:40])
    for number in range(ROWS):
        original = originals[number % len(originals)]
        workflow = Workflow.objects.create(
            name=name_of(number), object_type=original.object_type, created_by=boss,
            description="" if number % 7 else ODD[3], folder=folders[number % len(folders)] if number % 3 else None,
        )  # fmt: skip
        assert original.live is not None
        facts = {"definition": original.live.definition, "uses": original.live.uses, "number": 1}
        revision = Revision.objects.create(workflow=workflow, **facts)
        if number % 2:
            Revision.objects.filter(pk=revision.pk).update(published_at=workflow.created_at, published_by=boss)
            state = ("on", "paused", "off", "on")[number % 4]
            Workflow.objects.filter(pk=workflow.pk).update(live=revision, status=state)


def make_long(boss: User) -> Workflow:
    """A draft of 500 steps, with many problems that its review tells of."""
    document = {**workflow_of(STEPS).document, "trigger": {"kind": "manual"}, "name": ODD[0]}
    return drafting.create(ODD[0], "contact", boss, document)


def surround(few: Places, now: dt.datetime) -> None:
    """Much that hangs on the rows that are photographed."""
    deal = few.rows["crm/deal"]
    notes = [note.pk for note in Note._base_manager.order_by("-pk")[:NEAR]]
    contacts = list(Contact._base_manager.order_by("-pk").values_list("pk", flat=True)[:NEAR])
    own = object_types["deal"]
    associate(own, object_types["note"], [(deal, pk) for pk in notes])
    associate(own, object_types["contact"], [(deal, pk) for pk in contacts])
    associate(object_types["contact"], object_types["note"], [(first(Contact), pk) for pk in notes])
    chosen = RecordList.objects.get(pk=few.rows["records/recordlist"])
    members.add(chosen, Deal.objects.values_list("pk", flat=True)[:10_000], now=now)
    gone: dict[type[Any], Callable[[], Any]] = {Contact: lambda: Contact.objects.order_by("pk")[3:400]}
    for model, rows in gone.items():
        model._base_manager.filter(pk__in=rows().values("pk")).update(deleted_at=now)
    Contact._base_manager.filter(pk=first(Contact)).update(first_name=ODD[1], last_name=ODD[0][:120])
    Deal._base_manager.filter(pk=deal).update(name=LONG_NAME)
    long_names(AuditEntry, ImportRun)


def long_names(*models: type[Any]) -> None:
    """Whatever is called something on a page of its own is called something long."""
    for model in models:
        if any(field.name == "file_name" for field in model._meta.concrete_fields):
            model._base_manager.filter(pk=first(model)).update(file_name=f"{ODD[0]}-{ODD[0]}.csv")
