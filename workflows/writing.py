"""Reading and writing one property of all records of a batch, in one statement each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from records.object_types import ObjectType
from records.properties import Property
from records.saving.writing import blank_of, update

if TYPE_CHECKING:
    from workflows.batch import Batch


def current_values(batch: Batch, prop: Property) -> dict[int, Any]:
    """The property's value for every record of the batch, None where it is blank."""
    found = batch.records().annotate(asked=prop.expression()).values_list("pk", "asked")
    if prop.column is not None or prop.calculated is not None:
        return {pk: None if value == "" else value for pk, value in found}
    return {pk: prop.stored(value) for pk, value in found}


def write(object_type: ObjectType, changes: dict[int, dict[str, Any]], properties: dict[str, Property]) -> None:
    """Set properties of records, by record id and slug, in one statement; None means blank."""
    for values in changes.values():
        for slug, value in values.items():
            column = column_of(object_type, properties[slug])
            if value is None and column is not None and not column.null:
                values[slug] = "" if properties[slug].kind.textual else blank_of(column)
    update(object_type, changes, properties)


def column_of(object_type: ObjectType, prop: Property) -> models.Field | None:
    fields = object_type.model._meta.concrete_fields
    return next((field for field in fields if field.attname == prop.column), None)
