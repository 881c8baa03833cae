"""What a list of records was asked for: filter, order, properties."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from records.api import strict_json
from records.api.pages import Order
from records.api.problem_details import ApiProblem
from records.criteria import compile
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.properties import Property
from records.seeing import hidden_in

KEY = "ordering_key"


def filtered(request: Request, object_type: ObjectType, now: dt.datetime) -> QuerySet[Any]:
    """The records that pass `filter`; all without one. Raises DocumentError, or 403 for a type one may not see."""
    text = request.query_params.get("filter")
    if text is None:
        return object_type.records()
    try:
        document = strict_json.parse(text.encode(errors="surrogatepass"))
        compiled = compile(document, object_type, now=now, zone=str(getattr(request.user, "time_zone", "UTC")))
    except DocumentError as error:
        raise DocumentError([problem.at("filter") for problem in error.problems]) from None
    if hidden := hidden_in(request.user, compiled):
        detail = _("The filter looks at %(what)s, which you may not see. Leave it out.")
        raise ApiProblem("forbidden", detail % {"what": hidden})
    return compiled.records()


def chosen(request: Request, known: dict[str, Property]) -> list[Property]:
    """The properties of `properties=a,b`; without it all but the calculated ones, which cost a query each."""
    text = request.query_params.get("properties")
    if text is None:
        return [prop for prop in known.values() if prop.calculated is None]
    slugs = [slug.strip() for slug in text.split(",") if slug.strip()]
    message = _("There is no property “%(slug)s”. Use some of: %(known)s.")
    faults = [
        Problem("properties", message % {"slug": slug, "known": ", ".join(known)}, slug)
        for slug in slugs
        if slug not in known
    ]
    if faults:
        raise DocumentError(faults)
    return [known[slug] for slug in dict.fromkeys(slugs)]


def with_calculated(rows: QuerySet[Any], properties: list[Property]) -> QuerySet[Any]:
    return rows.annotate(**{prop.slug: prop.calculated for prop in properties if prop.calculated is not None})


def ordered(request: Request, rows: QuerySet[Any], known: dict[str, Property]) -> tuple[QuerySet[Any], Order]:
    """The rows with the key of `ordering` (a property, “-” before it for descending), by id without one."""
    text = request.query_params.get("ordering", "id")
    slug, descending = text.removeprefix("-"), text.startswith("-")
    prop = known.get(slug)
    if prop is None or prop.kind.multiple:
        can = ", ".join(known_slug for known_slug, one in known.items() if not one.kind.multiple)
        message = _("“%(value)s” is nothing to order by. Use one of: %(known)s; with - before it for descending.")
        raise DocumentError([Problem("ordering", message % {"value": text, "known": can}, text)])
    if slug == "id":
        return rows, Order(text, descending=descending)
    order = Order(text, KEY, descending, write=lambda value: written(value, prop), read=lambda raw: read(raw, prop))
    return rows.annotate(**{KEY: prop.expression()}), order


def written(value: Any, prop: Property) -> Any:
    """A key in a cursor, exactly: a float would skip or repeat records."""
    return str(value) if isinstance(value, Decimal | int) else prop.kind.to_storage(value)


def read(raw: Any, prop: Property) -> Any:
    """Raises ValueError, TypeError or ArithmeticError for what `written` has not made."""
    value = prop.kind.from_storage(raw)
    if not isinstance(raw, str | bool) or (prop.kind.textual and not isinstance(value, str)):
        raise TypeError(raw)
    return value
