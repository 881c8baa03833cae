"""What forms may ask: properties of the contact who fills them in, and of its company, named like "contact.email"."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.text import capfirst

from crm.models import Form, FormField
from records.models import Access
from records.object_types import ObjectType, object_types
from records.properties import Option, Property
from records.property_access import rights_of

TYPES = ("contact", "company")
EMAIL = "contact.email"
#: What browsers may fill in by themselves.
FILLED_IN = {
    EMAIL: "email", "contact.first_name": "given-name", "contact.last_name": "family-name", "contact.phone": "tel",
    "contact.mobile": "tel", "contact.job_title": "organization-title", "contact.city": "address-level2",
    "contact.country": "country-name", "company.name": "organization",
}  # fmt: skip


def askable() -> dict[str, Property]:
    """Every property a form may ask for or set, by its full name."""
    found = {}
    for kind in TYPES:
        for slug, prop in object_types[kind].properties().items():
            if not prop.read_only and prop.calculated is None:
                found[f"{kind}.{slug}"] = prop
    return found


def not_to_ask(user: Any) -> dict[str, Access]:
    """The properties a person may not edit, and so not let a form change, by full name with their right."""
    restricted = rights_of(user).restricted
    return {f"{kind}.{slug}": level for (kind, slug), level in restricted.items() if kind in TYPES}


def grouped_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The same as choices of a select, by object type."""
    known = askable()
    return [
        (
            capfirst(str(object_types[kind].label)),
            [(name, capfirst(str(prop.label))) for name, prop in known.items() if name.startswith(f"{kind}.")],
        )
        for kind in TYPES
    ]


@dataclass(frozen=True)
class Question:
    """One field of a form, with the property it is about as the form wants it: its label, some of its options."""

    row: FormField
    prop: Property

    @property
    def full_name(self) -> str:
        return self.row.property

    @property
    def object_type(self) -> ObjectType:
        return object_types[self.row.property.partition(".")[0]]

    @property
    def slug(self) -> str:
        return self.row.property.partition(".")[2]

    @property
    def name(self) -> str:
        """Its name in the page: "first_name", or "company.name" where it is about the company."""
        return self.row.property.removeprefix("contact.")

    @property
    def shown(self) -> bool:
        """Whether the visitor sees it. Who the users of an installation are is nothing for visitors."""
        return not self.row.hidden and self.prop.type != "user"

    def field(self) -> forms.Field:
        """The field of the page."""
        facts: dict[str, Any] = {
            "label": self.prop.label, "help_text": self.row.help, "required": self.row.required,
            "initial": self.row.value or None,
        }  # fmt: skip
        if self.row.options and "select" not in self.prop.kind.family:
            choices = [("", "—"), *((option, option) for option in self.row.options)]
            return forms.ChoiceField(choices=choices, **facts)
        field = self.prop.kind.form_field(self.prop, **facts)
        if self.full_name in FILLED_IN:
            field.widget.attrs["autocomplete"] = FILLED_IN[self.full_name]
        return field


def questions(form: Form) -> list[Question]:
    """The fields of a form in their order, without those whose property does not exist any more."""
    known = askable()
    return [question_of(row, known[row.property]) for row in form.fields.all() if row.property in known]


def question_of(row: FormField, prop: Property) -> Question:
    options: Iterable[Option] = prop.options
    if row.options and not row.hidden and "select" in prop.kind.family:
        options = [one for one in options if one.value in row.options or str(one.label) in row.options]
    label = row.label or capfirst(str(prop.label))
    return Question(row, dataclasses.replace(prop, label=label, options_source=tuple(options)))
