"""Inlines whose fields say their names to screen readers: a table's heading alone is not a label."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import BaseInlineFormSet, Field
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _


class LabelledFormSet(BaseInlineFormSet):
    """Rows whose box for removing them has a name too."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = _("Remove this row")


class LabelledInline(admin.TabularInline):
    """A tabular inline with an accessible name for every field."""

    formset = LabelledFormSet

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            widget: Any = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = capfirst(str(field.label))
        return field
