"""What of a list tells values: filters, search and addresses, only by properties the person may see (PRM-09)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest

from crm.admin.filters import DeletedFilter, OwnerFilter, property_filter
from records.object_types import ObjectType
from records.property_access import rights_of


def filters(request: HttpRequest, object_type: ObjectType, select_filters: Sequence[str]) -> list[Any]:
    """The filters beside a list: of select properties, of the owner, of what was deleted."""
    known = rights_of(request.user).seen(object_type, object_type.properties())
    chosen = [property_filter(slug) for slug in select_filters if slug in known]
    customs = [prop.slug for prop in known.values() if prop.custom and prop.type == "select"]
    chosen += [property_filter(slug, column=False) for slug in customs]
    return [*chosen, *([OwnerFilter] if "owner" in known else []), DeletedFilter]


def searched(request: HttpRequest, object_type: ObjectType, columns: Iterable[str]) -> list[str]:
    """The columns a list searches: a hit tells a value."""
    rights = rights_of(request.user)
    return [slug for slug in columns if rights.may_view(object_type.slug, slug)]


def lookup_allowed(request: HttpRequest, object_type: ObjectType, lookup: str) -> bool:
    """Whether an address may filter by this: Django's lists take any column."""
    rights = rights_of(request.user)
    hidden = {slug for kind, slug in rights.restricted if kind == object_type.slug and not rights.may_view(kind, slug)}
    if not hidden:
        return True
    known = object_type.properties()
    columns = {known[slug].column for slug in hidden if slug in known}
    # All of `custom` at once: its lookups can ask for any key.
    return lookup.partition("__")[0] not in hidden | columns | {"custom"}
