"""Workflows that nobody can read any more are turned off, each alone, and whoever watches over them is told."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from records.problems import DocumentError
from workflows.health.notifying import TURNED_OFF, url_of, watchers
from workflows.models import AuditEntry, Notification, Workflow

logger = logging.getLogger(__name__)


def turn_off(workflows: Collection[Workflow], error: DocumentError, now: dt.datetime) -> None:
    """Turn off workflows whose documents cannot be read, say why in their audit logs, and tell who watches them.

    Where nobody does, because whoever published one is gone, the super admins are told.
    """
    workflows = list(Workflow.objects.filter(pk__in={one.pk for one in workflows}).exclude(status=Workflow.Status.OFF))
    because = " ".join(str(problem.message) for problem in error.problems)[:500]
    logger.error("A trigger, its criteria or its schedule cannot be read: %s Turned off: %s", because, workflows)
    Workflow.objects.filter(pk__in=[one.pk for one in workflows]).update(status=Workflow.Status.OFF)
    AuditEntry.objects.bulk_create(
        AuditEntry(
            workflow=workflow, action="turned_off", at=now, detail={
                "because": because,
                "changes": [{"at": "status", "before": workflow.status, "after": Workflow.Status.OFF}],
            },
        )
        for workflow in workflows
    )  # fmt: skip
    for workflow in workflows:
        title = _("“%(name)s” was turned off: it cannot be read any more") % {"name": workflow.name}
        body = _("%(because)s Records inside stay. Change it in the editor, publish it, and turn it on again.")
        Notification.objects.bulk_create(
            Notification(
                user=user,
                title=title[:250],
                body=body % {"because": because},
                url=url_of(workflow),
                created_at=now,
                about=TURNED_OFF,
            )
            for user in watchers(workflow)
            or get_user_model()._default_manager.filter(is_superuser=True, is_active=True)
        )
