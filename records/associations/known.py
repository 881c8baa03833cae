"""Which records may be linked with which: by labelled rows of `Association`, or by what a model declares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from records.object_types import ObjectType, Relation, object_types

Pairs = Iterable[tuple[int, int]]
#: An object type, or its slug.
Kind = ObjectType | str


@dataclass(frozen=True)
class AssociationType:
    """One way to get from records of a type to others. `relation` is None where the links are `Association` rows."""

    slug: str
    to: ObjectType
    relation: Relation | None = None


def type_of(kind: Kind) -> ObjectType:
    """KeyError when there is no object type of this slug."""
    return object_types[kind] if isinstance(kind, str) else kind


def associations_of(kind: Kind) -> dict[str, AssociationType]:
    """The associations of an object type by slug: the other type's slug, or the native relation's."""
    object_type = type_of(kind)
    found = {
        slug: AssociationType(slug, object_types[slug]) for slug in object_type.associates_with if slug in object_types
    }
    for relation in object_type.relations:
        if relation.to in object_types:
            found[relation.slug] = AssociationType(relation.slug, object_types[relation.to], relation)
    return found


def between(from_type: ObjectType, to_type: ObjectType) -> AssociationType:
    """The association that links two types; LookupError when none does."""
    for association in associations_of(from_type).values():
        if association.to is to_type:
            return association
    raise LookupError(f"Records of type {from_type.slug} cannot be associated with records of type {to_type.slug}.")
