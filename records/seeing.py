"""Whose records a person may see, and what criteria would tell them of records they may not see.

Criteria answer yes or no about what they look at, also about associated records: with enough of them anybody reads
any value. So every door that takes criteria from a person asks here first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from records.associations import associations_of
from records.criteria import Compiled
from records.models import Access
from records.models.segment import LISTED
from records.object_types import ObjectType, object_types
from records.property_access.closed_lists import looking_at
from records.property_access.rights import property_label, rights_of

#: What else criteria may look at that a person may not see, asked by what they depend on ("object_type.name"): each
#: answers as `hidden_in` does.
guards: list[Callable[[Any, Collection[str]], str]] = []
#: The same by itself, as (object type, what criteria depend on): active lists that look at it are closed to them.
closers: list[Callable[[Any], Iterable[tuple[str, str]]]] = []


#: Who reads what is being written just now; nobody in particular where the engine or a command writes.
reader: ContextVar[Any] = ContextVar("reader", default=None)


@contextmanager
def read_by(user: Any) -> Iterator[None]:
    """Say for whom sentences are made meanwhile: what is closed to them is not named in any."""
    token = reader.set(user)
    try:
        yield
    finally:
        reader.reset(token)


def reading(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: what a request is answered with is read by who sends it."""

    def answer(request: HttpRequest) -> Any:
        with read_by(getattr(request, "user", None)):
            return get_response(request)

    return answer


def may_see(user: Any, object_type: ObjectType) -> bool:
    """Whether a person has the right to view records of the type."""
    meta = object_type.model._meta
    return bool(user.has_perm(f"{meta.app_label}.view_{meta.model_name}"))


def may_use(user: Any, permission: str) -> bool:
    """Whether a person may use what takes a permission; "" takes none, and nobody in particular may use everything."""
    return not permission or user is None or bool(user.has_perm(permission))


def may_see_name(user: Any, object_type: ObjectType) -> bool:
    """Whether a person may read what records of the type are called: everything the name is made of."""
    parts = (f"{object_type.slug}.{slug}" for slug in (object_type.name_property, *object_type.named_by))
    return may_see(user, object_type) and not rights_of(user).below(parts, Access.VIEW)


def name_for(user: Any, object_type: ObjectType, record: Model) -> str:
    """What a record is called, or its number for those who may not see that."""
    return object_type.name_of(record) if may_see_name(user, object_type) else f"#{record.pk}"


def hidden_in(user: Any, compiled: Compiled) -> str:
    """What criteria look at and the person may not see, as the object of a sentence; "" when they may see all."""
    for slug in sorted(set(looked_at(compiled))):
        if not may_see(user, object_types[slug]):
            return _("records of the type “%(type)s”") % {"type": slug}
    names = {f"{one.object_type}.{one.property}" for one in compiled.dependencies.properties}
    told = hidden_property(user, names) or next((told for guard in guards if (told := guard(user, names))), "")
    if told or not any(LISTED in name for name in names):
        return told
    closed = sorted(lists_closed_to(user) & names)
    return _("the property “%(property)s”") % {"property": property_label(closed[0])} if closed else ""


def lists_closed_to(user: Any) -> set[str]:
    """The active lists that look at what a person may not see, as criteria name them: "object_type.list:name"."""
    rights = rights_of(user)
    if not rights.restricted:
        return set()
    return {*rights.lists, *looking_at({name for closer in closers for name in closer(user)})}


def closed_lists(user: Any) -> list[str]:
    """The internal names of the lists that are not there for a person."""
    return sorted(name.partition(LISTED)[2] for name in lists_closed_to(user))


def hidden_property(user: Any, names: Iterable[str]) -> str:
    """The first of some properties, as "object_type.property", that a person has no access to, as `hidden_in` does."""
    hidden = rights_of(user).below(names, Access.VIEW)
    return _("the property “%(property)s”") % {"property": property_label(hidden[0])} if hidden else ""


def looked_at(compiled: Compiled) -> Iterator[str]:
    """The slugs of the object types that criteria look at, also those only on the way to others."""
    for dependency in compiled.dependencies.properties:
        if dependency.object_type in object_types:
            yield dependency.object_type
        place = compiled.object_type
        for slug in dependency.path:
            place = associations_of(place)[slug].to
            yield place.slug
