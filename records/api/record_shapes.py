"""The JSON schemas of records: what clients may send and will get, property by property."""

from __future__ import annotations

from typing import Any

from records.api.schema import Document, object_shape
from records.object_types import ObjectType
from records.properties import Property

BASES: dict[str, Document] = {
    "text": {"type": "string"},
    "multi_line": {"type": "string"},
    "email": {"type": "string", "format": "email"},
    "phone": {"type": "string"},
    "url": {"type": "string", "format": "uri"},
    "number": {"type": "number"},
    "currency": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
    "select": {"type": "string"},
    "multi_select": {"type": "array"},
    "user": {"type": "string", "description": "A username."},
}
ID: Document = {"type": "integer", "minimum": 1}
INSTANT: Document = {"type": "string", "format": "date-time"}
ASSOCIATION = object_shape(
    {
        "type": {"type": "string", "description": "The other record's object type."},
        "id": ID,
        "label": {"type": "string", "default": "", "description": "“” for a plain link."},
    },
    optional=("label",),
    title="Association",
)
LINKS: Document = {"type": "array", "items": ASSOCIATION}
#: Known to every record, beside its properties.
OUTSIDE = ("id", "created_at", "updated_at")


def schema_of(prop: Property, *, with_options: bool = True) -> Document:
    """A property's value as JSON schema; null is "blank", and clears when sent."""
    schema = dict(BASES.get(prop.type, {}))
    options = [option.value for option in prop.options] if with_options else []
    if prop.kind.multiple:
        schema["items"] = {"type": "string", "enum": options} if options else {"type": "string"}
    elif options:
        schema["enum"] = [*options, None]
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if prop.description:
        schema["description"] = str(prop.description)
    return schema | {"title": str(prop.label)} | ({"readOnly": True} if is_read_only(prop) else {})


def is_read_only(prop: Property) -> bool:
    return prop.read_only or prop.calculated is not None


def writable(object_type: ObjectType) -> Document:
    return {slug: schema_of(prop) for slug, prop in object_type.properties().items() if not is_read_only(prop)}


def readable(object_type: ObjectType) -> Document:
    return {slug: schema_of(prop) for slug, prop in object_type.properties().items() if slug not in OUTSIDE}


def titled(view: Any, kind: str) -> str:
    return "".join(word.title() for word in view.object_type.slug.split("_")) + (kind or "Record")


def properties_shape(properties: Document) -> Document:
    return object_shape(properties, optional=tuple(properties))


def record(view: Any) -> Document:
    return object_shape(
        {
            "id": ID,
            "properties": properties_shape(readable(view.object_type)),
            "associations": {"type": "array", "items": ASSOCIATION},
            "created_at": INSTANT,
            "updated_at": INSTANT,
        },
        optional=("created_at", "updated_at"),
        title=titled(view, ""),
    )


def row(view: Any) -> Document:
    properties = properties_shape(writable(view.object_type))
    return object_shape(
        {"properties": properties, "associations": LINKS},
        optional=("properties", "associations"),
        title=titled(view, "Row"),
    )


def batch(view: Any) -> Document:
    one = row(view)
    one["properties"] = {"id": ID} | one["properties"]
    del one["title"]
    rows = {"type": "array", "items": one, "minItems": 1, "maxItems": 1000}
    flags: Document = {
        "upsert_by": {"type": ["string", "null"], "description": "A unique property: its value finds the record."},
        "partial": {"type": "boolean", "default": False, "description": "Save the valid ones though others are not."},
    }
    return object_shape({"records": rows} | flags, optional=("upsert_by", "partial"), title=titled(view, "Batch"))


def batch_result(view: Any) -> Document:
    count: Document = {"type": "integer", "minimum": 0}
    fault = object_shape({"path": {"type": "string"}, "message": {"type": "string"}})
    one = object_shape(
        {
            "status": {"type": "string", "enum": ["created", "updated", "unchanged", "invalid"]},
            "id": {"type": ["integer", "null"]},
            "errors": {"type": "array", "items": fault},
        }
    )
    counts = dict.fromkeys(("created", "updated", "unchanged", "invalid"), count)
    return object_shape(counts | {"results": {"type": "array", "items": one}}, title="BatchResult")
