"""What a kind of leaf answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from records.criteria.scope import Scope, joined_path
from records.ids import id_of
from records.registry import Registry

if TYPE_CHECKING:
    from records.criteria.tree import Node
    from records.object_types import ObjectType

leaf_kinds = Registry("filter kind")
#: How many choices a fault lists, and a builder offers.
SHOWN, OFFERED = 30, 1_000


@dataclass(frozen=True)
class Choice:
    """What may stand under a kind's own key: a list, an event …, under a heading of the palette.

    `permission`: who lacks it is not offered the choice and may not bring it into a workflow (TRG-12); "" is for all.
    """

    value: str
    label: str
    category: str
    permission: str = ""


class LeafKind(ABC):
    """One kind of filter. `slug` is the key of the document that starts it (`property`, `association`, …)."""

    slug: str
    label: str | Promise
    #: The heading of its choices in the palette.
    category: str | Promise = ""
    #: Who may use filters of this kind (TRG-12); "" is everybody.
    permission = ""
    #: What filters inside it (`where`) are about: the catalog's name, or where it ends in a colon the beginning of it,
    #: which the choice completes; "" where it takes none.
    rows = ""
    #: The operators that take a refinement (`refine`).
    refined: tuple[str, ...] = ()
    #: The rows of the specification it carries out, for docs/triggers.md.
    spec: tuple[str, ...] = ()
    #: Tells that there is no choice %(value)r, but %(known)s; where need be with the %(records)s it would be about.
    no_such: str | Promise = ""

    @abstractmethod
    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        """The filter; None when it is faulty, after `scope.fault` was told."""

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        """What may be chosen for the document's own key, value and label; the builder shows no other kinds."""
        return []

    def entries(self, object_type: ObjectType, user: Any = None) -> list[Choice]:
        """The choices as the palette has them, for a person or (None) for nobody in particular."""
        category, closed = str(self.category or self.label), self.closed_to(user)
        return [
            Choice(value, label, category, self.permission)
            for value, label in self.choices(object_type)
            if value not in closed
        ]

    def closed_to(self, user: Any) -> Collection[str]:
        """The choices a person does not get to know of, whatever their permissions."""
        return ()

    def needs(self, document: dict[str, Any]) -> str:
        """The permission it takes to bring this filter into a workflow; "" for none."""
        return self.permission

    def operators(self) -> list[tuple[str, str]]:
        """Value and label of each operator."""
        return []

    def operator_of(self, document: dict[str, Any], scope: Scope, path: str) -> str | None:
        """The document's operator; None after a fault."""
        slug, known = document.get("operator"), [slug for slug, _label in self.operators()]
        if isinstance(slug, str) and slug in known:
            return slug
        message = _("“%(kind)s” cannot be filtered with the operator %(value)r. Use one of: %(known)s.")
        values = {"kind": self.label, "value": slug, "known": ", ".join(known)}
        scope.fault(joined_path(path, "operator"), message % values, slug, code="unknown_operator")
        return None

    def refuse(self, value: Any, known: Iterable[str], scope: Scope, path: str) -> None:
        """Tell that there is no such choice, and some of those there are."""
        names = list(islice(known, SHOWN + 1))
        listed = ", ".join(names[:SHOWN]) + (_(" …") if len(names) > SHOWN else "")
        values = {"value": value, "records": scope.object_type.label_plural, "known": listed or _("none")}
        scope.fault(joined_path(path, self.slug), str(self.no_such) % values, value, code=f"unknown_{self.slug}")


class OneOfKind(LeafKind):
    """{slug: one of the choices, operator}: filters that say nothing more."""

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        scope.count_filter(path)
        scope.unknown_keys(document, {self.slug, "operator"}, path)
        operator, chosen = self.operator_of(document, scope, path), self.chosen(document[self.slug], scope, path)
        return None if operator is None or chosen is None else self.filter(chosen, operator, scope, path)

    @abstractmethod
    def chosen(self, value: Any, scope: Scope, path: str) -> Any:
        """What the filter is to know of its choice; None after a fault."""

    @abstractmethod
    def filter(self, chosen: Any, operator: str, scope: Scope, path: str) -> Node:
        """The filter with its choice and operator."""


class OneRowKind(OneOfKind):
    """{slug: id | "any", operator}: one of the rows that are about records of the object type, or (0) any of them."""

    any_row = "any"

    @abstractmethod
    def there_are(self, object_type: ObjectType) -> QuerySet[Any]:
        """The rows there are to choose from."""

    def offered(self, object_type: ObjectType) -> QuerySet[Any]:
        """Those a builder offers."""
        return self.there_are(object_type)

    @abstractmethod
    def name_of(self, row: Any) -> str:
        """What a row is called where it is chosen."""

    @abstractmethod
    def any_label(self) -> str:
        """What “any” of them is called."""

    def chosen(self, value: Any, scope: Scope, path: str) -> int | None:
        if value == self.any_row:
            return 0
        number = None if isinstance(value, bool) else id_of(str(value))
        if number and (scope.stored or self.there_are(scope.object_type).filter(pk=number).exists()):
            return number
        known = self.there_are(scope.object_type)[: SHOWN + 1]
        self.refuse(value, (f"{row.pk} ({self.name_of(row)})" for row in known), scope, path)
        return None

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        found = [(str(row.pk), self.name_of(row)) for row in self.offered(object_type)[:OFFERED]]
        return [(self.any_row, self.any_label()), *found] if found else []
