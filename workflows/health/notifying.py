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

from records.models import Access
from workflows.enrollment.enrolling import locked
from workflows.health import digesting, teams
from workflows.models import AuditEntry, Enrollment, Notification, Workflow
from workflows.rights.opening import access_to

ERRORS, STUCK, JUMP, DROP, TURNED_OFF = "errors", "stuck", "enrollment_jump", "enrollment_drop", "turned_off"
#: What somebody may want to hear about.
KINDS = {
    ERRORS: gettext_lazy("Steps that fail"),
    STUCK: gettext_lazy("Records that are stuck"),
    JUMP: gettext_lazy("Many more records enrolled in a day than usual"),
    DROP: gettext_lazy("Many fewer records enrolled in a day than usual"),
    TURNED_OFF: gettext_lazy("The workflow is turned off"),
}
#: More than so many enrollments in a day, and so many times the mean of the seven days before, are a jump.
JUMP_COUNT, JUMP_TIMES = 50, 3
#: Fewer than a part of the mean of the seven days before are a drop, where that mean says something.
DROP_MEAN, DROP_PART = 20, 3
DAY = dt.timedelta(days=1)


def wants(workflow: Workflow, kind: str) -> bool:
    """Whether the live revision's settings ask for notifications of a kind."""
    return kind in asked(workflow, "about") and bool(asked(workflow, "users") or asked(workflow, "teams"))


def asked(workflow: Workflow, key: str) -> list[str]:
    if workflow.live is None:
        return []
    return list(((workflow.live.definition.get("settings") or {}).get("notify") or {}).get(key) or [])


def watchers(workflow: Workflow) -> list[Any]:
    """The active users its settings name, and of its teams; where none of them is left, whoever published it.

    Where that person is gone, too, super admins are told: somebody has to be. Who may not open the workflow is not
    told of it (PRM-09).
    """
    users = get_user_model()._default_manager.filter(is_active=True)
    named, of_teams = asked(workflow, "users"), teams.members(asked(workflow, "teams"))
    found = users.filter(Q(username__in=named) | Q(pk__in=of_teams)).order_by("pk")
    if not found.exists():
        found = users.filter(pk=(workflow.live and workflow.live.published_by_id) or 0)
    if not found.exists():
        found = users.filter(is_superuser=True).order_by("pk")
    return [one for one in found if access_to(workflow, one) >= Access.VIEW]


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
        count = tell(current, title, body, now=now, url=url, about=kind)
        AuditEntry.objects.create(workflow=current, action="notified", detail={"about": kind, "told": count}, at=now)
    return count


def tell(
    workflow: Workflow, title: str, body: str, *, now: dt.datetime, url: str = "", about: str = TURNED_OFF
) -> int:
    """Put a notification before everybody who watches the workflow, by mail as they wish; how many they are."""
    link = url or url_of(workflow)
    made = Notification.objects.bulk_create(
        Notification(user=user, title=title[:250], body=body, url=link, created_at=now, about=about)
        for user in watchers(workflow)
    )
    digesting.at_once(made, now)
    return len(made)


def tell_turned_off(workflow: Workflow, by: Any, now: dt.datetime) -> int:
    """Tell those who want to hear of it that somebody has turned the workflow off; not who has done it."""
    if not wants(workflow, TURNED_OFF):
        return 0
    title = _("“%(name)s” was turned off by %(who)s") % {"name": workflow.name, "who": by}
    body = _("Nothing new is enrolled. Records inside stay, and their actions are skipped.")
    made = Notification.objects.bulk_create(
        Notification(
            user=user, title=title[:250], body=body, url=url_of(workflow), created_at=now, about=TURNED_OFF
        )
        for user in watchers(workflow) if user.pk != getattr(by, "pk", None)
    )  # fmt: skip
    digesting.at_once(made, now)
    return len(made)


def url_of(workflow: Workflow) -> str:
    """Where the workflow is opened; "" on a site without the admin."""
    try:
        return reverse("admin:workflow_editor", args=[workflow.pk])
    except NoReverseMatch:
        return ""


def tell_jumps(now: dt.datetime) -> int:
    """Look for jumps and drops in the workflows whose watchers want to hear of them; how many people were told."""
    told = 0
    for kind, tell_of in ((JUMP, tell_jump), (DROP, tell_drop)):
        wanted = Workflow.objects.filter(
            deleted_at=None, status__in=Workflow.OPEN, live__definition__settings__notify__about__contains=[kind]
        ).select_related("live")
        told += sum(tell_of(workflow, now) for workflow in wanted)
    return told


def tell_drop(workflow: Workflow, now: dt.datetime) -> int:
    """Of one that has been on, and as it is, for the days that are compared."""
    live = workflow.live
    since = max(at for at in (workflow.turned_on_at, live and live.published_at, now - 9 * DAY) if at)
    today, before = enrolled_lately(workflow, now)
    mean = before / 7
    if since > now - 8 * DAY or mean < DROP_MEAN or today * DROP_PART >= mean:
        return 0
    title = ngettext(
        "“%(name)s” enrolled only %(count)s record in a day", "“%(name)s” enrolled only %(count)s records in a day",
        today,
    ) % {"name": workflow.name, "count": f"{today:,}"}  # fmt: skip
    body = _("In the seven days before they were %(mean)s a day. Look whether what it waits for still happens.")
    return notify(workflow, DROP, title, body % {"mean": f"{mean:,.0f}"}, now=now)


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
