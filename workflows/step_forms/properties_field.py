"""A field for several properties with their values; each control is that of its property's type.

Instead of a fixed value a date takes a moment ({"when": "now"}), and every property one to copy ({"copy_from": …}).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.object_types import ObjectType
from records.properties import Property
from workflows.step_forms import copied_value
from workflows.step_forms.greyed_field import greyed
from workflows.step_forms.params import ParamsForm
from workflows.step_forms.relative_time import DATES, RelativeTimeWidget
from workflows.step_forms.relative_time import cleaned as moment
from workflows.step_forms.targets import properties_for
from workflows.step_forms.value_field import ValueField


class PropertiesWidget(forms.Widget):
    """A row for each property: its control and a box for taking it out; below, a choice of one more."""

    use_fieldset = True

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, ValueField] = {}
        self.needed: set[str] = set()
        #: Those the person who edits may not, with the reason.
        self.unavailable: dict[str, str] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The values of the rows shown, without those taken out; a property just added is blank."""
        if not hasattr(data, "getlist"):
            return data.get(name)
        removed = set(data.getlist(f"{name}-remove"))
        found: dict[str, Any] = {}
        for slug in data.getlist(f"{name}-shown"):
            field = self.fields.get(slug)
            if field is None or slug in removed:
                continue
            field.widget = field.widget_for(data.get(f"{name}-{slug}"))
            value = field.widget.value_from_datadict(data, files, f"{name}-{slug}")
            if takes_moment(field):
                value = RelativeTimeWidget().value_from_datadict(data, files, f"{name}-{slug}-moment") or value
            if source := data.get(f"{name}-{slug}-copy"):
                value = {copied_value.KEY: source}
            if value not in (None, "", []) or slug not in self.needed:
                found[slug] = "" if value is None else value
        added = data.get(f"{name}-add")
        if added in self.fields:
            found.setdefault(added, "")
        return found

    def id_for_label(self, id_: str) -> str:
        return ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        values = value if isinstance(value, dict) else {}
        # What every record needs comes first (CRM-11).
        shown = [slug for slug in self.fields if slug in self.needed]
        shown += [slug for slug in self.fields if slug in values and slug not in self.needed]
        rows = [self.row(name, slug, values.get(slug), renderer) for slug in shown]
        more = [self.offered(slug, field) for slug, field in self.fields.items() if slug not in shown]
        options = format_html_join("", '<option value="{}"{}>{}</option>', [("", "", "—"), *more])
        return format_html(
            '{}<div class="field" data-refresh="panel"><label for="param_{}-add">{}</label>'
            '<select name="{}-add" id="param_{}-add">{}</select></div>',
            format_html_join("", "{}", ((row,) for row in rows)), name, _("Add a property"), name, name, options,
        )  # fmt: skip

    def offered(self, slug: str, field: ValueField) -> tuple[str, SafeString, str]:
        """Value, state and label of a property in the choice of one more."""
        label, why = label_of(field), self.unavailable.get(slug)
        if not why:
            return slug, SafeString(), label
        return slug, SafeString(" disabled"), _("%(choice)s – %(reason)s") % {"choice": label, "reason": why}

    def row(self, name: str, slug: str, value: Any, renderer: Any) -> SafeString:
        field, place = self.fields[slug], f"{name}-{slug}"
        made = value if isinstance(value, dict) else None
        # Kept with the field: whether data can be inserted is asked of its widget.
        field.widget = widget = field.widget_for(None if made else value)
        label = label_of(field)
        stored = None if made else field.prepare_value(value)
        control = widget.render(place, stored, {"id": f"param_{place}"}, renderer)
        if takes_moment(field):
            control += self.moment(place, None if copied_value.is_copy(made) else made, label, renderer)
        if field.takes_data:
            facts = {"target": f"param_{place}", "kind": field.takes_data, "label": label}
            control += render_to_string("admin/workflows/workflow/insert_data.html", facts)
        if field.property and field.context and (copied_value.is_copy(made) or not field.takes_data):
            control += copied_value.rendered(place, made, field.property, field.context, renderer)
        removing: SafeString | str = ""
        if slug not in self.needed:
            removing = format_html(
                '<label class="small" data-refresh="panel">'
                '<input type="checkbox" name="{}-remove" value="{}"> {}</label>',
                name, slug, _("Take out %(property)s") % {"property": label},
            )  # fmt: skip
        return format_html(
            '<div class="field"><input type="hidden" name="{}-shown" value="{}">'
            '<label for="param_{}">{}</label>{}{}</div>',
            name, slug, place, label, control, removing,
        )  # fmt: skip

    def moment(self, place: str, value: Any, label: str, renderer: Any) -> SafeString:
        """The choice of a moment counted from when the step runs, instead of a fixed date."""
        control = RelativeTimeWidget().render(f"{place}-moment", value, {"id": f"param_{place}-moment"}, renderer)
        legend = _("%(property)s: or a moment") % {"property": label}
        return format_html(
            '<fieldset class="flow-moment"><legend class="small">{}</legend>{}</fieldset>', legend, control
        )


def takes_moment(field: ValueField) -> bool:
    """Whether a moment counted from when the step runs can be its value (CRM-08)."""
    return field.property is not None and field.property.type in DATES


def label_of(field: ValueField) -> str:
    return capfirst(str(field.property.label)) if field.property else ""


class PropertiesField(forms.Field):
    """Values of properties of an object type by slug; texts may hold tokens of the enrolled record."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=PropertiesWidget(), **kwargs)
        self.faults: list[tuple[str, str, Any]] = []
        self.object_type: ObjectType | None = None

    def offer(self, object_type: ObjectType | None, form: ParamsForm) -> None:
        """Offer what can be set on new records of a type."""
        self.object_type = object_type
        known: Mapping[str, Property] = properties_for(object_type, form.context) if object_type else {}
        assert isinstance(self.widget, PropertiesWidget)
        self.widget.fields = {
            slug: ValueField.of(prop, form.context)
            for slug, prop in known.items()
            if not prop.read_only and prop.calculated is None
        }
        self.widget.unavailable = greyed(object_type, form.context.user) if object_type else {}
        self.widget.needed = {slug for slug in self.widget.fields if known[slug].required}

    @property
    def values(self) -> dict[str, ValueField]:
        assert isinstance(self.widget, PropertiesWidget)
        return self.widget.fields

    def clean(self, value: Any) -> dict[str, Any]:
        """The values as Python, texts with tokens as they are; every fault is kept with its property."""
        self.faults = []
        if value in (None, ""):
            value = {}
        if not isinstance(value, dict):
            message = _("%(value)r is not a set of properties. Write it like {“name”: “New”}.")
            raise ValidationError(message % {"value": value})
        found = {slug: self.cleaned(slug, one) for slug, one in value.items()}
        assert isinstance(self.widget, PropertiesWidget)
        for slug in sorted(self.widget.needed - value.keys()):
            prop = self.values[slug].property
            message = _("%(property)s is required. Add it.")
            self.faults.append((slug, message % {"property": prop.label if prop else slug}, None))
        if self.faults:
            raise ValidationError([message for _slug, message, _value in self.faults])
        return found

    def cleaned(self, slug: str, value: Any) -> Any:
        field = self.values.get(slug)
        if field is None or field.property is None:
            if self.object_type is not None:
                message = _("There is no property “%(slug)s” of %(type)s that can be set. Use one of: %(known)s.")
                facts = {"slug": slug, "type": self.object_type.label_plural, "known": ", ".join(self.values)}
                self.faults.append((slug, message % facts, value))
            return value
        if value in (None, "", []):
            message = _("%(property)s is empty. Fill it in, or take the property out.")
            self.faults.append((slug, message % {"property": field.property.label}, value))
            return value
        try:
            if copied_value.is_copy(value) and field.context is not None:
                return copied_value.cleaned(value, field.property, field.context)
            return moment(value) if isinstance(value, dict) and takes_moment(field) else field.clean(value)
        except ValidationError as error:
            self.faults += [(slug, message, value) for message in error.messages]
            return value

    def to_json(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            slug: self.values[slug].to_json(one) if fixed(one) and slug in self.values else one
            for slug, one in value.items()
        }

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "x-properties-of": "object", "additionalProperties": True}


def fixed(value: Any) -> bool:
    """Whether there is a value, and it is none that is made when the step runs."""
    return value not in (None, "") and not isinstance(value, dict)
