"""Which values of an answer later steps can use: their names, places in the JSON, and types."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from records.property_types import property_types
from workflows.definitions.definition import OUTCOME
from workflows.models.webhook import PATH_LENGTH, TYPES
from workflows.step_forms.rows_field import Column, RowsWidget
from workflows.step_forms.value_rows import NAME, ValueRowsField

#: What every answer has.
STATUS = "status"
TAKEN = {STATUS, OUTCOME}


def type_choices() -> list[tuple[str, Any]]:
    return [(slug, property_types[slug].label) for slug in TYPES]


class AnswerField(ValueRowsField):
    """Values of an answer as [{"name", "path", "type"}]."""

    no_list = gettext_lazy(
        "%(value)r is not a list of values. Write it like [{“name”: “score”, “path”: “data.score”}]."
    )
    too_many = gettext_lazy("There are %(count)d values, %(limit)d at most. Take some out.")
    taken = TAKEN

    def __init__(self, **kwargs: Any) -> None:
        columns = (
            Column("name", gettext_lazy("Name")),
            Column("path", gettext_lazy("Place in the answer")),
            Column("type", gettext_lazy("Type"), type_choices()),
        )
        super().__init__(widget=RowsWidget(columns), required=False, **kwargs)

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

    def schema(self) -> dict[str, Any]:
        properties = {
            "path": {"type": "string", "maxLength": PATH_LENGTH},
            "type": {"type": "string", "enum": list(TYPES)},
        }
        return self.rows_schema(properties, ["name", "path"])


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
