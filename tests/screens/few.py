"""Three of everything: the demo's data and one of whatever has a page, cut down or filled up to three."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group

from crm import demo_workflows
from crm.models import (
    BouncedAddress,
    Deal,
    Inbox,
    Sequence,
    SequenceEnrollment,
    SubscriptionType,
    Task,
    TaskQueue,
    User,
)
from records.api.tokens import issue
from records.clock import database_now
from records.lists import keeping as lists
from records.lists import members
from records.models import Access, Association, CustomEventType, ImportRun, PropertyDefinition, Scope
from records.object_types import object_types
from records.property_access.granting import grant
from tests.access.world import World, first
from tests.screens.copying import more
from tests.screens.places import Places
from workflows import drafting
from workflows.drafting import versions
from workflows.lifecycle import publishing
from workflows.models import (
    AIProvider,
    Alert,
    Connection,
    Delivery,
    Notification,
    Schedule,
    ScheduleRun,
    Workflow,
)
from workflows.processes.ticking import tick

THREE = 3
#: What there are not three of because somebody has made them: accounts, what is built in, what follows from the rest.
AS_IT_IS = {
    "records.recordlist",
    "crm.user",
    "crm.pipeline",
    "records.propertyaccess",
    "workflows.enrollment",
    "workflows.auditentry",
}
DAILY = {
    "kind": "schedule", "schedule": {"every": "day", "at": "08:00"},
    "criteria": {"any": [{"all": [{"property": "name", "operator": "is_known"}]}]},
}  # fmt: skip


def fill(boss: User) -> Places:
    """Fill an empty installation; the rows to be photographed."""
    now = database_now()
    world = World(boss)
    keep_few()
    surround(world, boss, now)
    story(world, boss, now)
    level()
    return places(world)


def places(world: World) -> Places:
    rows = {
        "workflows/workflow": world.workflow.pk, "workflows/enrollment": world.enrollment.pk,
        "workflows/webhook": world.webhook.pk, "workflows/delivery": world.delivery.pk,
        "workflows/massenrollment": world.mass.pk, "workflows/massmove": world.moving.pk,
        "records/recordlist": world.list.pk,
        "records/importrun": first(ImportRun), "crm/deal": world.enrollment.record_id,
    }  # fmt: skip
    return Places(rows, {"line": world.line.pk, "step": "raise"})


def keep_few() -> None:
    """Delete all records but three of each type: the first deals, and what belongs to them."""
    deals = list(Deal.objects.order_by("pk").values_list("pk", flat=True)[:THREE])
    for kind in object_types.values():
        linked = Association.objects.filter(from_type="deal", from_id__in=deals, to_type=kind.slug).order_by("to_id")
        first_ones = kind.model._base_manager.order_by("pk").values_list("pk", flat=True)[:THREE]
        near = [*linked.values_list("to_id", flat=True), *first_ones]
        kept = deals if kind.slug == "deal" else list(dict.fromkeys(near))[:THREE]
        kind.model._base_manager.exclude(pk__in=kept).delete()
        for end in ("from", "to"):
            Association.objects.filter(**{f"{end}_type": kind.slug}).exclude(**{f"{end}_id__in": kept}).delete()
    owners = {pk for kind in object_types.values() for pk in kind.model._base_manager.values_list("owner", flat=True)}
    User.objects.filter(is_superuser=False).exclude(pk__in=sorted(filter(None, owners))[:THREE]).delete()


def surround(world: World, boss: User, now: dt.datetime) -> None:
    """What the matrix needs no row of."""
    group = Group.objects.create(name="Sales")
    group.user_set.set(User.objects.filter(is_superuser=False))
    grant(group, object_types["deal"], {"amount": Access.NONE, "stage": Access.VIEW}, by=boss, now=now)
    issue(boss, Scope.values, now=now, name="Website")
    PropertyDefinition.objects.create(object_type="deal", slug="region", label="Region", type="text")
    event = CustomEventType.objects.create(slug="trial_started", label="Trial started", object_type="contact")
    event.properties.create(slug="plan", label="Plan", type="text")
    Inbox.objects.create(slug="support", name="Support")
    TaskQueue.objects.create(slug="calls", name="Calls")
    BouncedAddress.objects.create(address="gone@example.com", reason="No such mailbox", bounced_at=now)
    news = SubscriptionType.objects.filter(channel="email").order_by("pk")[0]
    sequence = Sequence.objects.create(slug="welcome", name="Welcome", subscription=news, owner=boss)
    step = sequence.steps.create(position=0, kind="email", subject="Hello", body="Nice to meet you.")
    sequence.steps.create(position=1, kind="task", days=2, subject="Call back", task_kind="call")
    for contact in object_types["contact"].model._base_manager.order_by("pk")[:THREE]:
        SequenceEnrollment.objects.create(
            sequence=sequence, contact=contact, sender=boss, from_address=boss.email, enrolled_by=boss, step=step,
            due_at=now + dt.timedelta(days=1), enrolled_at=now,
        )  # fmt: skip
    shop = Connection.objects.create(name="Shop", slug="shop", origin="https://shop.example.com")
    AIProvider.objects.create(name="Our model", slug="ours", connection=shop, model="large-1", is_default=True)
    members.add(world.list, Deal.objects.values_list("pk", flat=True), now=now)
    run = ImportRun.objects.order_by("pk")[0]
    run.content, run.file_name, run.total = (
        b"Email,First name\nann@example.com,Ann\nbo@example.com,Bo\n",
        "people.csv",
        2,
    )
    run.save()
    lists.create(object_types["contact"], "Newsletter", now=now)
    Alert.objects.create(rule="deliveries_dead", day=now.date(), first_at=now - dt.timedelta(hours=5), count=3,
                         last_at=now - dt.timedelta(hours=4), detail={"told": True})  # fmt: skip
    for number in range(1, THREE):
        Delivery.objects.create(key=f"{number}:tell:1", kind="mail", enrollment_id=world.enrollment.pk, request={
            "to": ["ann@example.com"], "subject": "Your offer", "body": "Hello Ann"}, state="dead", attempts=5,
            last_error="Connection refused", created_at=now)  # fmt: skip
    Task.objects.create(title="Call Acme", owner=boss, due_at=now - dt.timedelta(days=1))
    Notification.objects.create(user=boss, title="Deal Acme is engaging", body="Call today.", created_at=now)


def story(world: World, boss: User, now: dt.datetime) -> None:
    """Two more workflows, one that watches and one that runs daily; what they do; a version to compare with."""
    for definition in (demo_workflows.SORT_LEADS, daily()):
        workflow = drafting.create(definition["name"], definition["object"], boss, definition=definition)
        publishing.publish(workflow, by=boss, now=now, enroll_existing=True)
    workflow = world.workflow
    versions.keep(workflow, "Before the summer", user=boss, now=now)
    document = {**drafting.draft_of(workflow).definition, "settings": {"metrics": True}}
    change(workflow, document)
    publishing.publish(workflow, by=boss, now=now, enroll_existing=False)
    rev = drafting.draft_of(workflow).rev
    drafting.apply(workflow, {"op": "rename", "name": "Raise and rename"}, rev=rev, user=boss, now=now)
    schedule = Schedule.objects.order_by("pk")[0]
    for days in range(THREE):
        at = now - dt.timedelta(days=days + 1)
        ScheduleRun.objects.create(
            schedule=schedule, at=at, fired_at=at, ended_at=at, state="done", matched=3, enrolled=3
        )
    for _round in range(THREE):
        tick(now)


def daily() -> dict[str, Any]:
    steps = [{"id": "note", "action": "create_note", "params": {"body": "Looked at today."}}]
    return {"format": 1, "object": "deal", "name": "Look at every deal", "trigger": DAILY, "steps": steps}


def change(workflow: Workflow, document: dict[str, Any]) -> None:
    revision = drafting.draft_of(workflow)
    revision.definition = document
    revision.save()


def level() -> None:
    """Three rows of whatever has a list in the admin and fewer: copies, for those that can have any."""
    for model in admin.site._registry:
        label = model._meta.label_lower
        if not model._meta.managed or label in AS_IT_IS:
            continue
        there = model._base_manager.count()
        if 0 < there < THREE:
            more(model, THREE - there, **facts_of(label))


def facts_of(label: str) -> dict[str, Any]:
    """What copies of a model must not share."""
    kept: dict[str, dict[str, Callable[[int], Any]]] = {
        "workflows.aiprovider": {"is_default": lambda number: False},
        "records.propertydefinition": {"slug": lambda number: f"region_{number}"},
        "records.apitoken": {"digest": lambda number: f"{number:064}"},
        "crm.sequenceenrollment": {"status": lambda number: "finished"},
        "workflows.alert": {"day": lambda number: dt.date(2026, 1, 1) - dt.timedelta(days=number)},
    }
    return kept.get(label, {})
