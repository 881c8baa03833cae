"""Pipelines with their stages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.admin.inlines import LabelledInline
from crm.admin.kept_in_use import KeptInUseAdmin
from crm.models import Pipeline, Stage
from records.object_types import object_types

COLUMN = {"deal": "stage", "ticket": "status"}


class StageInline(LabelledInline):
    model = Stage
    extra = 1
    prepopulated_fields = {"slug": ("label",)}
    fields = ("position", "label", "slug", "probability", "outcome")


@admin.register(Pipeline)
class PipelineAdmin(KeptInUseAdmin):
    """Stages are edited inside their pipeline; the internal name is what records and workflows hold."""

    list_display = ("label", "object_type", "slug", "position", "number_of_stages")
    list_filter = ("object_type",)
    prepopulated_fields = {"slug": ("label",)}
    inlines = (StageInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(number=Count("stages"))

    @admin.display(description=_("stages"), ordering="number")
    def number_of_stages(self, pipeline: Any) -> int:
        return pipeline.number

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def why_kept(self, obj: Any) -> str:
        count = records_in(obj)
        message = ngettext(
            "%(count)d record is in this pipeline, so it cannot be deleted.",
            "%(count)d records are in this pipeline, so it cannot be deleted.",
            count,
        )
        return message % {"count": count} if count else ""


def records_in(pipeline: Pipeline) -> int:
    """How many living records go through the pipeline."""
    return object_types[pipeline.object_type].records().filter(pipeline=pipeline.slug).count()
