"""A field whose control follows the property chosen in another field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from records import people
from records.properties import Property
from workflows.step_forms.forms import check_tokens, user_choices
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.texts import tokens


def control_of(prop: Property) -> forms.Field:
    """The form field of a property; users are chosen by username, as JSON has them."""
    if prop.type == "user":
        if people.few() is None:
            return forms.CharField(widget=people.PersonInput, required=False)
        return forms.ChoiceField(choices=[("", "—"), *user_choices()], required=False)
    return prop.kind.form_field(prop, required=False)


class ValueField(forms.Field):
    """A value for the property chosen in the field `follows`; its control is that property type's own.

    Any type also takes a text with tokens, which is filled in and read anew for each record.
    """

    def __init__(self, *, follows: str = "property", **kwargs: Any) -> None:
        self.follows = follows
        self.property: Property | None = None
        self.inner: forms.Field | None = None
        self.context: StepContext | None = None
        super().__init__(**kwargs)

    def use_form(self, form: ParamsForm) -> None:
        self.context = form.context
        self.property = form.subject_properties.get(str(form.raw(self.follows) or ""))
        if self.property is None:
            return
        name = next(name for name, found in form.fields.items() if found is self)
        self.widget = self.widget_for((form.source or form.initial or {}).get(name))

    @classmethod
    def of(cls, prop: Property, context: StepContext) -> ValueField:
        """A field for one property that is known beforehand."""
        field = cls(required=False)
        field.property, field.context = prop, context
        return field

    def widget_for(self, stored: Any) -> forms.Widget:
        """The control for a value: the property type's own, or a text where tokens may stand."""
        assert self.property is not None, "a field without a property has no control of its own"
        self.inner = None
        if tokens.has_tokens(stored) or (self.property.kind.textual and not self.property.options):
            lines = self.property.type == "multi_line"
            widget: forms.Widget = forms.Textarea(attrs={"rows": 4}) if lines else forms.TextInput()
            widget.attrs["data-tokens"] = "true"
        else:
            self.inner = control_of(self.property)
            widget = self.inner.widget
        widget.is_required = False
        return widget

    @property
    def takes_data(self) -> str:
        """How the page inserts data, where the control takes a text; "" where it does not."""
        return "token" if "data-tokens" in self.widget.attrs else ""

    def prepare_value(self, value: Any) -> Any:
        """A stored value as the control shows it."""
        if self.inner is None or value is None or tokens.has_tokens(value):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        return self.inner.prepare_value(value)

    def clean(self, value: Any) -> Any:
        """The value as Python; a text with tokens as it is."""
        check_tokens(value, self.context)
        if tokens.has_tokens(value) or self.property is None:
            return value
        try:
            return self.property.clean(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def to_json(self, value: Any) -> Any:
        if self.property is None or tokens.has_tokens(value) or value is None:
            return value
        try:
            return self.property.as_json(self.property.clean(value))
        except ValueError:
            return value

    def schema(self) -> dict[str, Any]:
        return {"x-value-of": self.follows}
