"""Reminding people of their open tasks at the time they, or a workflow, asked for (CRM-14)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Min
from django.utils.translation import gettext as _

from crm.links import url_of
from crm.models import Task
from crm.models.activity import TO_REMIND
from records.journal import change_source
from records.object_types import object_types
from workflows.chores import Chore, chores
from workflows.models import Notification

#: Tasks looked at in one transaction.
AT_A_TIME = 500


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when somebody should have been reminded."""
    return Task.objects.filter(TO_REMIND, remind_at__lte=now).aggregate(since=Min("remind_at"))["since"]


def remind(now: dt.datetime) -> int:
    """Remind of the tasks whose time has come, each once; how many, AT_A_TIME at most.

    Of a task that is done or deleted, or that nobody active owns, nobody is reminded.
    """
    with transaction.atomic(), change_source("reminder"):
        due = Task.objects.filter(TO_REMIND, remind_at__lte=now).order_by("remind_at", "pk")
        held = due.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("owner")
        tasks = list(held[:AT_A_TIME])
        Task.objects.filter(pk__in=[task.pk for task in tasks]).update(reminded_at=now)
        Notification.objects.bulk_create(notification(task, now) for task in tasks if wanted(task))
    return len(tasks)


def wanted(task: Task) -> bool:
    still_open = task.status == Task.Status.OPEN and task.deleted_at is None
    return still_open and task.owner is not None and task.owner.is_active


def notification(task: Task, now: dt.datetime) -> Notification:
    return Notification(
        user=task.owner,
        title=(_("Reminder: %(title)s") % {"title": task.title})[:250],
        body=task.body,
        url=url_of(object_types["task"], task.pk),
        object_type="task",
        record_id=task.pk,
        created_at=now,
    )


def register_reminders() -> None:
    """Called once, when the apps are ready."""
    chores.append(Chore(waiting_since, remind))
