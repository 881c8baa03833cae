"""A field for a list of named things of which each is one of some choices: what goes into a script, what comes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

Choices = list[Any]
Rows = list[dict[str, str]]
#: What a name may look like: scripts, tokens and formulas all have to read it.
MORE = 2_000
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")


class NamedRowsWidget(forms.Widget):
    """A row for each: its name, its choice and a box for taking it out; below, a choice of one more."""

    use_fieldset = True

    def __init__(self, key: str, texts: dict[str, str | Promise], more: tuple[str, str] | None = None) -> None:
        """`texts`: "add", "name", "choice", "remove" and "more" with %(number)d, and "default" for a new name.

        `more`: what rows of one choice say besides, and that choice.
        """
        super().__init__()
        self.key, self.texts, self.more = key, texts, more
        self.choices: Choices | Callable[[], Choices] = []

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if not hasattr(data, "getlist"):
            return data.get(name)
        removed = set(data.getlist(f"{name}-remove"))
        kept = [row for row in data.getlist(f"{name}-row") if row not in removed]
        rows: Rows = [
            {
                "name": (data.get(f"{name}-{row}-name") or "").strip(),
                self.key: data.get(f"{name}-{row}-{self.key}") or "",
            }
            for row in kept
        ]
        if added := data.get(f"{name}-add"):
            rows.append({"name": self.new_name(added, {row["name"] for row in rows}), self.key: added})
        if self.more:
            own, choice = self.more
            for row, number in zip(rows, kept, strict=False):
                if row[self.key] == choice and (text := (data.get(f"{name}-{number}-{own}") or "").strip()):
                    row[own] = text
        return rows

    def new_name(self, choice: str, taken: set[str]) -> str:
        """A name for a row just added that no other has."""
        base = str(self.texts.get("default") or re.sub(r"\W", "_", choice.rpartition(".")[2], flags=re.ASCII))
        names = (base if number == 1 else f"{base}_{number}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def id_for_label(self, id_: str) -> str:
        return ""

    def groups(self) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
        """The choices under their headings, "" for none."""
        for value, label in self.choices() if callable(self.choices) else self.choices:
            yield (str(value), label) if isinstance(label, list) else ("", [(value, label)])

    def options(self, chosen: str) -> SafeString:
        known: set[str] = set()
        parts: list[SafeString] = []
        for heading, group in self.groups():
            known |= {value for value, _label in group}
            made = format_html_join(
                "", '<option value="{}"{}>{}</option>',
                ((value, SafeString(" selected") if value == chosen else "", label) for value, label in group),
            )  # fmt: skip
            parts.append(format_html('<optgroup label="{}">{}</optgroup>', heading, made) if heading else made)
        if chosen not in known:
            # What is not to be had any more stays until somebody chooses anew.
            parts.append(format_html('<option value="{}" selected>{}</option>', chosen, chosen))
        return format_html_join("", "{}", ((part,) for part in parts))

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        listed = value if isinstance(value, list) else []
        rows = [row if isinstance(row, dict) else {} for row in listed]
        shown = format_html_join("", "{}", ((self.row(name, number, row),) for number, row in enumerate(rows, 1)))
        return format_html(
            '{}<div class="field" data-refresh="panel"><label for="param_{}-add">{}</label>'
            '<select name="{}-add" id="param_{}-add">{}</select></div>',
            shown, name, self.texts["add"], name, name, self.options(""),
        )  # fmt: skip

    def row(self, name: str, number: int, row: dict[str, Any]) -> SafeString:
        own, choice = str(row.get("name") or ""), str(row.get(self.key) or "")
        return format_html(
            '<div class="field flow-named"><input type="hidden" name="{name}-row" value="{number}">'
            '<input type="text" name="{name}-{number}-name" id="param_{name}-{number}-name" value="{own}" '
            'maxlength="50" spellcheck="false" autocomplete="off" aria-label="{named}">'
            '<select name="{name}-{number}-{key}" id="param_{name}-{number}-{key}" aria-label="{chosen}"{again}>'
            '{options}</select>{further}<label class="small" data-refresh="panel">'
            '<input type="checkbox" name="{name}-remove" value="{number}"> {remove}</label></div>',
            name=name, number=number, key=self.key, own=own, options=self.options(choice),
            again=SafeString(' data-refresh="panel"' if self.more else ""),
            named=str(self.texts["name"]) % {"number": number}, chosen=str(self.texts["choice"]) % {"number": number},
            remove=str(self.texts["remove"]) % {"number": number}, further=self.further(name, number, row),
        )  # fmt: skip

    def further(self, name: str, number: int, row: dict[str, Any]) -> SafeString:
        """A line for what a row of its choice says besides."""
        if self.more is None or row.get(self.key) != self.more[1]:
            return SafeString("")
        label = str(self.texts["more"]) % {"number": number}
        return format_html(
            '<input type="text" name="{0}-{1}-{2}" id="param_{0}-{1}-{2}" value="{3}" maxlength="{4}" '
            'autocomplete="off" aria-label="{5}" placeholder="{5}">',
            name, number, self.more[0], str(row.get(self.more[0]) or ""), MORE, label,
        )  # fmt: skip


class NamedRowsField(forms.Field):
    """A list like [{"name": "city", "from": "city"}]; `key` is what a row says besides its name."""

    def __init__(
        self,
        key: str,
        texts: dict[str, str | Promise],
        *,
        limit: int,
        more: tuple[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.key, self.limit, self.more = key, limit, more
        super().__init__(widget=NamedRowsWidget(key, texts, more), required=False, **kwargs)

    def offer(self, choices: Choices | Callable[[], Choices]) -> None:
        assert isinstance(self.widget, NamedRowsWidget)
        self.widget.choices = choices

    def clean(self, value: Any) -> Rows:
        if value in (None, ""):
            return []
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            message = _("%(value)r is not a list. Write it like [{“name”: “city”, “%(key)s”: “…”}].")
            raise ValidationError(message % {"value": value, "key": self.key})
        if len(value) > self.limit:
            message = _("There are %(count)d of them, %(limit)d at most are possible. Take some out.")
            raise ValidationError(message % {"count": len(value), "limit": self.limit})
        faults = [fault for number, row in enumerate(value, 1) for fault in self.faults(row, number, value)]
        if faults:
            raise ValidationError(faults)
        return value

    def faults(self, row: dict[str, Any], number: int, rows: list[dict[str, Any]]) -> Iterator[str]:
        """What is wrong with one row."""
        name, choice = row.get("name"), row.get(self.key)
        further = row.get(self.more[0], "") if self.more and choice == self.more[1] else None
        known = {"name", self.key, *([self.more[0]] if self.more and further is not None else [])}
        if further is not None and (not isinstance(further, str) or len(further) > MORE):
            message = _("What “%(name)s” can be is no text, or longer than %(limit)d characters. Shorten it.")
            yield message % {"name": name, "limit": MORE}
        if unknown := sorted(set(map(str, row)) - known):
            message = _("“%(key)s” in row %(number)d is not known. Use “name” and “%(own)s”.")
            yield message % {"key": unknown[0], "number": number, "own": self.key}
        if not isinstance(name, str) or not NAME.fullmatch(name):
            message = _(
                "“%(name)s” in row %(number)d is no name. Use letters without accents, digits and _, 50 at most, and "
                "begin with a letter."
            )
            yield message % {"name": name, "number": number}
        elif any(other.get("name") == name for other in rows[: number - 1]):
            yield _("The name “%(name)s” is there twice. Give each its own.") % {"name": name}
        if not isinstance(choice, str) or not choice:
            yield _("“%(name)s” is not finished. Choose what it is.") % {"name": name}

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        texts = {"name": {"type": "string", "pattern": f"^{NAME.pattern}$"}, self.key: {"type": "string"}}
        if self.more:
            texts[self.more[0]] = {"type": "string"}
        row = {"type": "object", "properties": texts, "required": ["name", self.key], "additionalProperties": False}
        return {"type": "array", "maxItems": self.limit, "items": row}
