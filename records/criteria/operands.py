"""The operands of operators: how a value beside an operator is read, described and drawn."""

from __future__ import annotations

import zoneinfo
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.points import ANCHORS, BEFORE, Point, read_point
from records.properties import Property
from records.property_types.texts import TEXT_LIMIT
from records.time_zones import time_zones

if TYPE_CHECKING:
    from records.criteria.scope import Scope

LIST_LIMIT = 1_000
DAYS_LIMIT = 36_500
#: Families whose values may vanish (an option removed, a user deleted) while stored criteria still name them.
NAMED = {"select", "multi_select", "user"}
NO_USER = -1
VALUE = gettext_lazy("value")


class Operand(ABC):
    """One key beside `property` and `operator`; `control` is the widget the builder draws for it."""

    control = "text"

    def __init__(self, name: str = "value", label: str | Promise = VALUE, **facts: Any) -> None:
        self.name, self.label = name, label
        self.required: bool = facts.get("required", True)
        self.default: Any = facts.get("default")

    @abstractmethod
    def clean(self, raw: Any, prop: Property, scope: Scope) -> Any:
        """The operand as Python; ValueError with a sentence that names value and remedy."""

    def display(self, value: Any, prop: Property) -> str:
        """The operand inside a sentence."""
        return str(value)

    def schema(self, prop: Property) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "string"}

    def moves(self, value: Any) -> bool:
        """Whether what it stands for moves with the clock."""
        return False


class One(Operand):
    """A value of the property's own type."""

    control = "one"

    def clean(self, raw: Any, prop: Property, scope: Scope) -> Any:
        value = clean_value(raw, prop, scope)
        if value is None:
            raise ValueError(_("The value is empty. Enter a value, or use “is unknown”."))
        return value

    def display(self, value: Any, prop: Property) -> str:
        return prop.display(value)

    def schema(self, prop: Property) -> dict[str, Any]:
        return value_schema(prop)


class Several(One):
    """Values of the property's own type."""

    control = "several"

    def clean(self, raw: Any, prop: Property, scope: Scope) -> Any:
        found = [super(Several, self).clean(part, prop, scope) for part in listed(raw)]
        values = [part for value in found for part in (value if isinstance(value, list) else [value])]
        return list(dict.fromkeys(values))

    def display(self, value: Any, prop: Property) -> str:
        return alternatives([prop.display([part] if prop.kind.multiple else part) for part in value])

    def schema(self, prop: Property) -> dict[str, Any]:
        return {"type": "array", "items": value_schema(prop), "minItems": 1, "maxItems": LIST_LIMIT}


class Phrase(Operand):
    """A piece of text, kept as written."""

    control = "phrase"

    def clean(self, raw: Any, prop: Property, scope: Scope) -> Any:
        if not isinstance(raw, str):
            raise ValueError(_("%(value)r is not text. Send a string.") % {"value": raw})
        if not raw.strip() or "\x00" in raw or len(raw) > TEXT_LIMIT:
            message = _("“%(value)s” cannot be searched for. Enter some text, without NUL characters.")
            raise ValueError(message % {"value": raw[:100].replace("\x00", "�")})
        return raw

    def display(self, value: Any, prop: Property) -> str:
        return _("“%(text)s”") % {"text": value}

    def schema(self, prop: Property) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class Phrases(Phrase):
    control = "phrases"

    def clean(self, raw: Any, prop: Property, scope: Scope) -> Any:
        return list(dict.fromkeys(super(Phrases, self).clean(part, prop, scope) for part in listed(raw)))

    def display(self, value: Any, prop: Property) -> str:
        return alternatives([super(Phrases, self).display(part, prop) for part in value])

    def schema(self, prop: Property) -> dict[str, Any]:
        return {"type": "array", "items": super().schema(prop), "minItems": 1, "maxItems": LIST_LIMIT}


class Whole(Operand):
    """A whole number within bounds."""

    control = "whole"

    def __init__(self, name: str, label: str | Promise, low: int, high: int, **facts: Any) -> None:
        super().__init__(name, label, **facts)
        self.low, self.high = low, high

    def clean(self, raw: Any, prop: Property, scope: Scope) -> int:
        if isinstance(raw, str) and raw.strip().isascii() and raw.strip().isdigit() and len(raw.strip()) < 10:
            raw = int(raw)
        if isinstance(raw, bool) or not isinstance(raw, int) or not self.low <= raw <= self.high:
            message = _("%(value)r is not a whole number between %(low)d and %(high)d. Send one.")
            raise ValueError(message % {"value": raw, "low": self.low, "high": self.high})
        return raw

    def schema(self, prop: Property) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class Days(Whole):
    """A number of days, relative to now."""

    def __init__(self) -> None:
        super().__init__("value", gettext_lazy("days"), 0, DAYS_LIMIT)

    def moves(self, value: Any) -> bool:
        return True


class When(Operand):
    """A day, an instant, or a point relative to now (OPR-49)."""

    control = "point"

    def clean(self, raw: Any, prop: Property, scope: Scope) -> Point:
        return read_point(raw)

    def display(self, value: Point, prop: Property) -> str:
        return value.display()

    def moves(self, value: Point | None) -> bool:
        return value is not None and value.moves

    def schema(self, prop: Property) -> dict[str, Any]:
        relative = {
            "type": "object",
            "properties": {
                "relative_to": {"enum": list(ANCHORS)},
                "offset": {"type": "integer"},
                "unit": {"enum": list(BEFORE)},
            },
            "required": ["relative_to"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, relative]}


class Flag(Operand):
    """Yes or no, with a default."""

    control = "flag"

    def clean(self, raw: Any, prop: Property, scope: Scope) -> bool:
        if not isinstance(raw, bool):
            raise ValueError(_("%(value)r is neither true nor false. Send true or false.") % {"value": raw})
        return raw

    def schema(self, prop: Property) -> dict[str, Any]:
        return {"type": "boolean", "default": self.default}


class Zone(Operand):
    """A time zone by its IANA name; that of the criteria where none is given (OPR-51)."""

    control = "zone"

    def __init__(self) -> None:
        super().__init__("time_zone", gettext_lazy("time zone"), required=False)

    def clean(self, raw: Any, prop: Property, scope: Scope) -> zoneinfo.ZoneInfo:
        if isinstance(raw, str) and raw in time_zones():
            return zoneinfo.ZoneInfo(raw)
        message = _("There is no time zone %(value)r. Use a name like Europe/Stockholm.")
        raise ValueError(message % {"value": raw})


class Chosen(Operand):
    """One of a few words."""

    control = "choice"

    def __init__(self, name: str, label: str | Promise, choices: dict[str, str | Promise], **facts: Any) -> None:
        super().__init__(name, label, **facts)
        self.choices = choices

    def clean(self, raw: Any, prop: Property, scope: Scope) -> str:
        if isinstance(raw, str) and raw in self.choices:
            return raw
        message = _("%(value)r is not a choice here. Use one of: %(known)s.")
        raise ValueError(message % {"value": raw, "known": ", ".join(self.choices)})

    def display(self, value: str, prop: Property) -> str:
        return str(self.choices[value])

    def schema(self, prop: Property) -> dict[str, Any]:
        return {"enum": list(self.choices)}

    def moves(self, value: Any) -> bool:
        return True


class Other(Operand):
    """Another property of the same record; of the same family unless `any_family`."""

    control = "property"

    def __init__(self, any_family: bool = False) -> None:
        super().__init__("other", gettext_lazy("other property"))
        self.any_family = any_family

    def clean(self, raw: Any, prop: Property, scope: Scope) -> Property:
        other = scope.property(raw) if isinstance(raw, str) else None
        if other is None:
            message = _("%(type)s has no property %(value)r to compare with. Use the internal name of a property.")
            raise ValueError(message % {"type": capfirst(str(scope.object_type.label_plural)), "value": raw})
        if not self.any_family and other.kind.family != prop.kind.family:
            message = _("%(other)s cannot be compared with %(property)s: they are of different kinds.")
            raise ValueError(message % {"other": other.label, "property": prop.label})
        return other

    def display(self, value: Property, prop: Property) -> str:
        return capfirst(str(value.label))


def listed(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError(_("%(value)r is not a list. Send a list of values.") % {"value": raw})
    if not raw:
        raise ValueError(_("The list of values is empty. Choose at least one."))
    if len(raw) > LIST_LIMIT:
        message = _("%(count)d values are too many; %(limit)d at most.")
        raise ValueError(message % {"count": len(raw), "limit": LIST_LIMIT})
    return raw


def clean_value(raw: Any, prop: Property, scope: Scope) -> Any:
    """A value of the property's type; users by their username."""
    if prop.kind.family == "user" and not isinstance(raw, str):
        raise ValueError(_("%(value)r is not a username. Use the username of an existing user.") % {"value": raw})
    if isinstance(raw, dict) or (isinstance(raw, list) and not prop.kind.multiple):
        raise ValueError(_("%(value)r is not a single value. Send one value.") % {"value": raw})
    try:
        return prop.clean([raw] if prop.kind.multiple and not isinstance(raw, list) else raw)
    except ValueError:
        if not scope.stored or prop.kind.family not in NAMED:
            raise
        return NO_USER if prop.kind.family == "user" else ([str(raw)] if prop.kind.multiple else str(raw))


def value_schema(prop: Property) -> dict[str, Any]:
    family = prop.kind.family
    if family in {"select", "multi_select"} and not prop.open:
        return {"enum": [option.value for option in prop.options]}
    return {"number": {"type": "number"}, "boolean": {"type": "boolean"}}.get(family, {"type": "string"})


def alternatives(words: list[str]) -> str:
    """“a, b or c”."""
    if len(words) == 1:
        return words[0]
    return _("%(first)s or %(last)s") % {"first": _(", ").join(words[:-1]), "last": words[-1]}
