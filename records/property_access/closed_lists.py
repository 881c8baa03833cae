"""Active lists that look at properties a person has no access to: who is in one tells the values (PRM-09)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from records.models import RecordList, SegmentDependency
from records.models.segment import LISTED

#: Calculated properties that are followed by the links they count, not by their own name.
COUNTED = "number_of_"
Name = tuple[str, str]


def looking_at(hidden: Collection[Name]) -> frozenset[str]:
    """The active lists that look at one of some properties, themselves or by way of other lists; one statement.

    As criteria name them: "object_type.list:name". A list that counts links is taken to look at every property of the
    name it counts by, whosever it is.
    """
    if not hidden:
        return frozenset()
    by_type: dict[str, list[str]] = defaultdict(list)
    for kind, slug in hidden:
        by_type[kind].append(slug)
    asked = Q(property__startswith=LISTED)
    for kind, slugs in by_type.items():
        asked |= Q(object_type=kind, property__in=slugs)
    counts = {slug for _kind, slug in hidden if slug.startswith(COUNTED)}
    for slug in counts:
        asked |= Q(said__contains=f'"{slug}"')
    rows = SegmentDependency.objects.filter(segment__record_list__kind=RecordList.Kind.ACTIVE)
    if counts:
        rows = rows.annotate(said=Cast("segment__criteria", TextField()))
    found = rows.filter(asked).values_list(
        "segment__record_list__object_type", "segment__record_list__slug", "object_type", "property"
    )
    looks: dict[Name, set[Name]] = defaultdict(set)
    closed, fresh = set[Name](), set(hidden)
    for kind, name, other, slug in found:
        own = (kind, f"{LISTED}{name}")
        looks[own].add((other, slug))
        if (other, slug) not in fresh and not slug.startswith(LISTED):
            closed.add(own)  # It counts.
    fresh |= closed
    while fresh := {own for own, names in looks.items() if own not in closed and names & (fresh | closed)}:
        closed |= fresh
    return frozenset(f"{kind}.{name}" for kind, name in closed)
