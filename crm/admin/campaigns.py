"""Campaigns, with the workflows that are parts of them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.campaigns import PartOfCampaign
from crm.models import Campaign
from workflows.definitions.attachments import attached
from workflows.models import Enrollment


@admin.register(Campaign)
class CampaignAdmin(admin.ModelAdmin):
    """Workflows are attached in their own settings; here they are listed."""

    list_display = ("name", "starts_on", "ends_on", "number_of_workflows")
    search_fields = ("name",)
    readonly_fields = ("workflows",)
    fields = ("name", "starts_on", "ends_on", "notes", "workflows")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A campaign that does not exist yet has no workflows to list; nor has anybody who may not see them."""
        shown = obj is not None and request.user.has_perm("workflows.view_workflow")
        return self.fields if shown else self.fields[:-1]

    @admin.display(description=_("workflows"))
    def number_of_workflows(self, campaign: Campaign) -> int:
        return attached(PartOfCampaign.slug, campaign.pk).count()

    @admin.display(description=_("Workflows"))
    def workflows(self, campaign: Campaign) -> SafeString | str:
        entered = Count("enrollments", filter=~Q(enrollments__status=Enrollment.Status.REFUSED))
        found = attached(PartOfCampaign.slug, campaign.pk).annotate(entered=entered).order_by("name")
        if not found:
            return gettext("None yet. A workflow with contacts becomes a part of the campaign in its settings.")
        lines = [
            (
                reverse("admin:workflow_editor", args=[workflow.pk]),
                workflow.name,
                workflow.get_status_display(),
                ngettext("%(count)s record entered", "%(count)s records entered", workflow.entered)
                % {"count": f"{workflow.entered:,}"},
            )
            for workflow in found
        ]
        items = format_html_join("", '<li><a href="{}">{}</a> · {} · {}</li>', lines)
        return format_html('<ul class="linked">{}</ul>', items)
