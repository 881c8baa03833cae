"""Where a value is copied from: the record, the event that enrolled it, an earlier result, or a data source."""

from __future__ import annotations

from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.properties import Property
from workflows.step_forms.forms import PropertyField
from workflows.step_forms.params import StepContext
from workflows.texts.tokens import EVENT, OUTPUT


class SourceField(PropertyField):
    """A property to copy from: one of the record's, or “event.slug”, “output.step.name”, “source.slug”."""

    context: StepContext

    def use_context(self, context: StepContext) -> None:
        """The choices are made when they are asked for: what every earlier step leaves takes a while to find out."""
        self.context = context
        self.choices = self.all_choices

    def all_choices(self) -> list[Any]:
        context = self.context
        own = [(prop.slug, str(prop.label)) for prop in context.properties.values() if self.offers(prop)]
        told = [(f"{EVENT}.{slug}", str(prop.label)) for slug, prop in context.told.items()]
        left = [(f"{OUTPUT}.{name}", str(prop.label)) for name, prop in context.results.items()]
        others = [
            (source.name, [(f"{source.id}.{slug}", str(prop.label)) for slug, prop in source.readable.items()])
            for source in context.sources.values()
        ]
        if not (told or left or others):
            return [("", "—"), *own]
        record = capfirst(str(context.object_type.label))
        groups = (
            (record, own),
            (_("The event that enrolled it"), told),
            (_("Results of earlier steps"), left),
            *others,
        )
        return [("", "—"), *(group for group in groups if group[1])]


def source_of(name: Any, context: StepContext) -> Property | None:
    """The property a source names; None when there is none."""
    if told := told_slug(name):
        return context.told.get(told)
    if left := result_name(name):
        return context.results.get(left)
    if "." in str(name or ""):
        source, _dot, slug = str(name).partition(".")
        return context.sources[source].property_named(slug) if source in context.sources else None
    return context.properties.get(str(name or ""))


def told_slug(name: Any) -> str:
    """The property of the event a source names; "" when it is one of the record."""
    source, _dot, slug = str(name or "").partition(".")
    return slug if source == EVENT else ""


def result_name(name: Any) -> str:
    """The earlier step's result a source names, as "step.name"; "" when it is none."""
    source, _dot, rest = str(name or "").partition(".")
    return rest if source == OUTPUT else ""


def own_slug(name: Any) -> str:
    """The property of the record a source names; "" when it is of something else."""
    return "" if "." in str(name or "") else str(name or "")


def sourced_name(name: Any) -> str:
    """The property of a data source a source names, as "source.slug"; "" when it is of something else."""
    return "" if own_slug(name) or told_slug(name) or result_name(name) else str(name or "")
