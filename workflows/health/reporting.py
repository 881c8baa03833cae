"""What the health page tells: who works, how far each workflow is behind, and what is stuck."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from workflows import doorbell
from workflows.health import alerting, hindrances, measuring, stuck
from workflows.health.measuring import Measured, in_time
from workflows.health.overall import overall
from workflows.models import Alert, Allowance, Beat

PER_PAGE = 25
SHOWN_ALERTS = 20
SHOWN_PROCESSES = 50
#: A workflow that is further behind is marked.
LATE = dt.timedelta(minutes=1)
QUEUES = {"high": gettext_lazy("fresh changes"), "bulk": gettext_lazy("everything else that is due")}


@dataclass(frozen=True)
class Process:
    """One process that was heard of: a clock or a worker."""

    kind: str
    name: str
    does: str
    state: str
    level: str
    since: dt.datetime | None
    heard_at: dt.datetime | None


@dataclass(frozen=True)
class Row:
    """One workflow: its numbers, how late it is, and how many steps it did lately."""

    measured: Measured
    lag: dt.timedelta
    lately: int
    hour: int
    throttled_until: dt.datetime | None

    @property
    def late(self) -> bool:
        return self.lag > LATE and self.throttled_until is None


@dataclass(frozen=True)
class Told:
    """An alert in the reader's language."""

    alert: Alert
    sentence: str
    remedy: str
    open: bool


class Health:
    """Everything the page shows at `now`, the database's time; `page` of the workflows, from 1 on.

    Numbers the database does not give in time are None.
    """

    def __init__(self, now: dt.datetime, page: int = 1) -> None:
        self.now = now
        self.page = max(page, 1)
        self.redis_up = measuring.redis_answers()
        self.clocks = clocks(now)
        self.workers = workers() if self.redis_up else []
        self.queued = queued() if self.redis_up else {}
        self.database = in_time(measuring.database)
        self.overall = in_time(lambda: overall(now))
        self.changes = in_time(measuring.changes)
        self.events = in_time(measuring.events)
        self.deliveries = in_time(measuring.deliveries)
        found = in_time(lambda: measuring.workflows(
            now, running=True, limit=PER_PAGE + 1, offset=(self.page - 1) * PER_PAGE
        ))  # fmt: skip
        self.workflows = None if found is None else rows(found[:PER_PAGE], now)
        self.more = bool(found) and len(found or []) > PER_PAGE
        self.hindered = hindrances.hindered()
        self.alerts = alerts(now)

    @property
    def clock_runs(self) -> bool:
        return any(clock.level == "ok" for clock in self.clocks)

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        """The page in a few sentences, each with its colour; the worst first."""
        found = [("danger", sentence) for sentence in alerting.trouble(self.now).sentences]
        if not self.redis_up:
            found.append(("warn", _("Redis does not answer. Work goes on by the clock, up to a second later.")))
        elif not self.workers:
            found.append(("warn", _("No worker is known to Redis. Start `manage.py rqworker high bulk`.")))
        if any(row.late for row in self.workflows or []):
            found.append(("warn", _("Some workflows are behind: see below how far.")))
        if self.hindered:
            found.append(("warn", _("An error keeps some changes from being followed: see below which.")))
        return found or [("ok", _("Everything runs and nothing is late."))]


def clocks(now: dt.datetime) -> list[Process]:
    found = []
    for beat in Beat.objects.order_by("-at")[:SHOWN_PROCESSES]:
        silent = now - beat.at > alerting.SILENCE
        state = _("not heard of any more") if silent else _("running")
        does = _("what is due by time, and what no doorbell announced")
        level = "muted" if silent else "ok"
        found.append(Process(_("Clock"), beat.name, does, state, level, beat.started_at, beat.at))
    return found


def workers() -> list[Process]:
    """The RQ workers Redis knows. One that was killed is listed for another two minutes."""
    try:
        known = Worker.all(connection=doorbell.client())
    except (redis.RedisError, OSError):
        return []
    states = {"busy": (_("working"), "info"), "idle": (_("waiting for work"), "ok")}
    found = []
    for worker in sorted(known, key=lambda one: (str(one.hostname), one.pid or 0))[:SHOWN_PROCESSES]:
        state, level = states.get(str(worker.get_state()), (str(worker.get_state()), "muted"))
        does = ", ".join(str(QUEUES.get(name, name)) for name in worker.queue_names())
        name = f"{worker.hostname or '?'}:{worker.pid or '?'}"
        since, heard = aware(worker.birth_date), aware(worker.last_heartbeat)
        found.append(Process(_("Worker"), name, does, state, level, since, heard))
    return found


def aware(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment is not None and moment.tzinfo is None else moment


def queued() -> dict[str, int]:
    """Rings nobody has answered yet, by queue."""
    try:
        return {
            lane: Queue(lane, connection=doorbell.client(), serializer=JSONSerializer).count for lane in doorbell.LANES
        }
    except (redis.RedisError, OSError):
        return {}


def rows(found: Sequence[Measured], now: dt.datetime) -> list[Row]:
    ids = [one.id for one in found]
    lately = measuring.steps_since(now - dt.timedelta(minutes=5), ids)
    hour = measuring.steps_since(now - dt.timedelta(hours=1), ids)
    full = Allowance.objects.filter(scope__in=[f"workflow:{pk}" for pk in ids], full_until__gt=now)
    until = dict(full.values_list("scope", "full_until"))
    return [
        Row(one, one.lag(now), lately.get(one.id, 0), hour.get(one.id, 0), until.get(f"workflow:{one.id}"))
        for one in found
    ]


def alerts(now: dt.datetime) -> list[Told]:
    """The last things found stuck, those that still are first marked as open."""
    found: list[Told] = []
    known: dict[str, Any] = dict(stuck.RULES)
    for alert in Alert.objects.select_related("workflow")[:SHOWN_ALERTS]:
        remedy = str(known[alert.rule].remedy) if alert.rule in known else ""
        still = now - alert.last_at < alerting.OPEN
        found.append(Told(alert, stuck.told(alert.rule, alert.count), remedy, still))
    return found
