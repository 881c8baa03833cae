"""The times at which schedules fired, and those that nobody was there for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from workflows.admin.reading import ReadOnlyAdmin
from workflows.models import ScheduleRun
from workflows.rights.opening import openable
from workflows.times.moments import shown_moment

COLOURS = {"running": "info", "done": "ok", "missed": "warn", "stopped": "muted"}


@admin.register(ScheduleRun)
class ScheduleRunAdmin(ReadOnlyAdmin):
    list_display = ("at", "workflow", "shown_state", "told")
    list_display_links = None
    list_filter = ("state", "at")
    search_fields = ("schedule__workflow__name",)
    list_select_related = ("schedule__workflow",)
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return openable(super().get_queryset(request), request.user, "schedule__workflow")

    @admin.display(description=_("workflow"))
    def workflow(self, run: ScheduleRun) -> str:
        workflow = run.schedule.workflow
        return format_html('<a href="{}">{}</a>', reverse("admin:workflow_editor", args=[workflow.pk]), workflow.name)

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, run: ScheduleRun) -> str:
        return format_html(
            '<span class="chip chip-{}">{}</span>', COLOURS[run.state], ScheduleRun.State(run.state).label
        )

    @admin.display(description=_("what happened"))
    def told(self, run: ScheduleRun) -> str:
        if run.state == ScheduleRun.State.MISSED:
            sentence = ngettext(
                "Nobody was there to fire it: %(count)d time, too long ago to make up for it.",
                "Nobody was there to fire it: %(count)d times up to %(until)s, too long ago to make up for them.",
                run.times,
            )
            until = shown_moment(run.until.isoformat()) if run.until else ""
            return sentence % {"count": run.times, "until": until}
        sentence = gettext(
            "%(matched)s matched, %(enrolled)s were enrolled, %(skipped)s were still inside, %(refused)s were refused."
        )
        numbers = {name: f"{getattr(run, name):,}" for name in ("matched", "enrolled", "skipped", "refused")}
        if not run.enrolled:
            return sentence % numbers
        facts = {"workflow__id__exact": run.schedule.workflow_id}
        url = f"{reverse('admin:workflows_enrollment_changelist')}?{urlencode(facts)}"
        return format_html('<a href="{}">{}</a>', url, sentence % numbers)
