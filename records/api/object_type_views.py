"""The object types there are, with their properties."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api import record_shapes as shapes
from records.api.authentication import Right
from records.api.record_documents import may_see
from records.api.schema import Document, Route, object_shape
from records.api.views import ApiView
from records.associations import associations_of
from records.models import Scope
from records.object_types import ObjectType, object_types
from records.properties import Property
from records.property_access import PropertyRights, rights_of

TEXT: Document = {"type": "string"}
FLAG: Document = {"type": "boolean"}
OPTION = object_shape({"value": TEXT, "label": TEXT})
PROPERTY = object_shape(
    {
        "slug": TEXT,
        "label": TEXT,
        "type": {"type": "string", "enum": list(shapes.BASES)},
        "description": TEXT,
        "options": {"type": "array", "items": OPTION},
        "required": FLAG,
        "unique": FLAG,
        "read_only": FLAG,
        "custom": FLAG,
        "schema": {"type": "object", "description": "JSON schema of the value.", "additionalProperties": True},
    }
)
OBJECT_TYPE = object_shape(
    {
        "slug": TEXT,
        "plural": {"type": "string", "description": "The address of its records: /api/v1/PLURAL/."},
        "label": TEXT,
        "label_plural": TEXT,
        "name_property": TEXT,
        "associations": {"type": "array", "items": object_shape({"slug": TEXT, "type": TEXT})},
        "properties": {"type": "array", "items": PROPERTY},
        "workflows_write": {
            "type": ["array", "null"],
            "items": TEXT,
            "description": "Whose properties workflows for this type may write: slugs of object types; null for all.",
        },
    }
)


class ObjectTypeView(ApiView):
    """Only types whose records one may see."""

    group = "object-types"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(Scope.RECORDS_READ.value),
            gettext_lazy("The object types and their properties"),
            object_shape({"results": {"type": "array", "items": OBJECT_TYPE}}, title="ObjectTypes"),
        ),
    }

    def list(self, request: Request) -> Response:
        rights = rights_of(request.user)
        return Response(
            {"results": [describe(one, rights) for one in object_types.values() if may_see(request.user, one)]}
        )


def describe(object_type: ObjectType, rights: PropertyRights) -> dict[str, Any]:
    """The type with the properties one may see; those one may not change are read-only."""
    seen, slug = rights.seen(object_type, object_type.properties()), object_type.slug
    return {
        "slug": object_type.slug,
        "plural": object_type.plural,
        "label": str(object_type.label),
        "label_plural": str(object_type.label_plural),
        "name_property": object_type.name_property,
        "associations": [{"slug": slug, "type": one.to.slug} for slug, one in associations_of(object_type).items()],
        "properties": [describe_property(prop, rights.may_edit(slug, prop.slug)) for prop in seen.values()],
        "workflows_write": list(object_type.workflows_write) if object_type.workflows_write is not None else None,
    }


def describe_property(prop: Property, may_edit: bool) -> dict[str, Any]:
    return {
        "slug": prop.slug,
        "label": str(prop.label),
        "type": prop.type,
        "description": str(prop.description),
        "options": [{"value": option.value, "label": str(option.label)} for option in prop.options],
        "required": prop.required,
        "unique": prop.unique,
        "read_only": shapes.is_read_only(prop) or not may_edit,
        "custom": prop.custom,
        "schema": shapes.schema_of(prop) | ({} if may_edit else {"readOnly": True}),
    }
