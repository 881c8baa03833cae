"""What a model is to answer with, as a JSON schema, and its answers as values: cleaned by type, or left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from records.properties import Option, Property

Schema = dict[str, Any]
#: What a typed answer of a step can be.
TYPES = ("text", "number", "boolean", "select", "date", "datetime")
#: Property types a model can be asked for.
ASKABLE = (*TYPES, "multi_line", "multi_select", "email", "phone", "url", "money", "currency")
#: Signs of one option list in a schema at most: more than that no model reads.
OPTIONS = 500
#: Names that steps keep themselves.
RESERVED = {"outcome"}


def askable(prop: Property) -> bool:
    """Whether a model can be asked for a property: it can be written, and its type says what it may be."""
    writable = not prop.read_only and prop.calculated is None and not prop.sensitive
    return writable and prop.type != "user" and (prop.kind.family != "user")


def schema_of(properties: Iterable[Property]) -> Schema:
    """One JSON object with every property by its slug; null stands for what the model does not know."""
    fields = {prop.slug: field_of(prop) for prop in properties}
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def field_of(prop: Property) -> Schema:
    found: Schema = {"description": described(prop)}
    family = prop.kind.family
    if prop.kind.multiple:
        return found | {"type": ["array", "null"], "items": {"type": "string", "enum": values(prop)}}
    if family == "select" and not prop.open and values(prop):
        return found | {"type": ["string", "null"], "enum": [*values(prop), None]}
    kind = {"number": "number", "boolean": "boolean"}.get(family, "string")
    return found | {"type": [kind, "null"]}


def values(prop: Property) -> list[str]:
    return [option.value for option in prop.options][:OPTIONS]


def described(prop: Property) -> str:
    """What a model is told of a property, in English: models read that best, and no person reads it."""
    parts = [str(prop.label), str(prop.description)]
    parts += {"date": ["as YYYY-MM-DD"], "datetime": ["as YYYY-MM-DDTHH:MM:SSZ"]}.get(prop.type, [])
    labels = [f"{option.value} = {option.label}" for option in prop.options if option.value != str(option.label)]
    if labels:
        parts.append("; ".join(labels[:OPTIONS]))
    return ". ".join(part for part in parts if part)[:4_000]


def as_it_is(prop: Property, value: Any) -> Any:
    return value


def read(
    answer: Mapping[str, Any], wanted: Iterable[Property], fit: Callable[[Property, Any], Any] = as_it_is
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of an answer by slug, as Python, None for blanks; and why others were left out, by slug.

    `fit` makes a cleaned value what is kept, or raises ValueError with a sentence.

    Whatever the model says is data: it goes through the type like a value a person sends, and nothing else is done
    with it.
    """
    found: dict[str, Any] = {}
    misfits: dict[str, str] = {}
    for prop in wanted:
        try:
            found[prop.slug] = fit(prop, prop.clean(plain(answer.get(prop.slug), prop)))
        except (ValueError, TypeError, ArithmeticError) as error:
            misfits[prop.slug] = str(error)[:500]
    return found, misfits


def plain(raw: Any, prop: Property) -> Any:
    """What a model means where its JSON is a little off: a number for a text, "null" for nothing."""
    if isinstance(raw, str) and raw.strip().casefold() in ("null", "none", "unknown", "n/a"):
        known = {text.casefold() for option in prop.options for text in (option.value, str(option.label))}
        return raw if raw.strip().casefold() in known else None
    if isinstance(raw, dict) or (isinstance(raw, list) and not prop.kind.multiple):
        raise ValueError(_("The answer is no single value. Ask for less at a time."))
    if isinstance(raw, float) and prop.kind.family == "number":
        return repr(raw)
    if isinstance(raw, int) and not isinstance(raw, bool) and prop.kind.textual:
        return str(raw)
    return raw


def output(name: str, type: str, about: str = "", options: Iterable[str] = ()) -> Property:
    """A typed answer as the property later steps see."""
    chosen = tuple(Option(one, one) for one in options) if type == "select" else ()
    return Property(name, name, type, options_source=chosen, description=about)
