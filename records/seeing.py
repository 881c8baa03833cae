"""Whose records a person may see, and what criteria would tell them of records they may not see.

Criteria answer yes or no about what they look at, also about associated records: with enough of them anybody reads
any value. So every door that takes criteria from a person asks here first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from records.associations import associations_of
from records.criteria import Compiled
from records.object_types import ObjectType, object_types


def may_see(user: Any, object_type: ObjectType) -> bool:
    """Whether a person has the right to view records of the type."""
    meta = object_type.model._meta
    return bool(user.has_perm(f"{meta.app_label}.view_{meta.model_name}"))


def may_use(user: Any, permission: str) -> bool:
    """Whether a person may use what takes a permission; "" takes none, and nobody in particular may use everything."""
    return not permission or user is None or bool(user.has_perm(permission))


def hidden_type(user: Any, compiled: Compiled) -> str:
    """The slug of an object type that criteria look at and the person may not see; "" when they may see all."""
    hidden = (slug for slug in sorted(set(looked_at(compiled))) if not may_see(user, object_types[slug]))
    return next(hidden, "")


def looked_at(compiled: Compiled) -> Iterator[str]:
    """The slugs of the object types that criteria look at, also those only on the way to others."""
    for dependency in compiled.dependencies.properties:
        if dependency.object_type in object_types:
            yield dependency.object_type
        place = compiled.object_type
        for slug in dependency.path:
            place = associations_of(place)[slug].to
            yield place.slug
