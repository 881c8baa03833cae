"""What uses a list, and lists that would come to depend on themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _

from records.criteria import Criteria
from records.lists.telling import key_of
from records.models import RecordList, SegmentDependency
from records.problems import DocumentError, Problem

#: Each names, in a few words, what of its own uses a list. Packages above add theirs.
#: What they name is for the person they are given, or for (None) nobody in particular.
Finder = Callable[[RecordList, Any], list[str]]
finders: list[Finder] = []


def users_of(found: RecordList, by: Any = None) -> list[str]:
    """What uses a list: other lists by name, then what the finders know."""
    named = [_("the list “%(name)s”") % {"name": one.name} for one in depending_on(found)]
    return named + [use for finder in finders for use in finder(found, by)]


def depending_on(found: RecordList) -> list[RecordList]:
    """The lists whose criteria name a list."""
    segments = SegmentDependency.objects.filter(object_type=found.object_type, property=key_of(found.slug))
    return list(RecordList.objects.filter(segment__in=segments.values("segment")))


def refuse_used(found: RecordList, by: Any = None) -> None:
    """Raise DocumentError, naming what uses the list, when something does."""
    users = users_of(found, by)
    if users:
        message = _("“%(name)s” is used by %(users)s. Change that first; until then it cannot be deleted.")
        facts = {"name": found.name, "users": _(", ").join(users)}
        raise DocumentError([Problem("", message % facts, code="in_use")])


def named_in(criteria: Criteria) -> set[str]:
    """The slugs of the lists that criteria name."""
    prefix = key_of("")
    properties = (dependency.property for dependency in criteria.group.dependencies())
    return {name.removeprefix(prefix) for name in properties if name.startswith(prefix)}


def refuse_circles(slug: str, criteria: Criteria) -> None:
    """Raise DocumentError, naming the way round, when a list with these criteria would depend on itself."""
    way = way_to(slug, named_in(criteria))
    if way:
        names = dict(RecordList.objects.filter(slug__in=way).values_list("slug", "name"))
        shown = " → ".join(_("“%(name)s”") % {"name": names.get(one, one)} for one in (slug, *way))
        message = _("The list would depend on itself: %(way)s. Take one of these lists out of the criteria.")
        raise DocumentError([Problem("criteria", message % {"way": shown}, code="circle")])


def way_to(wanted: str, starts: Iterable[str]) -> tuple[str, ...]:
    """The slugs of the lists from one of the starts to the wanted one, each named in the one before; () if no way."""
    ways: dict[str, tuple[str, ...]] = {slug: (slug,) for slug in starts}
    fresh = dict(ways)
    while fresh and wanted not in ways:
        deeper: dict[str, tuple[str, ...]] = {}
        for slug, others in references(fresh).items():
            for other in others:
                if other not in ways:
                    ways[other] = deeper[other] = (*ways[slug], other)
        fresh = deeper
    return ways.get(wanted, ())


def references(slugs: Iterable[str]) -> dict[str, list[str]]:
    """For each of these lists the lists its criteria name."""
    prefix = key_of("")
    found: dict[str, list[str]] = {}
    rows = SegmentDependency.objects.filter(
        property__startswith=prefix, segment__record_list__slug__in=list(slugs)
    ).values_list("segment__record_list__slug", "property")
    for slug, name in rows:
        found.setdefault(slug, []).append(name.removeprefix(prefix))
    return found
