"""What comes in without a login, as numbers of `/metrics`: forms and hits of trackers."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Sum
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from crm.models import Form, FormDay
from crm.tracking.collecting import TALLIED
from records.api.tallying import tallied
from workflows.api import metrics


def forms() -> Iterator[Metric]:
    """By form; from the database, so nothing is lost with Redis."""
    found = CounterMetricFamily("headrace_form_requests", "Forms seen, sent and refused.", labels=["form", "result"])
    sums = FormDay.objects.values("form_id").annotate(v=Sum("views"), s=Sum("submissions"), r=Sum("rejections"))
    slugs = dict(Form.objects.values_list("pk", "slug"))
    for row in sums.order_by("form_id"):
        for result, number in (("seen", row["v"]), ("submitted", row["s"]), ("refused", row["r"])):
            found.add_metric([slugs[row["form_id"]], result], number)
    yield found


def hits() -> Iterator[Metric]:
    found = CounterMetricFamily("headrace_hits", "What websites and mails told, by kind; “refused”.", labels=["kind"])
    for kind, number in sorted(tallied(TALLIED).items()):
        found.add_metric([kind], number)
    yield found


def register_public_metrics() -> None:
    """Called once, when the apps are ready."""
    metrics.PARTS |= {"forms": forms, "hits": hits}
