"""Telling people about a workflow: whom its settings name, about what they want to hear, once a day each (SET-10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.enrollment.enrolling import locked
from workflows.models import AuditEntry, Enrollment, Notification, Workflow

ERRORS, STUCK, JUMP = "errors", "stuck", "enrollment_jump"
#: What somebody may want to hear about.
KINDS = {
    ERRORS: gettext_lazy("Steps that fail"),
    STUCK: gettext_lazy("Records that are stuck"),
    JUMP: gettext_lazy("Many more records enrolled in a day than usual"),
}
#: More than so many enrollments in a day, and so many times the mean of the seven days before, are a jump.
JUMP_COUNT, JUMP_TIMES = 50, 3
DAY = dt.timedelta(days=1)


def wants(workflow: Workflow, kind: str) -> bool:
    """Whether the live revision's settings ask for notifications of a kind."""
    return kind in asked(workflow, "about") and bool(asked(workflow, "users"))


def asked(workflow: Workflow, key: str) -> list[str]:
    if workflow.live is None:
        return []
    return list(((workflow.live.definition.get("settings") or {}).get("notify") or {}).get(key) or [])


def watchers(workflow: Workflow) -> list[Any]:
    """The active users its settings name; where they name nobody, whoever published it."""
    users = get_user_model()._default_manager.filter(is_active=True)
    named = asked(workflow, "users")
    if named:
        return list(users.filter(username__in=named).order_by("pk"))
    publisher = workflow.live.published_by_id if workflow.live else None
    return list(users.filter(pk=publisher)) if publisher else []


def notify(
    workflow: Workflow, kind: str, title: str, body: str, *, now: dt.datetime, url: str = "", always: bool = False
) -> int:
    """Tell those who want to hear about this kind, unless they were told within a day; how many were told.

    `kind` is one of KINDS, `url` where the notification leads, by default to the workflow. `always`: whoever watches
    the workflow is told whether they want to hear about it or not.
    """
    with transaction.atomic():
        current = locked(workflow)
        told = AuditEntry.objects.filter(workflow=current, action="notified", detail__about=kind, at__gt=now - DAY)
        if not (always or wants(current, kind)) or told.exists():
            return 0
        count = tell(current, title, body, now=now, url=url)
        AuditEntry.objects.create(workflow=current, action="notified", detail={"about": kind, "told": count}, at=now)
    return count


def tell(workflow: Workflow, title: str, body: str, *, now: dt.datetime, url: str = "") -> int:
    """Put a notification before everybody who watches the workflow; how many they are."""
    link = url or url_of(workflow)
    made = Notification.objects.bulk_create(
        Notification(user=user, title=title[:250], body=body, url=link, created_at=now) for user in watchers(workflow)
    )
    return len(made)


def url_of(workflow: Workflow) -> str:
    """Where the workflow is opened; "" on a site without the admin."""
    try:
        return reverse("admin:workflow_editor", args=[workflow.pk])
    except NoReverseMatch:
        return ""


def tell_jumps(now: dt.datetime) -> int:
    """Look for jumps in the workflows whose watchers want to hear of them; how many people were told."""
    wanted = Workflow.objects.filter(
        deleted_at=None, status__in=Workflow.OPEN, live__definition__settings__notify__about__contains=[JUMP]
    ).select_related("live")
    return sum(tell_jump(workflow, now) for workflow in wanted)


def tell_jump(workflow: Workflow, now: dt.datetime) -> int:
    today, before = enrolled_lately(workflow, now)
    mean = before / 7
    if today <= JUMP_COUNT or today <= JUMP_TIMES * mean:
        return 0
    title = ngettext(
        "“%(name)s” enrolled %(count)s record in a day", "“%(name)s” enrolled %(count)s records in a day", today
    ) % {"name": workflow.name, "count": f"{today:,}"}
    body = _("In the seven days before they were %(mean)s a day. Look whether the trigger lets in whom it should.")
    return notify(workflow, JUMP, title, body % {"mean": f"{mean:,.0f}"}, now=now)


def enrolled_lately(workflow: Workflow, now: dt.datetime) -> tuple[int, int]:
    """How many records were enrolled in the last 24 hours, and in the seven days before them."""
    found = Enrollment.objects.filter(workflow=workflow, enrolled_at__gt=now - 8 * DAY, enrolled_at__lte=now)
    counts = found.exclude(status=Enrollment.Status.REFUSED).aggregate(
        today=Count("pk", filter=Q(enrolled_at__gt=now - DAY)),
        before=Count("pk", filter=Q(enrolled_at__lte=now - DAY)),
    )
    return counts["today"], counts["before"]
