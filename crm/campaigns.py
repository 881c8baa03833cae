"""Workflows as parts of campaigns (SET-13)."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.models import Campaign
from workflows.definitions.attachments import Attachment
from workflows.registries import attachments


class PartOfCampaign(Attachment):
    slug = "campaign"
    label = _("Campaign")
    help_text = _(
        "The campaign this workflow is a part of. The campaign's page lists its workflows with their figures."
    )
    object_types = ("contact",)

    def things(self) -> QuerySet[Campaign]:
        return Campaign.objects.all()


def register_attachments() -> None:
    """Let workflows with contacts be parts of campaigns."""
    attachments.register(PartOfCampaign)
