"""Filters on being in a list (FLT-20, FLT-21)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from records.criteria.dependencies import Dependency
from records.criteria.leaves.base import OFFERED, SHOWN, OneOfKind, leaf_kinds
from records.criteria.scope import Scope
from records.criteria.tree import Context, Node
from records.models import Membership, RecordList
from records.object_types import ObjectType
from records.vocabulary import read_for_options

#: Stands for the segment of a list that is no more.
NO_SEGMENT = 0
OPERATORS: dict[str, str | Promise] = {
    "is_member": gettext_lazy("is a member of the list"),
    "is_not_member": gettext_lazy("is not a member of the list"),
}
SENTENCES: dict[str, str | Promise] = {
    "is_member": gettext_lazy("is in the list “%(list)s”"),
    "is_not_member": gettext_lazy("is not in the list “%(list)s”"),
}

if RecordList not in read_for_options:
    read_for_options.append(RecordList)


@leaf_kinds.register
class ListKind(OneOfKind):
    """{list: slug, operator: is_member | is_not_member}"""

    slug = "list"
    label = gettext_lazy("List")
    category = gettext_lazy("Lists")
    permission = "records.view_recordlist"
    no_such = gettext_lazy("There is no list %(value)r of %(records)s. Use one of: %(known)s.")

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        lists = RecordList.objects.filter(object_type=object_type.slug).order_by("name", "pk")
        return list(lists.values_list("slug", "name")[:OFFERED])

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(label)) for slug, label in OPERATORS.items()]

    def chosen(self, value: Any, scope: Scope, path: str) -> tuple[str, int, str] | None:
        """The list's internal name, segment and name."""
        lists = RecordList.objects.filter(object_type=scope.object_type.slug)
        named = isinstance(value, str) and "\x00" not in value
        found = lists.filter(slug=value).values_list("slug", "segment_id", "name").first() if named else None
        if found is None and scope.stored:
            return value, NO_SEGMENT, str(value)
        if found is None:
            self.refuse(value, lists.order_by("slug").values_list("slug", flat=True)[: SHOWN + 1], scope, path)
        return found

    def filter(self, chosen: tuple[str, int, str], operator: str, scope: Scope, path: str) -> Node:
        return ListFilter(path, scope.object_type, *chosen, operator == "is_member", scope.hops)


@dataclass(frozen=True)
class ListFilter(Node):
    """Whether the record is in a list, as its memberships say."""

    path: str
    object_type: ObjectType
    slug: str
    segment: int
    name: str
    member: bool
    hops: tuple[str, ...]

    def q(self, context: Context) -> Q:
        inside = Q(Exists(Membership.objects.filter(segment=self.segment, record_id=OuterRef("pk"))))
        return inside if self.member else ~inside

    def text(self, context: Context) -> str:
        return str(SENTENCES["is_member" if self.member else "is_not_member"]) % {"list": self.name}

    def dependencies(self) -> Iterator[Dependency]:
        yield Dependency(self.object_type.slug, f"list:{self.slug}", self.hops)
