"""The columns of the list of workflows, and the menu of a row (ORG-04, ORG-05)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.icons import icon
from records.object_types import object_types
from workflows.admin import switch_views
from workflows.admin.deleted_views import restore_button
from workflows.admin.limited import limited_chip
from workflows.admin.problem_counts import error_count
from workflows.admin.problem_marks import failing_mark
from workflows.admin.switch_views import COLOURS
from workflows.history import counting
from workflows.models import Workflow


class ListColumns:
    """Mixed into the workflow's admin; rows have what its queryset annotates."""

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def title(self, workflow: Workflow) -> SafeString:
        if workflow.deleted_at:
            return format_html("<strong>{}</strong>", workflow.name)
        url = reverse("admin:workflow_editor", args=[workflow.pk])
        folder = format_html(' <span class="chip chip-muted">{}</span>', workflow.folder) if workflow.folder else ""
        return format_html('<a href="{}"><strong>{}</strong></a>{}', url, workflow.name, folder)

    @admin.display(description=gettext_lazy("object"), ordering="object_type")
    def kind(self, workflow: Workflow) -> str:
        kind = object_types.get(workflow.object_type)
        return capfirst(str(kind.label_plural)) if kind else workflow.object_type

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def status_chip(self, workflow: Any) -> SafeString:
        label = workflow.get_status_display() if workflow.live_id else _("Draft")
        chip = format_html('<span class="chip chip-{}">{}</span>', COLOURS[workflow.status], label)
        until = getattr(workflow, "limited_until", None)
        return format_html("{}<br>{}", chip, limited_chip(until)) if until else chip

    @admin.display(description=gettext_lazy("enrolled"), ordering=Coalesce("total", "about"))
    def enrolled(self, workflow: Any) -> SafeString:
        url = reverse("admin:workflows_enrollment_changelist")
        link = '<a href="{}?workflow__id__exact={}"{}>{}</a>'
        if workflow.total is not None:
            return format_html(link, url, workflow.pk, "", f"{workflow.total:,}")
        known = workflow.about > counting.ENROLLED + 1
        text = _("about %(count)s") if known else _("more than %(count)s")
        count = workflow.about if known else counting.ENROLLED
        title = _("Counted up to %(bound)s; the page “Performance” counts all.") % {"bound": f"{counting.ENROLLED:,}"}
        return format_html(link, url, workflow.pk, format_html(' title="{}"', title), text % {"count": f"{count:,}"})

    @admin.display(description=gettext_lazy("active now"), ordering=Coalesce("inside", Value(counting.INSIDE + 1)))
    def active(self, workflow: Any) -> str:
        if workflow.inside is None:
            return _("more than %(count)s") % {"count": f"{counting.INSIDE:,}"}
        return f"{workflow.inside:,}"

    @admin.display(description=gettext_lazy("problems"))
    def problems(self, workflow: Any) -> SafeString | str:
        """Of the draft, or of what is live; and a red mark where steps fail (HIS-11)."""
        revision, mark = workflow.drafts[0] if workflow.drafts else workflow.live, failing_mark(workflow)
        if revision is None:
            return mark or "–"
        count = error_count(revision.definition, workflow.pk)
        chip = format_html('<span class="chip chip-warn">{}</span> ', count) if count else ""
        return format_html("{}{}", chip, mark) if chip or mark else "–"

    @admin.display(description="")
    def menu(self, workflow: Workflow) -> SafeString:
        if workflow.deleted_at:
            return restore_button(workflow)
        more = _("More for %(name)s") % {"name": workflow.name}
        return format_html(
            '<details class="menu"><summary class="btn btn-quiet btn-icon" aria-label="{}">{}</summary>'
            '<div class="menu-body">{}</div></details>',
            more, icon("dots"), menu_of(workflow),
        )  # fmt: skip


def menu_of(workflow: Workflow) -> SafeString:
    """What can be done with one workflow; what the person may not do is refused by its page."""
    own, history = [workflow.pk], reverse("admin:workflows_enrollment_changelist")
    body = links(
        (reverse("admin:workflow_editor", args=own), _("Edit")),
        (f"{history}?workflow__id__exact={workflow.pk}", _("View details")),
        (reverse("admin:workflow_performance", args=own), _("Performance")),
        (f"{reverse('admin:workflow_map')}?workflow={workflow.pk}", _("Dependencies")),
        (reverse("admin:workflow_review", args=own), _("Review and publish")),
    )
    copy = reverse("admin:workflow_clone", args=own)
    # A button that sends the list's own form elsewhere, because a form cannot stand in a form.
    body += format_html('<button formaction="{}" formnovalidate>{}</button>', copy, _("Make a copy"))
    body += links(
        (f"{reverse('admin:workflow_move')}?id={workflow.pk}", _("Move to folder…")),
        (reverse("admin:workflow_export", args=own), _("Export")),
    )
    if getattr(workflow, "may_switch", False):
        if workflow.status in Workflow.OPEN:
            body += links((reverse("admin:workflow_enroll", args=own), _("Enroll records…")))
        body += links(*((url, f"{label}…") for url, label in switch_views.links(workflow, "list")))
    return body + links((reverse("admin:workflow_remove", args=own), _("Delete…")))


def links(*pairs: tuple[str, Any]) -> SafeString:
    return format_html_join("", '<a href="{}">{}</a>', pairs)
