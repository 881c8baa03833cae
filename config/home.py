"""The home page: what runs, what waits for me, what happened, and whether the engine keeps up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Min, Q
from django.db.models.functions import TruncDate
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.activity import latest, url_of
from crm import demo_workflows
from crm.models import Task
from records.models import PendingChange
from records.object_types import object_types
from workflows import drafting
from workflows.models import Delivery, Enrollment, Workflow
from workflows.registries import goals
from workflows.rights.opening import openable

SHOWN = 8
DAYS = 14
#: A change or a due step that has waited longer than this means that no clock process runs.
LATE = timedelta(seconds=30)


def facts(user: Any, now: datetime) -> dict[str, Any]:
    """What the home page shows, as far as the person may see it. The numbers of workflows come after it."""
    may_build = user.has_perm("workflows.add_workflow")
    sees_workflows = user.has_perm("workflows.view_workflow")
    return {
        "goals": [goal for goal in goals.values() if goal.featured] if may_build else [],
        "first_start": may_build and demo_workflows.are_all_there_is(),
        "sees_workflows": sees_workflows,
        "tasks": open_tasks(user) if user.has_perm("crm.view_task") else None,
        "activity": latest(user, SHOWN),
        "health": health(now) if sees_workflows else None,
        "now": now,
    }


def open_tasks(user: Any) -> list[tuple[Task, str]]:
    """The person's open tasks with their pages, the most urgent first."""
    mine = Task.objects.filter(owner=user, status=Task.Status.OPEN, deleted_at=None).order_by("due_at", "id")
    return [(task, url_of(object_types["task"], task.pk)) for task in mine[:SHOWN]]


def start(slug: str, user: Any) -> Workflow:
    """A new draft from a goal of the first start. Raises Http404 and PermissionDenied."""
    if slug not in goals:
        raise Http404(slug)
    if not user.has_perm("workflows.add_workflow"):
        raise PermissionDenied
    definition = goals[slug].definition
    return drafting.create(definition["name"], definition["object"], user, definition)


@dataclass(frozen=True)
class Health:
    """Whether the engine keeps up: one sentence, and what to do if it does not."""

    level: str
    sentence: str
    url: str = ""


def health(now: datetime) -> Health:
    """The oldest thing that should have been done by now, or the deliveries that were given up."""
    change = PendingChange.objects.aggregate(at=Min("at"))["at"]
    due = Enrollment.objects.filter(status=Enrollment.Status.ACTIVE, due_at__lt=now).aggregate(at=Min("due_at"))["at"]
    waiting = min((at for at in (change, due) if at is not None), default=now)
    if now - waiting > LATE:
        sentence = _(
            "Automation is late: the oldest change or step has waited %(time)s. Check that a worker and the clock run."
        )
        return Health("warn", sentence % {"time": timesince(waiting, now)})
    dead = Delivery.objects.filter(state=Delivery.State.DEAD)[:100].count()
    if dead:
        sentence = ngettext(
            "%(count)d delivery was given up. Retry or skip it.",
            "%(count)d deliveries were given up. Retry or skip them.",
            dead,
        ) % {"count": dead}
        return Health("danger", sentence, reverse("admin:workflows_delivery_changelist") + "?state__exact=dead")
    return Health("ok", _("Automation is up to date."))


@dataclass(frozen=True)
class Running:
    """One running workflow with its numbers; `points` draws the sparkline of enrollments by day."""

    workflow: Workflow
    enrolled: int
    active: int
    completed_today: int
    days: list[int]
    points: str


def running(user: Any, now: datetime) -> list[Running]:
    """The workflows that are on, the last changed first, with their numbers."""
    if not user.has_perm("workflows.view_workflow"):
        return []
    workflows = list(openable(Workflow.objects.filter(deleted_at=None, status=Workflow.Status.ON), user)[:SHOWN])
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    counts = numbers(workflows, today)
    by_day = enrolled_by_day(workflows, today)
    days = [today.date() - timedelta(days=DAYS - 1 - i) for i in range(DAYS)]
    found = []
    for workflow in workflows:
        values = [by_day.get((workflow.pk, day), 0) for day in days]
        row = counts.get(workflow.pk, {"enrolled": 0, "active": 0, "completed": 0})
        found.append(Running(workflow, row["enrolled"], row["active"], row["completed"], values, sparkline(values)))
    return found


def numbers(workflows: list[Workflow], today: datetime) -> dict[int, Any]:
    completed = Q(status=Enrollment.Status.COMPLETED, ended_at__gte=today)
    rows = (
        Enrollment.objects.filter(workflow__in=workflows)
        .exclude(status=Enrollment.Status.REFUSED)
        .values("workflow_id")
        .annotate(
            enrolled=Count("id"),
            active=Count("id", filter=Q(status=Enrollment.Status.ACTIVE)),
            completed=Count("id", filter=completed),
        )
    )
    return {row["workflow_id"]: row for row in rows}


def enrolled_by_day(workflows: list[Workflow], today: datetime) -> dict[tuple[int, date], int]:
    since = today - timedelta(days=DAYS - 1)
    rows = (
        Enrollment.objects.filter(workflow__in=workflows, enrolled_at__gte=since)
        .annotate(day=TruncDate("enrolled_at"))
        .values_list("workflow_id", "day")
        .annotate(count=Count("id"))
    )
    return {(workflow, day): count for workflow, day, count in rows}


def sparkline(values: list[int], width: int = 96, height: int = 24) -> str:
    """The points of an SVG polyline through the values, from left to right."""
    top = max(values) or 1
    step = width / (len(values) - 1)
    return " ".join(f"{i * step:.1f},{height - 2 - value / top * (height - 4):.1f}" for i, value in enumerate(values))
