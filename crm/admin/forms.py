"""The form of a record, made from the properties of its object type."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models.expressions import DatabaseDefault
from django.utils import timezone
from django.utils.text import capfirst

from crm.record_links import may
from records.models import Access
from records.object_types import ObjectType
from records.problems import DocumentError
from records.properties import Property
from records.property_access.rights import ALWAYS_SEEN, reason, rights_of
from records.saving import Row, Saved, save_batch


class RecordForm(forms.Form):
    """Every property that can be written and the person may see; what they may not change is shown and stays.

    The values the person saw travel with the form, so that saving writes only what they changed and leaves alone
    what somebody else has changed meanwhile.
    """

    def __init__(self, *args: Any, object_type: ObjectType, user: Any, record: Any = None, **kwargs: Any) -> None:
        self.object_type = object_type
        self.record = record
        rights = rights_of(user)
        self.fixed = {slug for kind, slug in rights.restricted if kind == object_type.slug}
        # There is nothing yet to be seen of a new record.
        seen = rights.seen(object_type, object_type.properties())
        left_out = set() if record else self.fixed
        self.properties = {slug: prop for slug, prop in seen.items() if writable(prop) and slug not in left_out}
        shown = record or object_type.model()
        initial = {slug: initial_of(prop, shown) for slug, prop in self.properties.items()}
        kwargs["initial"] = initial | kwargs.pop("initial", {})
        super().__init__(*args, **kwargs)
        for slug, prop in self.properties.items():
            known = dataclasses.replace(prop, options_source=prop.options) if prop.options_source else prop
            self.fields[slug] = known.kind.form_field(
                known,
                label=capfirst(str(prop.label)),
                required=prop.required and slug not in self.fixed,
                help_text=capfirst(reason(Access.VIEW)) if slug in self.fixed else prop.description,
                show_hidden_initial=record is not None and slug not in self.fixed,
                disabled=slug in self.fixed,
            )

    def built_in(self) -> list[forms.BoundField]:
        return [self[slug] for slug, prop in self.properties.items() if not prop.custom and not prop.group]

    def groups(self) -> dict[str, list[forms.BoundField]]:
        """The built-in properties shown under a name of their own."""
        found: dict[str, list[forms.BoundField]] = {}
        for slug, prop in self.properties.items():
            if prop.group and not prop.custom:
                found.setdefault(str(prop.group), []).append(self[slug])
        return found

    def custom(self) -> list[forms.BoundField]:
        return [self[slug] for slug, prop in self.properties.items() if prop.custom]

    def save(self, user: Any) -> Saved | None:
        """Save what was changed; None, with errors in the form, when it cannot be saved."""
        slugs = [slug for slug in (self.changed_data if self.record else self.properties) if slug not in self.fixed]
        values = {slug: raw_of(self.cleaned_data[slug]) for slug in slugs if slug in self.properties}
        if self.record is None:
            values = {slug: value for slug, value in values.items() if value not in (None, "", [])}
        row = Row(values, id=self.record.pk if self.record else None)
        try:
            return save_batch(self.object_type, [row], actor=user, source="admin")[0]
        except DocumentError as error:
            for problem in error.problems:
                slug = problem.path.rpartition("properties.")[2]
                self.add_error(slug if slug in self.fields else None, str(problem.message))
            return None


def kept_values(object_type: ObjectType, record: Any, user: Any) -> list[tuple[str, str]]:
    """Label and value of what the record has and nobody writes by hand, but what every record has."""
    rights = rights_of(user)
    known = [
        prop
        for prop in object_type.declared
        if prop.read_only and prop.slug not in ALWAYS_SEEN and prop.read(record) is not None
        if rights.may_view(object_type.slug, prop.slug)
    ]
    return [(capfirst(str(prop.label)), prop.display(prop.read(record))) for prop in known]


def writable(prop: Property) -> bool:
    return not prop.read_only and prop.calculated is None


def initial_of(prop: Property, record: Any) -> Any:
    """A record's value as its form field takes it; a new record has only its defaults."""
    value = prop.read(record)
    if isinstance(value, DatabaseDefault):
        return None
    if prop.type == "boolean":
        return "" if value is None else str(value).lower()
    if prop.type == "datetime" and value is not None:
        return timezone.localtime(value).replace(second=0, microsecond=0)
    if prop.kind.family == "number" and value is not None:
        number = Decimal(str(value))
        return format(number if prop.type == "currency" else number.normalize(), "f")
    return value


def raw_of(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    return getattr(value, "pk", value)


def may_save(user: Any, object_type: ObjectType, record: Any) -> bool:
    return may(user, "change" if record else "add", object_type)
