"""Who is and was in sequences: listed, filtered, looked at, and taken out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.admin import seen
from crm.admin.paging import FirstPagePaginator
from crm.links import linked
from crm.models import SequenceEnrollment
from crm.record_links import url_of
from crm.sequences.leaving import Status, end
from crm.sequences.words import TONES, why
from records.clock import database_now
from records.journal import change_source
from records.object_types import object_types
from workflows.models import Workflow


@admin.register(SequenceEnrollment)
class SequenceEnrollmentAdmin(admin.ModelAdmin):
    """Nothing is changed by hand but that somebody is taken out. For those who may see contacts."""

    change_list_template = "admin/crm/sequence/enrollments.html"
    list_display = ("person", "sequence", "state", "sender", "next_step", "due_at", "enrolled_at", "ended_at")
    list_display_links = ("person",)
    list_filter = ("status", "sequence", "enrolled_at")
    list_select_related = ("sequence", "contact", "sender", "step")
    #: So that there is a search; what it looks at depends on who asks.
    search_fields = ("contact__email",)
    fields = (
        "person_link", "sequence", "state", "why_it_ended", "sender", "from_address", "enrolled_at", "by",
        "next_step", "due_at", "ended_at", "steps_taken",
    )  # fmt: skip
    readonly_fields = fields
    paginator = FirstPagePaginator
    show_full_result_count = False
    actions = ("unenroll",)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Only what the person may see: a hit tells a value."""
        columns = ("email", "first_name", "last_name")
        return [f"contact__{slug}" for slug in seen.searched(request, object_types["contact"], columns)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.has_perm("crm.view_contact")

    def has_unenroll_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.change_sequenceenrollment")

    @admin.action(description=gettext_lazy("Unenroll"), permissions=["unenroll"])
    def unenroll(self, request: HttpRequest, queryset: QuerySet) -> None:
        with change_source("admin", actor=request.user):
            ids = queryset.values_list("pk", flat=True)
            count = len(end(ids, Status.UNENROLLED, by=request.user, now=database_now()))
        message = ngettext("%(count)d contact was unenrolled.", "%(count)d contacts were unenrolled.", count)
        messages.success(request, message % {"count": count})

    @admin.display(description=gettext_lazy("contact"), ordering="contact_id")
    def person(self, one: SequenceEnrollment) -> str:
        return str(one.contact)

    @admin.display(description=gettext_lazy("contact"))
    def person_link(self, one: SequenceEnrollment) -> SafeString:
        return format_html('<a href="{}">{}</a>', url_of(object_types["contact"], one.contact_id), one.contact)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, one: SequenceEnrollment) -> SafeString:
        return format_html('<span class="chip {}">{}</span>', TONES[Status(one.status)], one.get_status_display())

    @admin.display(description=gettext_lazy("why it ended"))
    def why_it_ended(self, one: SequenceEnrollment) -> str:
        return why(one) or "–"

    @admin.display(description=gettext_lazy("next step"))
    def next_step(self, one: SequenceEnrollment) -> str:
        return str(one.step) if one.step else "–"

    @admin.display(description=gettext_lazy("enrolled by"))
    def by(self, one: SequenceEnrollment) -> str:
        if one.workflow_id:
            name = Workflow.objects.filter(pk=one.workflow_id).values_list("name", flat=True).first()
            return _("the workflow “%(name)s”") % {"name": name or _("a deleted workflow")}
        return str(one.enrolled_by) if one.enrolled_by else _("somebody")

    @admin.display(description=gettext_lazy("steps taken"))
    def steps_taken(self, one: SequenceEnrollment) -> SafeString:
        lines = [
            (linked(object_types[run.kind], run.record_id, run.title), run.get_kind_display(), run.at)
            for run in one.runs.all()
        ]
        items = format_html_join("", "<li>{} <span class='muted small'>{} · {}</span></li>", lines)
        return format_html('<ol class="sequence-runs">{}</ol>', items) if lines else SafeString("–")
