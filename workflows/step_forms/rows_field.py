"""A field of rows, each with the same few columns: names with texts, results with their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

Row = dict[str, str]


@dataclass(frozen=True)
class Column:
    """A column of a row: what it is called, and its choices when it is no free text. `tokens`: it may hold some."""

    name: str
    label: Any
    choices: Sequence[tuple[str, Any]] = ()
    tokens: bool = False


class RowsWidget(forms.Widget):
    """The rows and an empty one below; a row whose first column is emptied is gone."""

    use_fieldset = True

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.columns = columns

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if not hasattr(data, "getlist"):
            return data.get(name)
        sent = [data.getlist(f"{name}-{column.name}") for column in self.columns]
        names = [column.name for column in self.columns]
        rows = (dict(zip(names, row, strict=True)) for row in zip(*sent, strict=False))
        return [row for row in rows if str(row[names[0]]).strip()]

    def id_for_label(self, id_: str) -> str:
        return ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows = [*rows_of(value, [column.name for column in self.columns]), {}]
        return format_html_join("", "{}", ((self.row(name, place, row),) for place, row in enumerate(rows, 1)))

    def row(self, name: str, place: int, row: Mapping[str, Any]) -> SafeString:
        cells = ((self.cell(name, place, column, str(row.get(column.name) or "")),) for column in self.columns)
        refresh = SafeString(' data-refresh="panel"') if not row else ""
        return format_html('<div class="toolbar flow-row"{}>{}</div>', refresh, format_html_join("", "{}", cells))

    def cell(self, name: str, place: int, column: Column, value: str) -> SafeString:
        label = _("%(column)s, row %(place)d") % {"column": column.label, "place": place}
        facts = (f"{name}-{column.name}", f"param_{name}-{column.name}-{place}", label)
        if not column.choices:
            return format_html(
                '<input type="text" name="{}" id="{}" aria-label="{}" placeholder="{}" value="{}">',
                *facts, column.label, value,
            )  # fmt: skip
        options = format_html_join(
            "", '<option value="{}"{}>{}</option>',
            ((one, SafeString(" selected") if one == value else "", text) for one, text in column.choices),
        )  # fmt: skip
        return format_html('<select name="{}" id="{}" aria-label="{}">{}</select>', *facts, options)


def rows_of(value: Any, names: Sequence[str]) -> list[Mapping[str, Any]]:
    """What a document holds as rows: a list of objects, or an object of names with texts."""
    if isinstance(value, Mapping):
        return [{names[0]: key, names[-1]: text} for key, text in value.items()]
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


class NamedTextsField(forms.Field):
    """Names with texts, which may hold tokens; JSON carries them as an object."""

    def __init__(self, *, name: Any, text: Any, most: int, **kwargs: Any) -> None:
        self.most = most
        columns = (Column("name", name), Column("value", text, tokens=True))
        super().__init__(widget=RowsWidget(columns), required=False, **kwargs)

    def clean(self, value: Any) -> dict[str, str]:
        if value in (None, "", [], {}):
            return {}
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            rows = [(str(row.get("name") or "").strip(), row.get("value") or "") for row in value]
        elif isinstance(value, dict):
            rows = list(value.items())
        else:
            message = _("%(value)r is not a set of names with texts. Write it like {“name”: “text”}.")
            raise ValidationError(message % {"value": value})
        if len(rows) > self.most:
            message = _("There are %(count)d rows, %(limit)d at most. Take some out.")
            raise ValidationError(message % {"count": len(rows), "limit": self.most})
        found: dict[str, str] = {}
        for name, text in rows:
            if not isinstance(text, str):
                message = _("The value of “%(name)s” is %(value)r, not text. Send a string.")
                raise ValidationError(message % {"name": str(name)[:100], "value": text})
            if name in found:
                message = _("There are two rows named “%(name)s”. Take one out.")
                raise ValidationError(message % {"name": str(name)[:100]})
            found[str(name)] = text
        return found

    def to_json(self, value: Any) -> Any:
        """What cannot be cleaned is kept as it was sent."""
        try:
            return self.clean(value)
        except ValidationError:
            return value

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": {"type": "string", "x-tokens": True},
            "maxProperties": self.most,
        }
