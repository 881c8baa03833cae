"""How much a workflow would do: far more than it did so far, than a limit lets through, or than people expect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.problems import Problem
from records.seeing import hidden_in
from workflows.definitions.connecting import SENDING
from workflows.definitions.definition import Definition
from workflows.engine import limits
from workflows.reviewing.conditions import Conditions
from workflows.schedules.scheduling import upcoming

#: From so many records, or messages, a number is one to think about; the setting WORKFLOW_REVIEW_VOLUME changes it.
MANY = 10_000
#: So many times more than before are far more; so many days are long.
FAR, LONG = 10, 30
DAY = dt.timedelta(days=1)
A_DAY = 50


def many() -> int:
    return int(getattr(settings, "WORKFLOW_REVIEW_VOLUME", MANY))


def problems(
    conditions: Conditions, matching: int, fresh: int, live: Definition | None, user: Any
) -> Iterator[Problem]:
    """`matching` records meet the trigger, `fresh` of them were never inside; `live` is what is published now."""
    definition, now = conditions.definition, conditions.now
    runs = 1
    if definition.trigger.kind == "schedule":
        runs = sum(1 for instant in upcoming(definition, now, A_DAY) if instant <= now + DAY) or 1
        fresh = matching * runs
    yield from messages(definition, fresh)
    yield from held_back(definition, fresh, daily=definition.trigger.kind == "schedule")
    before = Conditions(live, now).trigger if live is not None and live.object == definition.object else None
    if matching >= many() and before is not None and live is not None and live.trigger.kind == definition.trigger.kind:
        count = matching if hidden_in(user, before) else before.count()
        if matching >= FAR * max(count, 1):
            message = _("%(matching)s records match; with the live version it is %(before)s. Check the trigger.")
            facts = {"matching": f"{matching:,}", "before": f"{count:,}"}
            yield Problem("trigger.criteria", message % facts, severity="warning", code="volume")


def messages(definition: Definition, fresh: int) -> Iterator[Problem]:
    """The messages that would go out, at most: records may leave before, or take another branch."""
    sending = [step for step in definition.walk() if step.action.startswith(SENDING)]
    if sending and fresh * len(sending) >= many():
        message = ngettext(
            "Up to %(messages)s messages would go out: %(records)s records come to %(steps)d step that sends. Set a "
            "limit in the settings, or narrow the trigger.",
            "Up to %(messages)s messages would go out: %(records)s records come to %(steps)d steps that send. Set a "
            "limit in the settings, or narrow the trigger.",
            len(sending),
        )
        facts = {"messages": f"{fresh * len(sending):,}", "records": f"{fresh:,}", "steps": len(sending)}
        yield Problem(sending[0].path, message % facts, severity="warning", code="volume")


def held_back(definition: Definition, fresh: int, *, daily: bool) -> Iterator[Problem]:
    """A limit that lets so few through that the others wait for weeks, or that a schedule outruns."""
    limit = limits.of_workflow(definition)
    if limit is None:
        return
    a_day = limit.count * DAY.total_seconds() / limit.period
    days = fresh / a_day
    if daily and days > 1:
        message = _(
            "The schedule enrolls up to %(records)s records a day, the limit lets %(limit)s through: ever more would "
            "wait. Raise the limit, or narrow the trigger."
        )
        facts = {"records": f"{fresh:,}", "limit": f"{round(a_day):,}"}
        yield Problem("settings.limit", message % facts, severity="warning", code="volume")
    elif not daily and days > LONG:
        message = _(
            "If the records that match now are enrolled, the last of them comes to its first action in about %(days)s "
            "days: the limit lets %(limit)s through a day. Raise it, or narrow the trigger."
        )
        facts = {"days": f"{round(days):,}", "limit": f"{round(a_day):,}"}
        yield Problem("settings.limit", message % facts, severity="warning", code="volume")
