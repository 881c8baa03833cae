"""Raw values of a batch as Python, with a problem for everything that cannot be kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.translation import gettext as _

from records.models import Access
from records.object_types import ObjectType
from records.properties import Property
from records.property_access.rights import EVERYTHING, PropertyRights, refusal
from records.saving.rows import Row, Work

INTEGERS = {
    "SmallIntegerField": 2**15,
    "PositiveSmallIntegerField": 2**15,
    "IntegerField": 2**31,
    "PositiveIntegerField": 2**31,
}


class Cleaner:
    """Cleans the values of one batch; options and users are read from the database once."""

    def __init__(self, object_type: ObjectType, rows: Iterable[Row], rights: PropertyRights = EVERYTHING) -> None:
        self.object_type, self.rights = object_type, rights
        self.known = object_type.properties()
        #: What may be sent as it is, but not changed.
        self.fixed = {slug for slug in self.known if not rights.may_edit(object_type.slug, slug)}
        used = {slug for row in rows for slug in (*row.properties, *row.initial)} & set(self.known)
        self.properties = {
            slug: dataclasses.replace(self.known[slug], options_source=self.known[slug].options) for slug in used
        }
        self.answers: dict[tuple[str, type, Any], Any] = {}
        self.users = usernames(rows, [slug for slug, prop in self.properties.items() if prop.type == "user"])

    def clean(self, work: Work) -> None:
        """Fill the work's values, or its problems: also for what whoever sent it may not even see."""
        self.clean_values(work, work.row.properties)
        for slug in self.fixed & work.row.properties.keys():
            level = self.rights.level(self.object_type.slug, slug)
            if level < Access.VIEW:
                raw = work.row.properties[slug]
                work.refuse(f"properties.{slug}", refusal(self.known[slug].label, level), raw, code="forbidden")

    def clean_initial(self, work: Work) -> None:
        """Add the values of a new record that its row does not give."""
        missing = {slug: raw for slug, raw in work.row.initial.items() if work.values.get(slug) is None}
        self.clean_values(work, missing)

    def clean_values(self, work: Work, raws: Mapping[str, Any]) -> None:
        for slug, raw in raws.items():
            path = f"properties.{slug}"
            prop = self.properties.get(slug)
            if prop is None:
                work.refuse(path, self.unknown(slug), raw, code="unknown_property")
            elif prop.read_only or prop.calculated is not None:
                message = _("%(property)s cannot be changed. Leave it out.")
                work.refuse(path, message % {"property": prop.label}, raw, code="read_only")
            else:
                try:
                    work.values[slug] = self.value(prop, raw)
                except ValueError as error:
                    work.refuse(path, str(error), raw)

    def value(self, prop: Property, raw: Any) -> Any:
        """Clean one value; the same raw value of the same property is looked at once per batch."""
        if prop.type == "user" and raw in self.users:
            return self.users[raw]
        if not isinstance(raw, str | int | float | bool | None):
            return self.fit(prop, prop.clean(raw))
        key = (prop.slug, type(raw), raw)
        if key not in self.answers:
            try:
                self.answers[key] = self.fit(prop, prop.clean(raw))
            except ValueError as error:
                self.answers[key] = error
        answer = self.answers[key]
        if isinstance(answer, ValueError):
            raise ValueError(*answer.args)
        return answer

    def fit(self, prop: Property, value: Any) -> Any:
        return value if prop.column is None or value is None else fitting(self.column(prop), prop, value)

    def column(self, prop: Property) -> models.Field:
        return column_of(self.object_type, prop)

    def unknown(self, slug: str) -> str:
        known = ", ".join(slug for slug, prop in self.known.items() if not prop.read_only)
        message = _("There is no property “%(slug)s” of %(type)s. Use one of: %(known)s.")
        return message % {"slug": slug, "type": self.object_type.label_plural, "known": known}


def column_of(object_type: ObjectType, prop: Property) -> models.Field:
    """The model field behind a built-in property (`owner_id` is the attribute, `owner` the field)."""
    fields: Iterable[models.Field] = object_type.model._meta.concrete_fields
    return next(column for column in fields if column.attname == prop.column)


def usernames(rows: Iterable[Row], slugs: list[str]) -> dict[Any, int]:
    """Ids of the users the rows name, by username or id as written; those not found are left to Property.clean."""
    raws = {row.properties[slug] for row in rows for slug in slugs if is_name(row.properties.get(slug))}
    if not raws:
        return {}
    users = get_user_model()._default_manager.filter(
        models.Q(username__in=[str(raw).strip() for raw in raws])
        | models.Q(pk__in=[raw for raw in raws if isinstance(raw, int)])
    )
    by_name: dict[Any, int] = {}
    for pk, username in users.values_list("pk", "username"):
        by_name |= {pk: pk, username: pk}
    return {raw: by_name[key] for raw in raws if (key := raw.strip() if isinstance(raw, str) else raw) in by_name}


def is_name(raw: Any) -> bool:
    return isinstance(raw, str | int) and not isinstance(raw, bool)


def fitting(column: models.Field, prop: Property, value: Any) -> Any:
    """A cleaned value as the column can hold it. Raises ValueError with a sentence."""
    if column.max_length and isinstance(value, str) and len(value) > column.max_length:
        message = _("%(property)s has %(length)d characters, %(limit)d at most. Shorten it.")
        raise ValueError(message % {"property": prop.label, "length": len(value), "limit": column.max_length})
    if isinstance(value, Decimal):
        return fitting_number(column, prop, value)
    return value


def fitting_number(column: models.Field, prop: Property, value: Decimal) -> Any:
    facts = {"property": prop.label, "value": f"{value:f}"}
    if isinstance(column, models.DecimalField):
        places, digits = column.decimal_places or 0, column.max_digits or 0
        value = value.quantize(Decimal(1).scaleb(-places))
        if abs(value) >= Decimal(10) ** (digits - places):
            message = _("%(value)s is too large for %(property)s: %(digits)d digits before the point at most.")
            raise ValueError(message % (facts | {"digits": digits - places}))
        return value
    if isinstance(column, models.IntegerField):
        limit = INTEGERS.get(column.get_internal_type(), 2**63)
        if value != value.to_integral_value() or not -limit <= value < limit:
            raise ValueError(_("“%(value)s” is not a whole number %(property)s can hold. Write it like 120.") % facts)
        return int(value)
    return value
