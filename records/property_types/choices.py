"""Select, multi-select and user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import get_user_model
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.people import person_field
from records.property_types.base import PropertyType, property_types

if TYPE_CHECKING:
    from records.properties import Property


#: So long a value may be that is none of an open property's options.
OPEN_LIMIT = 200


def option_value(raw: Any, prop: Property) -> str:
    """The stored value of an option named by its value or, in any case, by its label."""
    text = str(raw).strip()
    for option in prop.options:
        if text == option.value or text.casefold() == str(option.label).casefold():
            return option.value
    if prop.open and text.isprintable() and len(text) <= OPEN_LIMIT:
        return text
    known = ", ".join(option.value for option in prop.options[:20]) or _("none yet")
    raise ValueError(
        _("“%(value)s” is not an option of %(property)s. Choose one of: %(options)s.")
        % {"value": raw, "property": prop.label, "options": known}
    )


@property_types.register
class Select(PropertyType):
    slug = "select"
    label = gettext_lazy("Select, one option")
    family = "select"
    textual = True

    def parse(self, raw: Any, prop: Property) -> str:
        return option_value(raw, prop)

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        return forms.ChoiceField(choices=[("", "—"), *((o.value, o.label) for o in prop.options)], **kwargs)

    def display(self, value: Any, prop: Property) -> str:
        return next((str(option.label) for option in prop.options if option.value == value), str(value))


@property_types.register
class MultiSelect(PropertyType):
    """Several options; text from a file is split at semicolons."""

    slug = "multi_select"
    label = gettext_lazy("Select, several options")
    family = "multi_select"
    multiple = True

    def parse(self, raw: Any, prop: Property) -> list[str]:
        parts = raw.split(";") if isinstance(raw, str) else raw
        if not isinstance(parts, list | tuple):
            raise ValueError(_("%(value)r is not a list of options. Send a list.") % {"value": raw})
        return sorted({option_value(part, prop) for part in parts if str(part).strip()})

    def output_field(self) -> models.Field:
        return models.JSONField()

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        choices = [(option.value, option.label) for option in prop.options]
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **kwargs)

    def display(self, value: Any, prop: Property) -> str:
        labels = {option.value: str(option.label) for option in prop.options}
        return ", ".join(labels.get(part, part) for part in value)


@property_types.register
class User(PropertyType):
    """A user of the installation: its username outside, its id in columns and journal."""

    slug = "user"
    label = gettext_lazy("User")
    family = "user"

    def parse(self, raw: Any, prop: Property) -> int:
        users = get_user_model()._default_manager
        found = users.filter(pk=raw) if isinstance(raw, int) else users.filter(username=str(raw).strip())
        pk = found.values_list("pk", flat=True).first()
        if pk is None:
            raise ValueError(_("There is no user “%(value)s”. Use the username of an existing user.") % {"value": raw})
        return pk

    def output_field(self) -> models.Field:
        return models.BigIntegerField()

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        return person_field(**kwargs)

    def from_storage(self, stored: Any) -> int:
        return int(stored)

    def as_json(self, value: Any) -> Any:
        return get_user_model()._default_manager.filter(pk=value).values_list("username", flat=True).first()

    def display(self, value: Any, prop: Property) -> str:
        user = get_user_model()._default_manager.filter(pk=value).first()
        return str(user) if user else _("a deleted user")
