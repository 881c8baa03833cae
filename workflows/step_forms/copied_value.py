"""A value that is copied when the step runs, instead of a fixed one: {"copy_from": "city"} (CRM-03, CRM-11)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from records.properties import Property
from workflows.step_forms import copying
from workflows.step_forms.params import StepContext
from workflows.step_forms.sources import SourceField, source_of

KEY = "copy_from"


def is_copy(value: Any) -> bool:
    """Whether a stored value says where it is copied from."""
    return isinstance(value, dict) and KEY in value


def cleaned(value: dict[str, Any], prop: Property, context: StepContext) -> dict[str, str]:
    """A setting that can be carried out for `prop`. Raises ValidationError saying what does not fit."""
    name = value[KEY]
    source = source_of(name, context) if isinstance(name, str) else None
    if set(value) != {KEY} or source is None:
        message = _("%(value)r names nothing to copy. Write it like {'copy_from': 'city'}.")
        raise ValidationError(message % {"value": value})
    if fault := copying.fault(source, prop, same_record=False):
        raise ValidationError(fault)
    return {KEY: name}


def choices_for(prop: Property, context: StepContext) -> list[Any]:
    """What can be copied into a property, in the groups of SourceField."""
    field = SourceField(required=False)
    field.use_context(context)
    found: list[Any] = []
    for value, label in field.all_choices():
        inside = [pair for pair in label if fits(pair[0], prop, context)] if isinstance(label, list) else []
        if isinstance(label, list) and inside:
            found.append((value, inside))
        elif not isinstance(label, list) and (not value or fits(value, prop, context)):
            found.append((value, label))
    return found


def fits(name: str, prop: Property, context: StepContext) -> bool:
    source = source_of(name, context)
    return source is not None and copying.fits(source, prop)


def rendered(place: str, value: Any, prop: Property, context: StepContext, renderer: Any) -> SafeString:
    """The choice of what is copied, below a property's own control; nothing where there is nothing that fits."""
    choices = choices_for(prop, context)
    chosen = value[KEY] if is_copy(value) else ""
    if len(choices) < 2 and not chosen:
        return SafeString()
    control = forms.Select(choices=choices).render(f"{place}-copy", chosen, {"id": f"param_{place}-copy"}, renderer)
    label = _("%(property)s: or copy it from") % {"property": prop.label}
    return format_html('<label class="small" for="param_{}-copy">{}</label>{}', place, label, control)
