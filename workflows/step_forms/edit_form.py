"""What “Edit record” is told: the property, and exactly one way to come by its new value (CRM-01 to CRM-09)."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from workflows.step_forms import copying
from workflows.step_forms.forms import FlagField, PropertyField
from workflows.step_forms.greyed_field import NotShown
from workflows.step_forms.params import StepContext
from workflows.step_forms.relative_time import DATES, RelativeTimeField
from workflows.step_forms.sources import SourceField, own_slug, source_of
from workflows.step_forms.targets import TargetForm, properties_for, subject_of
from workflows.step_forms.value_field import ValueField
from workflows.texts import tokens
from workflows.times.relative import worded

WAYS = ("value", "copy_from", "moment", "clear")
#: The types of properties that hold several options.
MULTIPLE = ("multi_select",)


class EditForm(TargetForm):
    """The params of the step."""

    edits = True

    property = PropertyField(label=gettext_lazy("Property to edit"), writable=True, steers=True, subject=True)
    value = ValueField(
        label=gettext_lazy("New value"),
        required=False,
        help_text=gettext_lazy("Text may hold tokens like {{ deal.name }}."),
    )
    copy_from = SourceField(label=gettext_lazy("or copy it from"), required=False)
    append = FlagField(label=gettext_lazy("Keep the options that are chosen, and add these"))
    moment = RelativeTimeField(label=gettext_lazy("or a moment"), required=False)
    clear = FlagField(label=gettext_lazy("or clear the property"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """What only some types of properties take is shown for these, and where it is set already."""
        super().__init__(*args, **kwargs)
        prop = self.subject_properties.get(str(self.raw("property") or ""))
        for name, types in (("append", MULTIPLE), ("moment", DATES)):
            if not (self.source or {}).get(name) and (prop is None or prop.type not in types):
                self.fields[name].widget = NotShown()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        prop = self.subject_properties.get(cleaned.get("property", ""))
        given = [way for way in WAYS if cleaned.get(way) not in (None, "", [], {}, False)]
        if self.errors or prop is None:
            return cleaned
        if len(given) != 1:
            raise ValidationError(
                _("Give a new value, or a property to copy from, or a moment, or clear it: exactly one.")
            )
        self.check_types(cleaned, given[0], prop)
        if given == ["clear"] and prop.required:
            message = _("%(property)s must not be blank, so it cannot be cleared. Set a value.")
            self.add_error("clear", message % {"property": prop.label})
        copied = cleaned.get("copy_from")
        source, same = source_of(copied, self.context), not self.raw("of") and bool(own_slug(copied))
        fault = copying.fault(source, prop, same_record=same) if source else ""
        if fault:
            self.add_error("copy_from", fault)
        return cleaned

    def check_types(self, cleaned: dict[str, Any], way: str, prop: Property) -> None:
        facts = {"property": prop.label}
        if way == "moment" and prop.type not in DATES:
            message = _("%(property)s is no date, so it cannot be set to a moment. Choose another property.")
            self.add_error("moment", message % facts)
        if cleaned.get("append") and prop.type not in MULTIPLE:
            message = _("%(property)s holds one value, so nothing can be added to it. Leave “append” out.")
            self.add_error("append", message % facts)
        if cleaned.get("append") and way not in ("value", "copy_from"):
            self.add_error("append", _("There is nothing to add. Give a value, or leave “append” out."))


def described(document: dict[str, Any], context: StepContext) -> str:
    """The setting in a sentence, also when it is not finished."""
    prop = property_of(document, context)
    if prop is None:
        return _("Choose a property to edit")
    facts = {"property": prop.label}
    if document.get("of"):
        records = subject_of(document, context).label_plural
        facts["property"] = _("%(property)s of the associated %(records)s") % (facts | {"records": records})
    if document.get("clear"):
        return _("Clear %(property)s") % facts
    if document.get("copy_from"):
        source = source_of(document["copy_from"], context)
        facts["source"] = source.label if source else document["copy_from"]
        added, copied = _("Add %(source)s to %(property)s"), _("Copy %(source)s into %(property)s")
        return (added if document.get("append") else copied) % facts
    if document.get("moment"):
        return _("Set %(property)s to %(moment)s") % (facts | {"moment": worded(document["moment"])})
    if document.get("value") in (None, "", []):
        return _("Set %(property)s: choose a value") % facts
    if document.get("append"):
        return _("Add %(value)s to %(property)s") % (facts | {"value": shown(document["value"], prop)})
    return _("Set %(property)s to %(value)s") % (facts | {"value": shown(document["value"], prop)})


def property_of(document: dict[str, Any], context: StepContext) -> Property | None:
    """The property a document edits; None when there is none of the name."""
    return properties_for(subject_of(document, context), context).get(str(document.get("property", "")))


def shown(value: Any, prop: Property | None) -> str:
    """A value of a document or of the log as a person reads it, also when its property is gone."""
    if value in (None, "", []):
        return ""
    if prop is None or tokens.has_tokens(value):
        return str(value)
    try:
        return prop.display(prop.clean(value))
    except (ValueError, TypeError):
        return str(value)
