"""Telling people what is stuck or fails: alerts on the health page, notifications, an error in the log."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Sum
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.health import stuck
from workflows.health.notifying import ERRORS, STUCK, notify
from workflows.health.stuck import Found, Rule
from workflows.models import Alert, Beat, Notification, Outcome, Tally, Workflow

logger = logging.getLogger(__name__)

#: A finding is told once it was seen twice: what is just being done may look stuck for a moment.
SEEN_TWICE = dt.timedelta(seconds=30)
#: How long after it was last seen an alert counts as open.
OPEN = dt.timedelta(minutes=3)
#: Without a clock's sign of life for so long, none runs.
SILENCE = dt.timedelta(seconds=30)
#: More failed steps of a workflow than this in an hour are told.
FAILED_AN_HOUR = 20
HOUR = dt.timedelta(hours=1)
SEEN = """
    INSERT INTO workflows_alert (rule, workflow_id, day, first_at, last_at, count, detail)
    VALUES (%(rule)s, %(workflow)s, %(day)s, %(now)s, %(now)s, %(count)s,
        jsonb_build_object('first', %(ids)s::bigint[]))
    ON CONFLICT (rule, workflow_id, day) DO UPDATE SET last_at = %(now)s, count = EXCLUDED.count,
        detail = workflows_alert.detail || EXCLUDED.detail
    RETURNING id
"""


def watch(now: dt.datetime, rules: Iterable[Rule] | None = None) -> list[Found]:
    """Look for what is stuck, by all rules or some, and tell of it, at most once per rule, workflow and day."""
    found = stuck.find(now, rules)
    ids = [seen(one, now) for one in found]
    for alert in Alert.objects.filter(pk__in=ids, first_at__lte=now - SEEN_TWICE).select_related("workflow__live"):
        tell(alert, now)
    return found


def seen(found: Found, now: dt.datetime) -> int:
    """Keep a finding; the alert's id."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {
            "rule": found.rule.code, "workflow": found.workflow, "day": now.date(), "now": now, "count": found.count,
            "ids": list(found.ids),
        }  # fmt: skip
        cursor.execute(SEEN, facts)
        return int(cursor.fetchone()[0])


def tell(alert: Alert, now: dt.datetime) -> None:
    """Write the error, and notify the super admins and whoever the workflow's settings name; once."""
    with transaction.atomic():
        current = Alert.objects.select_for_update().get(pk=alert.pk)
        if current.detail.get("told"):
            return
        current.detail["told"] = True
        current.save(update_fields=["detail"])
        sentence = stuck.told(alert.rule, alert.count)
        facts = {"rule": alert.rule, "workflow": alert.workflow_id, "count": alert.count, **current.detail}
        logger.error("Stuck: %s", sentence, extra=facts)
        if alert.workflow is None:
            title, url = sentence, url_of_health()
        else:
            title, url = _("“%(workflow)s”: %(what)s") % {"workflow": alert.workflow.name, "what": sentence}, ""
        rule = stuck.RULES.get(alert.rule)
        body = str(rule.remedy) if rule else ""
        admins = get_user_model()._default_manager.filter(is_superuser=True, is_active=True)
        Notification.objects.bulk_create(
            Notification(user=admin, title=title[:250], body=body, url=url or url_of_health(), created_at=now)
            for admin in admins
        )
        if alert.workflow is not None:
            notify(alert.workflow, STUCK, title, body, now=now, always=rule is not None and rule.always)


def tell_failures(now: dt.datetime) -> int:
    """Notify of workflows in which many steps failed within an hour; how many people were told."""
    failed = dict(
        Tally.objects.filter(minute__gt=now - HOUR, outcome=Outcome.FAILED)
        .values_list("workflow_id")
        .annotate(steps=Sum("steps"))
        .filter(steps__gt=FAILED_AN_HOUR)
    )
    told = 0
    for workflow in Workflow.objects.filter(pk__in=failed, deleted_at=None).select_related("live"):
        count = failed[workflow.pk]
        title = ngettext(
            "“%(workflow)s”: %(count)d step failed in an hour",
            "“%(workflow)s”: %(count)d steps failed in an hour",
            count,
        ) % {"workflow": workflow.name, "count": count}
        body = _("Its enrollment history says which steps, for which records, and why.")
        told += notify(workflow, ERRORS, title, body, now=now)
    return told


def beat(name: str, started_at: dt.datetime, now: dt.datetime) -> None:
    """A clock's sign of life; clocks not heard of for a day are forgotten."""
    Beat.objects.update_or_create(
        name=name, defaults={"at": now}, create_defaults={"at": now, "started_at": started_at}
    )
    Beat.objects.filter(at__lt=now - dt.timedelta(days=1)).delete()


def clock_heard_at() -> dt.datetime | None:
    """When the last sign of life of any clock was; None when there was none for a day."""
    return Beat.objects.order_by("-at").values_list("at", flat=True).first()


@dataclass(frozen=True)
class Trouble:
    """What staff should know on every page."""

    #: No clock runs, although a workflow is on.
    silent: bool
    #: How many things are stuck.
    stuck: int

    @property
    def words(self) -> list[str]:
        """In a few words each."""
        told = [_("No clock is running")] if self.silent else []
        if self.stuck:
            told.append(ngettext("%(count)d thing is stuck", "%(count)d things are stuck", self.stuck)
                        % {"count": self.stuck})  # fmt: skip
        return told

    @property
    def sentences(self) -> list[str]:
        """With what to do."""
        told = []
        if self.silent:
            told.append(_("No clock is running: delays, schedules and limits wait. Start `manage.py workflow_clock`."))
        if self.stuck:
            told.append(
                ngettext(
                    "%(count)d thing is stuck: the end of this page says what.",
                    "%(count)d things are stuck: the end of this page says what.",
                    self.stuck,
                )
                % {"count": self.stuck}
            )
        return told


def trouble(now: dt.datetime) -> Trouble:
    """Whether a clock is missing and how much is stuck."""
    heard = clock_heard_at()
    silent = heard is None or now - heard > SILENCE
    running = Workflow.objects.filter(deleted_at=None).exclude(status=Workflow.Status.OFF)
    return Trouble(silent and running.exists(), len(open_alerts(now)))


def open_alerts(now: dt.datetime) -> Sequence[Alert]:
    """What was seen stuck twice, and lately."""
    alerts = Alert.objects.filter(last_at__gt=now - OPEN, detail__told=True).select_related("workflow")
    return list(alerts[:50])


def url_of_health() -> str:
    try:
        return reverse("admin:workflows_alert_changelist")
    except NoReverseMatch:
        return ""
