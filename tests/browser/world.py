"""Rows for the tests of screens: people, records, running workflows, and what they have done."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from crm.models import Company, Contact, Deal, Pipeline, Stage, Task, Ticket, User
from records.clock import database_now
from workflows.engine import taking_steps
from workflows.intake import dispatching
from workflows.lifecycle import publishing, switching
from workflows.models import Delivery, Enrollment, Notification, Revision, Workflow

DEFINITION = {
    "format": 1,
    "name": "Call when it gets going",
    "object": "deal",
    "trigger": {
        "kind": "filter",
        "criteria": {
            "any": [
                {
                    "all": [
                        {"property": "stage", "operator": "is_any_of", "value": ["engaging"]},
                        {"property": "amount", "operator": "is_greater_than", "value": 500},
                    ]
                }
            ]
        },
    },
    "steps": [
        {"id": "prob", "action": "edit_record", "params": {"property": "probability", "value": 60}},
        {"id": "wait", "action": "delay", "params": {"days": 2, "hours": 0, "minutes": 0}},
    ],
}


@dataclass
class World:
    """What the screens show; made afresh for each test."""

    ann: User
    deal: Deal
    workflow: Workflow
    enrollment: Enrollment
    delivery: Delivery
    contact: Contact
    ticket: Ticket


def make_world() -> World:
    ann = User.objects.create_superuser("ann", "ann@example.com", "pw", first_name="Ann", last_name="Berg")
    make_stages()
    deals = Deal.objects.bulk_create(
        Deal(name=f"Deal {i}", pipeline="sales", stage="engaging", amount=1000 + i, owner=ann) for i in range(12)
    )
    workflow = published(ann, DEFINITION)
    late = Deal.objects.create(name="Acme renewal", pipeline="sales", stage="prospecting", amount=900, owner=ann)
    Deal.objects.filter(pk=late.pk).update(stage="engaging")
    while dispatching.dispatch(database_now()):
        pass
    while taking_steps.run_due(database_now()):
        pass
    now = database_now()
    contact = Contact.objects.create(email="bo@example.com", first_name="Bo", last_name="Lind", owner=ann)
    Company.objects.create(name="Acme", domain="acme.example", owner=ann)
    ticket = Ticket.objects.create(subject="Printer on fire", status="new", owner=ann)
    Task.objects.create(title="Call Acme", owner=ann, due_at=now - dt.timedelta(days=1))
    Notification.objects.create(user=ann, title="Deal Acme is engaging", body="Call today.", created_at=now)
    delivery = Delivery.objects.create(
        key="1:mail:1", kind="email", request={"to": ["bob@example.com"]}, state=Delivery.State.DEAD, attempts=5,
        last_error="Connection refused", created_at=now,
    )  # fmt: skip
    enrollment = Enrollment.objects.get(workflow=workflow, record_id=late.pk)
    return World(ann, deals[0], workflow, enrollment, delivery, contact, ticket)


def make_stages() -> None:
    pipeline, _created = Pipeline.objects.get_or_create(object_type="deal", slug="sales", defaults={"label": "Sales"})
    for position, slug in enumerate(("prospecting", "engaging", "won", "lost")):
        facts = {"label": slug.capitalize(), "position": position}
        Stage.objects.get_or_create(pipeline=pipeline, slug=slug, defaults=facts)


def published(user: User, document: dict[str, Any]) -> Workflow:
    """A workflow that is on, with the records that matched already enrolled."""
    workflow = Workflow.objects.create(name=document["name"], object_type=document["object"], created_by=user)
    Revision.objects.create(workflow=workflow, number=1, definition=document)
    now = database_now()
    publishing.publish(workflow, by=user, now=now, enroll_existing=True)
    workflow.refresh_from_db()
    if workflow.status != Workflow.Status.ON:
        switching.turn_on(workflow, by=user, now=now)
    return workflow
