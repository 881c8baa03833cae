"""Pipelines with their stages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.admin.inlines import LabelledFormSet, LabelledInline
from crm.admin.kept_in_use import KeptInUseAdmin
from crm.admin.lasting_slug import LastingSlugAdmin
from crm.models import Pipeline, Stage
from crm.stage_rules import STAGE_PROPERTIES
from records.object_types import object_types
from workflows.dependencies import using


class StageFormSet(LabelledFormSet):
    """Stages that records stand in, or that workflows name, stay; each keeps the internal name they hold it by."""

    user: Any = None

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if form.instance.pk:
            form.fields["slug"].disabled = True

    def clean(self) -> None:
        super().clean()
        for form in self.deleted_forms:
            if form.instance.pk and (reason := stage_kept(self.instance, form.instance, self.user)):
                form.add_error(None, reason)
                raise ValidationError(_("“%(stage)s”: %(why)s") % {"stage": form.instance, "why": reason})


class StageInline(LabelledInline):
    model = Stage
    formset = StageFormSet
    extra = 1
    prepopulated_fields = {"slug": ("label",)}
    fields = ("position", "label", "slug", "probability", "outcome")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        made: Any = super().get_formset(request, obj, **kwargs)
        made.user = request.user
        return made


@admin.register(Pipeline)
class PipelineAdmin(LastingSlugAdmin, KeptInUseAdmin):
    """Stages are edited inside their pipeline; the internal name is what records and workflows hold."""

    thing = "pipeline"
    list_display = ("label", "object_type", "slug", "position", "number_of_stages")
    list_filter = ("object_type",)
    prepopulated_fields = {"slug": ("label",)}
    inlines = (StageInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(number=Count("stages"))

    @admin.display(description=_("stages"), ordering="number")
    def number_of_stages(self, pipeline: Any) -> int:
        return pipeline.number

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("object_type", *super().get_readonly_fields(request, obj)) if obj else ()

    def keys_of(self, obj: Any) -> list[str]:
        return [f"{obj.object_type}.pipeline.{obj.slug}"]

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


def stage_kept(pipeline: Pipeline, stage: Stage, by: Any) -> str:
    """Why a stage cannot be removed, as a sentence; "" where it can."""
    column = STAGE_PROPERTIES[pipeline.object_type]
    records = object_types[pipeline.object_type].records()
    inside = records.filter(pipeline=pipeline.slug, **{column: stage.slug}).count()
    if inside:
        message = ngettext(
            "%(count)d record is in this stage. Move it first.",
            "%(count)d records are in this stage. Move them first.",
            inside,
        )
        return message % {"count": inside}
    if Stage.objects.filter(pipeline__object_type=pipeline.object_type, slug=stage.slug).exclude(pk=stage.pk).exists():
        return ""  # Workflows name stages of all pipelines alike, and another one has it, too.
    return using.why_kept("stage", [f"{pipeline.object_type}.{column}.{stage.slug}"], by)
