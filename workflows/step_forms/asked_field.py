"""What a model is to answer: names, types, what each means, and the options of a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from records.property_types import property_types
from workflows.ai import typed
from workflows.step_forms.rows_field import Column, RowsWidget, rows_of
from workflows.step_forms.value_rows import NAME, ValueRowsField

ABOUT, OPTION, OPTIONS = 300, 100, 50
KEYS = ("name", "type", "about", "options")


def type_choices() -> list[tuple[str, Any]]:
    return [(slug, property_types[slug].label) for slug in typed.TYPES]


class AskedWidget(RowsWidget):
    """Rows whose options stand in one text, with commas between."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows = [dict(row) for row in rows_of(value, KEYS)]
        for row in rows:
            if isinstance(row.get("options"), list):
                row["options"] = ", ".join(str(one) for one in row["options"])
        return super().render(name, rows, attrs, renderer)


class AskedField(ValueRowsField):
    """Typed answers as [{"name", "type", "about", "options"}]."""

    no_list = gettext_lazy("%(value)r is not a list of answers. Write it like [{“name”: “score”, “type”: “number”}].")
    too_many = gettext_lazy("There are %(count)d answers, %(limit)d at most. Take some out.")
    taken = typed.RESERVED

    def __init__(self, **kwargs: Any) -> None:
        columns = (
            Column("name", gettext_lazy("Name")),
            Column("type", gettext_lazy("Type"), type_choices()),
            Column("about", gettext_lazy("What it is")),
            Column("options", gettext_lazy("Options, by commas")),
        )
        super().__init__(widget=AskedWidget(columns), required=False, **kwargs)

    def read(self, row: dict[str, Any]) -> dict[str, Any]:
        return read(row)

    def schema(self) -> dict[str, Any]:
        properties = {
            "type": {"type": "string", "enum": list(typed.TYPES)},
            "about": {"type": "string", "maxLength": ABOUT, "description": "What the model is told it is."},
            "options": {"type": "array", "items": {"type": "string"}, "maxItems": OPTIONS},
        }
        return self.rows_schema(properties, ["name"])


def read(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row, without what is blank. Raises ValidationError."""
    if unknown := sorted(set(map(str, row)) - set(KEYS)):
        message = _("“%(key)s” is not known in an answer. Use: %(known)s.")
        raise ValidationError(message % {"key": unknown[0], "known": ", ".join(KEYS)})
    name, type, about = (str(row.get(key) or "").strip() for key in ("name", "type", "about"))
    if not NAME.fullmatch(name):
        message = _("“%(name)s” is not a name of an answer. Use small letters, digits and _, a letter first.")
        raise ValidationError(message % {"name": name[:100]})
    type = type or "text"
    if type not in typed.TYPES:
        message = _("%(value)r is not a type of “%(name)s”. Use one of: %(known)s.")
        raise ValidationError(message % {"value": type, "name": name, "known": ", ".join(typed.TYPES)})
    if len(about) > ABOUT:
        message = _("What “%(name)s” is has %(length)d characters, %(limit)d at most. Shorten it.")
        raise ValidationError(message % {"name": name, "length": len(about), "limit": ABOUT})
    options = options_of(row.get("options"))
    if type == "select" and not 1 <= len(options) <= OPTIONS:
        message = _("“%(name)s” is a choice and needs 1 to %(limit)d options. Write them with commas between.")
        raise ValidationError(message % {"name": name, "limit": OPTIONS})
    found = {"name": name, "type": type}
    return found | ({"about": about} if about else {}) | ({"options": options} if type == "select" else {})


def options_of(value: Any) -> list[str]:
    """The options of a choice, each once."""
    listed = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return list(dict.fromkeys(text for one in listed if (text := str(one).strip()[:OPTION])))


def asked(document: Any) -> list[Property]:
    """The answers that are asked for, as properties; those that are not finished are left out. Without any, one."""
    found: dict[str, Property] = {}
    for row in document if isinstance(document, list) else []:
        try:
            one = read(row) if isinstance(row, dict) else None
        except ValidationError:
            continue
        if one is not None and one["name"] not in typed.RESERVED:
            found[one["name"]] = typed.output(**one)
    return list(found.values()) or [typed.output("answer", "text")]
