"""The forms of webhooks' pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import object_types
from records.property_types import property_types
from workflows.models import Webhook
from workflows.models.webhook import TYPES
from workflows.webhooks import mapping
from workflows.webhooks.keeping import NAMING, naming_properties

NEW = "+"


def types(slugs: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(slug, str(property_types[slug].label)) for slug in slugs]


class NewForm(forms.Form):
    """What a webhook is called, and what its requests are about."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("What sends, and when: “Shop: order paid”.")
    )
    object_type = forms.ChoiceField(label=gettext_lazy("Requests are about"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["object_type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.slug, capfirst(str(one.label_plural))) for one in object_types.values()]


class NameForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)


class Row:
    """One property: its form's fields, and what the test payload has there."""

    def __init__(self, form: MappingForm, mapped: mapping.Mapped) -> None:
        number = mapped.property.pk
        self.property, self.value, self.fault = mapped.property, mapped.value, mapped.fault
        self.label, self.type, self.removed = (form[f"{name}-{number}"] for name in ("label", "type", "removed"))


class MappingForm(forms.Form):
    """Labels, types and removals of all properties."""

    def __init__(self, data: Any, webhook: Webhook, sample: Any, disabled: bool = False) -> None:
        super().__init__(data, auto_id="map_%s")
        self.mapped = mapping.shown(webhook, sample)
        for one in self.mapped:
            prop, pk = one.property, one.property.pk
            self.fields[f"label-{pk}"] = forms.CharField(
                label=_("Label of %(path)s") % {"path": prop.path}, max_length=120, initial=prop.label
            )
            self.fields[f"type-{pk}"] = forms.ChoiceField(
                label=_("Type of %(path)s") % {"path": prop.path}, choices=types(TYPES), initial=prop.type
            )
            self.fields[f"removed-{pk}"] = forms.BooleanField(
                label=_("Leave %(path)s out") % {"path": prop.path}, required=False, initial=prop.removed
            )
        for field in self.fields.values():
            field.disabled = disabled

    @property
    def rows(self) -> list[Row]:
        return [Row(self, one) for one in self.mapped]

    def changes(self) -> dict[str, dict[str, Any]]:
        """What was changed, by path."""
        found = {}
        for one in self.mapped:
            prop = one.property
            sent = {name: self.cleaned_data[f"{name}-{prop.pk}"] for name in ("label", "type", "removed")}
            if changed := {name: value for name, value in sent.items() if value != getattr(prop, name)}:
                found[prop.path] = changed
        return found


class MatchForm(forms.Form):
    """Which value names the record, and by which property; or a new property for that (WBH-11, WBH-12)."""

    path = forms.ChoiceField(label=gettext_lazy("Value of the payload"))
    property = forms.ChoiceField(
        label=gettext_lazy("is the record’s"),
        help_text=gettext_lazy("Properties of which no two records have the same value."),
    )
    new_label = forms.CharField(label=gettext_lazy("Name of the new property"), max_length=120, required=False)
    new_type = forms.ChoiceField(
        label=gettext_lazy("Type of the new property"), choices=lambda: types(NAMING), required=False
    )

    def __init__(self, data: Any, webhook: Webhook, may_define: bool, disabled: bool = False) -> None:
        super().__init__(
            data, initial={"path": webhook.match_path, "property": webhook.match_property}, auto_id="match_%s"
        )
        paths, known = self.fields["path"], self.fields["property"]
        assert isinstance(paths, forms.ChoiceField) and isinstance(known, forms.ChoiceField)
        properties = webhook.properties.filter(removed=False)
        paths.choices = [("", "—"), *((one.path, f"{one.label} ({one.path})") for one in properties)]
        unique = naming_properties(object_types[webhook.object_type])
        known.choices = [("", "—"), *((slug, capfirst(str(prop.label))) for slug, prop in unique.items())]
        if may_define and object_types[webhook.object_type].has_custom:
            known.choices = [*known.choices, (NEW, _("a new property with unique values …"))]
        else:
            del self.fields["new_label"], self.fields["new_type"]
        for field in self.fields.values():
            field.disabled = disabled

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("property") == NEW and not values.get("new_label"):
            self.add_error("new_label", _("Give the new property a name."))
        return values
