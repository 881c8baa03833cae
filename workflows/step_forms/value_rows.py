"""A field of rows that each have a name: what is to be read from an answer, or what is asked for."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
MOST = 20


class ValueRowsField(ABC, forms.Field):
    """At most MOST rows, whose names differ; JSON carries them as a list of objects.

    A subclass reads one row, and says in whole sentences what a value that is no list is not (with %(value)r), and
    that there are too many rows (with %(count)d and %(limit)d).
    """

    no_list: str | Promise
    too_many: str | Promise
    #: Names no row may have.
    taken: Collection[str]

    @abstractmethod
    def read(self, row: dict[str, Any]) -> dict[str, Any]:
        """One row as it is kept, with its `name`. Raises ValidationError."""

    def clean(self, value: Any) -> list[dict[str, Any]]:
        if value in (None, "", [], {}):
            return []
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise ValidationError(str(self.no_list) % {"value": value})
        if len(value) > MOST:
            raise ValidationError(str(self.too_many) % {"count": len(value), "limit": MOST})
        found = [self.read(row) for row in value]
        names = [row["name"] for row in found]
        for name in names:
            if names.count(name) > 1 or name in self.taken:
                raise ValidationError(_("The name “%(name)s” is taken. Choose another.") % {"name": name})
        return found

    def to_json(self, value: Any) -> Any:
        """What cannot be cleaned is kept as it was sent."""
        try:
            return self.clean(value)
        except ValidationError:
            return value

    def rows_schema(self, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
        """The JSON schema of the list; the name's is the same for all."""
        named = {"name": {"type": "string", "pattern": f"^{NAME.pattern}$"}} | properties
        row = {"type": "object", "properties": named, "required": required, "additionalProperties": False}
        return {"type": "array", "items": row, "maxItems": MOST}
