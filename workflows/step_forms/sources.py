"""Where a value is copied from: a property of the record, or of the event that enrolled it."""

from __future__ import annotations

from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.properties import Property
from workflows.step_forms.forms import PropertyField
from workflows.step_forms.params import StepContext
from workflows.texts.tokens import EVENT


class SourceField(PropertyField):
    """A property to copy from: one of the record's, or of the event that enrolled it as “event.slug”."""

    def use_context(self, context: StepContext) -> None:
        super().use_context(context)
        told = [(f"{EVENT}.{slug}", str(prop.label)) for slug, prop in context.told.items()]
        if told:
            own: Any = self.choices
            record = capfirst(str(context.object_type.label))
            self.choices = [own[0], (record, own[1:]), (_("The event that enrolled it"), told)]


def source_of(name: Any, context: StepContext) -> Property | None:
    """The property a source names; None when there is none."""
    if told := told_slug(name):
        return context.told.get(told)
    return context.properties.get(str(name or ""))


def told_slug(name: Any) -> str:
    """The property of the event a source names; "" when it is one of the record."""
    source, _dot, slug = str(name or "").partition(".")
    return slug if source == EVENT else ""
