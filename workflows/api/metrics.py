"""`/metrics`: the engine's numbers in the text format of Prometheus, for its token or for super admins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from records.api.tallying import tallied
from records.clock import database_now
from workflows.health import alerting, measuring, timing
from workflows.models import Workflow


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything, read from the database now. 401 for a wrong token; 404 where no token is set (METRICS_TOKEN)."""
    token = getattr(settings, "METRICS_TOKEN", "")
    user = getattr(request, "user", None)
    if not (user is not None and user.is_active and user.is_superuser):
        if not token:
            raise Http404
        if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"):
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Engine())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Engine(Collector):
    """Collects; a part the database does not answer in time is left out and counted as failed."""

    def collect(self) -> Iterator[Metric]:
        began = time.perf_counter()
        failed = GaugeMetricFamily("headrace_scrape_failed", "Parts that could not be read in time.", labels=["part"])
        for name, part in PARTS.items():
            found = answer_of(part)
            failed.add_metric([name], 0 if found is not None else 1)
            yield from found or []
        yield failed
        yield gauge("headrace_scrape_seconds", "How long collecting all this took.", time.perf_counter() - began)


def answer_of(part: Callable[[], Iterator[Metric]]) -> list[Metric] | None:
    """What a part says; None where the database, or Redis, does not answer in time."""
    try:
        return measuring.in_time(lambda: list(part()))
    except redis.RedisError:
        return None


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def enrollments() -> Iterator[Metric]:
    now = database_now()
    labels = ["workflow", "name"]
    inside = GaugeMetricFamily(
        "headrace_enrollments", "Records inside, or stopped by an error; at most 100,000.", labels=[*labels, "state"]
    )
    due = GaugeMetricFamily("headrace_steps_due", "Records whose step is due; at most 100,000.", labels=labels)
    lag = GaugeMetricFamily("headrace_steps_lag_seconds", "How long the oldest of them has been due.", labels=labels)
    for one in measuring.workflows(now):
        of = [str(one.id), one.name]
        for state, count in (("active", one.active), ("waiting", one.waiting), ("failed", one.stopped)):
            inside.add_metric([*of, state], count)
        due.add_metric(of, one.due)
        lag.add_metric(of, one.lag(now).total_seconds())
    yield from (inside, due, lag)


def steps() -> Iterator[Metric]:
    done = CounterMetricFamily("headrace_steps", "Steps done, by outcome.", labels=["workflow", "outcome"])
    for workflow, outcome, count in measuring.steps_done():
        done.add_metric([str(workflow), outcome], count)
    yield done


def durations() -> Iterator[Metric]:
    claim = HistogramMetricFamily("headrace_claim_seconds", "How long claiming a batch took where something was due.")
    claim.add_metric([], *timing.histogram(timing.CLAIM))
    batch = HistogramMetricFamily("headrace_batch_seconds", "How long batches of steps took.")
    batch.add_metric([], *timing.histogram(timing.BATCH))
    dispatch = HistogramMetricFamily("headrace_dispatch_seconds", "How long rounds of dispatching took.")
    dispatch.add_metric([], *timing.histogram(timing.DISPATCH))
    yield from (claim, batch, dispatch)


def workflows() -> Iterator[Metric]:
    states = GaugeMetricFamily("headrace_workflows", "Workflows by status.", labels=["status"])
    found = list(Workflow.objects.filter(deleted_at=None).order_by().values_list("status", flat=True))
    for status in Workflow.Status.values:
        states.add_metric([status], found.count(status))
    yield states


def deliveries() -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "headrace_deliveries", "Deliveries not over, by state; at most 100,000.", labels=["state"]
    )
    for state, count in measuring.deliveries().items():
        states.add_metric([state], count)
    yield states


def changes() -> Iterator[Metric]:
    count, oldest = measuring.changes()
    age = (database_now() - oldest).total_seconds() if oldest else 0.0
    yield gauge("headrace_changes_pending", "Changes nobody has looked at; at most 100,000.", count)
    yield gauge("headrace_changes_oldest_seconds", "How long the oldest of them has waited.", max(age, 0.0))


def events() -> Iterator[Metric]:
    count, oldest = measuring.events()
    age = (database_now() - oldest).total_seconds() if oldest else 0.0
    yield gauge("headrace_events_pending", "Events nobody has looked at; at most 100,000.", count)
    yield gauge("headrace_events_oldest_seconds", "How long the oldest of them has waited.", max(age, 0.0))


def webhooks() -> Iterator[Metric]:
    """Counted in Redis, as most requests that are refused leave no row behind."""
    came = CounterMetricFamily("headrace_webhook_requests", "Requests to webhooks, by result.", labels=["result"])
    for result, number in sorted(tallied("webhook").items()):
        came.add_metric([result], number)
    became = CounterMetricFamily(
        "headrace_webhook_outcomes", "What became of those accepted, by outcome.", labels=["outcome"]
    )
    for outcome, number in sorted(tallied("webhook-outcome").items()):
        became.add_metric([outcome], number)
    yield from (came, became)


def processes() -> Iterator[Metric]:
    now, heard = database_now(), alerting.clock_heard_at()
    silence = (now - heard).total_seconds() if heard else float("inf")
    yield gauge("headrace_clock_silence_seconds", "Since the last sign of life of any clock.", silence)
    yield gauge("headrace_redis_up", "Whether Redis answers.", float(measuring.redis_answers()))
    yield gauge("headrace_alerts_open", "Things found stuck, lately.", len(alerting.open_alerts(now)))
    yield gauge("headrace_database_bytes", "Size of the database.", measuring.database()[1])


PARTS: dict[str, Any] = {
    "enrollments": enrollments, "steps": steps, "durations": durations, "workflows": workflows,
    "deliveries": deliveries, "changes": changes, "events": events, "webhooks": webhooks, "processes": processes,
}  # fmt: skip
