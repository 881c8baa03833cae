"""The OpenAPI document: built from what each route declares, nothing is guessed from code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from records.api.authentication import Right
from records.api.problem_details import CONTENT_TYPE, KINDS

Document = dict[str, Any]
#: A JSON schema, a serializer class, or a function of the view that makes one of them.
Shape = Document | type[serializers.Serializer] | Callable[[Any], Any]


@dataclass(frozen=True)
class Route:
    """One action of a view: the right it asks for, and what goes in and comes out.

    `parameters` are the only query parameters the action takes. `problems` are statuses beyond those every route has.
    """

    right: Right
    summary: str | Promise
    response: Shape | None = None
    request: Shape | None = None
    status: int = 200
    parameters: tuple[OpenApiParameter, ...] = ()
    headers: tuple[OpenApiParameter, ...] = ()
    problems: tuple[int, ...] = ()
    paged: bool = False


class Fault(serializers.Serializer):
    path = serializers.CharField(help_text="Where in the document, like properties.amount or steps.2.params.title.")
    message = serializers.CharField(help_text="A sentence with the value and the remedy.")


class ProblemDocument(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField(help_text="urn:headrace:problem:KIND")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors: Any = Fault(many=True)


def query(name: str, description: str, schema: Any = str, **facts: Any) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description, **facts)


def header(name: str, description: str, **facts: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, **facts)


CURSOR = query("cursor", "Where the page starts: taken from “next” or “previous”, never made up.")
PAGE_SIZE = query("page_size", "Results per page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
IDEMPOTENCY = header("Idempotency-Key", "The same key and document again within 24 hours get the same reply.")


def page_of(shape: Document) -> Document:
    """The shape of a page of results."""
    link = {"type": ["string", "null"], "format": "uri"}
    return object_shape({"next": link, "previous": link, "results": {"type": "array", "items": shape}})


def object_shape(properties: Document, optional: tuple[str, ...] = (), title: str = "") -> Document:
    """An object of exactly these keys; one with a title becomes a component of that name."""
    shape: Document = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    if not shape["required"]:
        del shape["required"]
    return shape | ({"title": title} if title else {})


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "records.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> Document:
        return {"type": "http", "scheme": "bearer", "description": "A token made by “manage.py api_token USERNAME”."}


class ApiSchema(AutoSchema):
    """Describes a route by its declaration."""

    view: Any

    @property
    def route(self) -> Route:
        return self.view.routes[self.view.action]

    def resolved(self, shape: Shape | None) -> Any:
        if callable(shape) and not isinstance(shape, type):
            return shape(self.view)
        return shape

    def resolved_by_name(self, shape: Shape | None) -> Any:
        """The shape, as a reference to a component when it has a title."""
        shape = self.resolved(shape)
        if not isinstance(shape, dict) or "title" not in shape:
            return shape
        name = shape["title"]
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=shape, object=name)
        self.registry.register_on_missing(component)
        return component.ref

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def get_operation_id(self) -> str:
        return f"{self.view.group.replace('-', '_')}_{self.view.action}"

    def get_tags(self) -> list[str]:
        return [self.view.group]

    def get_summary(self) -> str:
        return str(self.route.summary)

    def get_description(self, *args: Any) -> str:
        right = self.view.right()
        needs = f"Scope `{right.scope}`" + (f", permission `{right.permission}`." if right.permission else ".")
        return f"{self.route.summary}\n\n{needs}"

    def get_override_parameters(self) -> list[Any]:
        found = [*self.route.parameters, *self.route.headers]
        if self.route.paged:
            found += [CURSOR, PAGE_SIZE]
        return [*found, IDEMPOTENCY] if self.method == "POST" else found

    def get_request_serializer(self) -> Any:
        shape = self.resolved_by_name(self.route.request)
        return {"application/json": shape} if isinstance(shape, dict) else shape

    def get_response_serializers(self) -> Any:
        shape = self.resolved_by_name(self.route.response)
        if self.route.paged and isinstance(shape, dict):
            shape = page_of(shape)
        good = {self.route.status: OpenApiResponse(shape, description=str(self.route.summary))}
        codes = {400, 401, 403, 429, 503, *self.route.problems}
        codes |= {411, 413, 415} if self.method in ("POST", "PUT", "PATCH") else set()
        codes |= {409} if self.method == "POST" else set()
        codes |= {404} if "{id}" in self.path else set()
        titles = {code: str(title) for code, title in reversed(KINDS.values())}
        problems = {(code, CONTENT_TYPE): OpenApiResponse(ProblemDocument, titles[code]) for code in sorted(codes)}
        return good | problems
