"""Which values of an answer later steps can use: their names, places in the JSON, and types."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from records.property_types import property_types
from workflows.definitions.definition import OUTCOME
from workflows.models.webhook import PATH_LENGTH, TYPES
from workflows.step_forms.rows_field import Column, RowsWidget

MOST = 20
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
#: What every answer has.
STATUS = "status"
TAKEN = {STATUS, OUTCOME}


def type_choices() -> list[tuple[str, Any]]:
    return [(slug, property_types[slug].label) for slug in TYPES]


class AnswerField(forms.Field):
    """Values of an answer as [{"name", "path", "type"}]."""

    def __init__(self, **kwargs: Any) -> None:
        columns = (
            Column("name", gettext_lazy("Name")),
            Column("path", gettext_lazy("Place in the answer")),
            Column("type", gettext_lazy("Type"), type_choices()),
        )
        super().__init__(widget=RowsWidget(columns), required=False, **kwargs)

    def clean(self, value: Any) -> list[dict[str, str]]:
        if value in (None, "", [], {}):
            return []
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            message = _("%(value)r is not a list of values. Write it like [{“name”: “score”, “path”: “data.score”}].")
            raise ValidationError(message % {"value": value})
        if len(value) > MOST:
            message = _("There are %(count)d values, %(limit)d at most. Take some out.")
            raise ValidationError(message % {"count": len(value), "limit": MOST})
        found = [self.read(row) for row in value]
        names = [row["name"] for row in found]
        for name in names:
            if names.count(name) > 1 or name in TAKEN:
                message = _("The name “%(name)s” is taken. Choose another.")
                raise ValidationError(message % {"name": name})
        return found

    def read(self, row: dict[str, Any]) -> dict[str, str]:
        """One row. Raises ValidationError."""
        name, path, type = (str(row.get(key) or "").strip() for key in ("name", "path", "type"))
        if not NAME.fullmatch(name):
            message = _("“%(name)s” is not a name of a value. Use small letters, digits and _, a letter first.")
            raise ValidationError(message % {"name": name[:100]})
        if not path or len(path) > PATH_LENGTH:
            message = _("“%(name)s” has no place in the answer. Write it like data.score or items.0.price.")
            raise ValidationError(message % {"name": name})
        type = type or "text"
        if type not in TYPES:
            message = _("%(value)r is not a type of “%(name)s”. Use one of: %(known)s.")
            raise ValidationError(message % {"value": type, "name": name, "known": ", ".join(TYPES)})
        return {"name": name, "path": path, "type": type}

    def to_json(self, value: Any) -> Any:
        try:
            return self.clean(value)
        except ValidationError:
            return value

    def schema(self) -> dict[str, Any]:
        properties = {
            "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
            "path": {"type": "string", "maxLength": PATH_LENGTH},
            "type": {"type": "string", "enum": list(TYPES)},
        }
        row = {"type": "object", "properties": properties, "required": ["name", "path"], "additionalProperties": False}
        return {"type": "array", "items": row, "maxItems": MOST}


def properties_in(document: Any) -> dict[str, Property]:
    """The outputs of a step by name: the status, and its values; those that are not finished are left out."""
    found = {STATUS: Property(STATUS, gettext_lazy("Status of the answer"), "number")}
    for row in document if isinstance(document, list) else []:
        if not isinstance(row, dict):
            continue
        name, type = str(row.get("name") or ""), str(row.get("type") or "text")
        if NAME.fullmatch(name) and name not in TAKEN and type in TYPES:
            found[name] = Property(name, name, type)
    return found
