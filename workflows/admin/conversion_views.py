"""The metrics of one workflow: how many records come to each step and get through it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from records.clock import database_now
from workflows.history import charts, conversion, performance


class ConversionViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def metrics_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("<int:pk>/metrics/", wrap(self.metrics_view), name="workflow_metrics"),
            path("<int:pk>/performance/", wrap(self.performance_view), name="workflow_performance"),
        ]

    def performance_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who entered, who is inside, how it ended; the trend by `?by=` day, week or month (HIS-15)."""
        workflow = self.workflow_or_404(request, pk, "view")
        asked = request.GET.get("by", "")
        by = asked if asked in performance.PERIODS else "day"
        found, late = None, False
        try:
            found = performance.performance(workflow, by, database_now())
        except performance.TookTooLong:
            late = True
        context = self.admin_site.each_context(request) | {
            "title": _("Performance"), "workflow": workflow, "found": found, "late": late, "by": by,
            "periods": [(key, label) for key, (label, _count) in performance.PERIODS.items()],
        }  # fmt: skip
        if found is not None and found.enrolled:
            context["chart"], context["rows"] = drawn(found, by, performance.zone_of(workflow))
        return TemplateResponse(request, "admin/workflows/workflow/performance.html", context)

    def metrics_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The figures of all versions since metrics were turned on, or of `?version=`."""
        workflow = self.workflow_or_404(request, pk, "view")
        asked = request.GET.get("version", "")
        version = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
        figures, late = None, False
        try:
            figures = conversion.figures(workflow, version)
        except conversion.TookTooLong:
            late = True
        context = self.admin_site.each_context(request) | {
            "title": _("Metrics"), "workflow": workflow, "figures": figures, "version": version, "late": late,
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/metrics.html", context)


def drawn(
    found: performance.Performance, by: str, zone: dt.tzinfo
) -> tuple[Any, list[tuple[str, performance.Period]]]:
    """The chart of a trend, and the same as rows, newest first."""
    style = "YEAR_MONTH_FORMAT" if by == "month" else "SHORT_DATE_FORMAT"
    names = [date_format(period.since.astimezone(zone), style) for period in found.periods]
    series = [
        charts.Series(_("enrolled"), "info", [one.enrolled for one in found.periods]),
        charts.Series(_("completed"), "ok", [one.completed for one in found.periods]),
        charts.Series(_("left before the end"), "warn", [one.unenrolled for one in found.periods]),
    ]
    title = _("How many records were enrolled, completed the workflow and left it; the table below has the figures.")
    rows = list(zip(names, found.periods, strict=True))
    return charts.bars(names, series, title), rows[::-1]
