"""One of everything that has an address of its own."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType

from crm import demo
from crm.models import Audience, Deal, Form, Survey, User
from records.clock import database_now
from records.lists import keeping as lists
from records.models import ImportRun
from records.object_types import object_types
from tests.workflows.restricted import RAISE, RENAME
from workflows import drafting
from workflows.discussion import threads
from workflows.lifecycle import publishing
from workflows.models import (
    Delivery,
    Enrollment,
    Folder,
    Issue,
    MassEnrollment,
    MassMove,
    Notification,
    StepExecution,
)
from workflows.registries import goals
from workflows.webhooks import keeping as webhooks

MODEL = re.compile(r"admin/(\w+)/(\w+)/")


class World:
    """The demo's records, a workflow that changes the amount of deals, and what hangs on it."""

    def __init__(self, boss: User) -> None:
        now = database_now()
        demo.seed(by=boss, now=now)
        document: dict[str, Any] = {
            "format": 1, "object": "deal", "name": "Raise", "trigger": {"kind": "manual"}, "steps": [RAISE, RENAME],
        }  # fmt: skip
        self.workflow = drafting.create("Raise", "deal", boss, document)
        publishing.publish(self.workflow, by=boss, now=now, enroll_existing=False)
        threads.begin(self.workflow, "", "Why?", user=boss, now=now)
        self.surround(boss, now)
        plurals = {kind.plural: kind.model for kind in object_types.values()}
        self.by_api = {plural: first(model) for plural, model in plurals.items()}
        self.by_api |= {
            "workflows": self.workflow.pk, "webhooks": self.webhook.pk, "deliveries": self.delivery.pk,
            "enrollments": self.enrollment.pk, "lists": self.list.pk, "surveys": first(Survey),
            "audiences": first(Audience),
        }  # fmt: skip

    def surround(self, boss: User, now: dt.datetime) -> None:
        """Everything else: pages are asked for it, not what it means."""
        self.list = lists.create(object_types["deal"], "Chosen", now=now)
        self.webhook = webhooks.create("Shop orders", "contact")
        self.enrollment = Enrollment.objects.create(
            workflow=self.workflow, revision=self.workflow.live, record_id=first(Deal), enrolled_at=now,
            cause={"kind": "manual"},
        )  # fmt: skip
        self.line = StepExecution.objects.create(
            enrollment=self.enrollment, revision_id=self.enrollment.revision_id, visit=0, step=RAISE["id"],
            action=RAISE["action"], outcome="success", at=now,
        )  # fmt: skip
        self.issue = Issue.objects.create(
            workflow=self.workflow, step=RAISE["id"], reason="", first_at=now, last_at=now, example=self.line.pk
        )
        self.delivery = Delivery.objects.create(
            key="1:tell:0", kind="mail", enrollment_id=self.enrollment.pk, request={}, state="dead", created_at=now
        )
        self.mass = MassEnrollment.objects.create(workflow=self.workflow, created_by=boss)
        self.moving = MassMove.objects.create(workflow=self.workflow, created_by=boss)
        Notification.objects.create(user=boss, title="Hello", created_at=now)
        self.tokens = {
            "hooks": webhooks.token_of(self.webhook),
            "surveys": Survey.objects.create(name="Care", slug="care", kind="effort", delivery="link").token,
            "forms": Form.objects.order_by("pk").values_list("token", flat=True)[0],
        }  # fmt: skip
        Folder.objects.create(name="Sales")
        Audience.objects.create(name="Visitors", slug="visitors")
        ImportRun.objects.create(object_type="contact", file_name="people.csv", content=b"Email\n", created_by=boss)

    def values(self, route: str) -> dict[str, Any]:
        """What stands in the places of an address."""
        model = MODEL.match(route)
        row = self.row(*model.groups()) if model else 0
        if route.startswith("api/v1/"):
            row = self.by_api.get(route.split("/")[2], 0)
        if "/diagnose/" in route or "/enrollment/log/" in route:
            row = self.workflow.pk
        if "/enrollment/issue/" in route:
            row = self.issue.pk
        if "/enrollment/event/" in route:
            row = self.line.pk
        token = self.tokens.get(route.partition("/")[0], self.tokens["forms"])
        return {
            "pk": row, "id": row, "object_id": row, "token": token, "mass": self.mass.pk, "kind": "note",
            "moving": self.moving.pk, "other": "company", "goal": next(iter(goals)), "slug": next(iter(goals)),
            "object_type": "deal", "app_label": "crm", "path": "x",
            "content_type_id": ContentType.objects.get_for_model(Deal).pk, "url": "nowhere/", "queue_index": 0,
            "scheduler_index": 0, "connection_index": 0, "job_id": "x", "result_id": "x", "key": "x",
            "scheduler_name": "x", "cron_job_name": "x", "number": 1, "later": 1,
        }  # fmt: skip

    def row(self, app: str, name: str) -> int:
        own = ("workflow", "enrollment", "webhook", "delivery")
        if app == "workflows" and name in own:
            return int(getattr(self, name).pk)
        model = apps.all_models[app].get(name)
        return first(model) if model and model._meta.managed else 0

    def filled(self, document: Any) -> Any:
        """A document in which "{deal}" stands for the id of one."""
        if isinstance(document, dict):
            return {key: self.filled(value) for key, value in document.items()}
        if isinstance(document, list):
            return [self.filled(one) for one in document]
        if isinstance(document, str) and document.startswith("{"):
            name = document.strip("{}")
            own = {"workflow": self.workflow, "enrollment": self.enrollment}
            return own[name].pk if name in own else first(object_types[name].model)
        return document


def first(model: Any) -> int:
    """The id of the first row; 0 where there is none."""
    found = model._base_manager.order_by("pk").values_list("pk", flat=True).first()
    return found if isinstance(found, int) else 0
