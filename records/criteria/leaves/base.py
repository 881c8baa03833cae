"""What a kind of leaf answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

from records.registry import Registry

if TYPE_CHECKING:
    from records.criteria.scope import Scope
    from records.criteria.tree import Node
    from records.object_types import ObjectType

leaf_kinds = Registry("filter kind")


@dataclass(frozen=True)
class Choice:
    """What may stand under a kind's own key: a list, an event …, under a heading of the palette.

    `permission`: who lacks it is not offered the choice and may not bring it into a workflow (TRG-12); "" is for all.
    """

    value: str
    label: str
    category: str
    permission: str = ""


class LeafKind:
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

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        """The filter; None when it is faulty, after `scope.fault` was told."""
        raise NotImplementedError

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        """What may be chosen for the document's own key, value and label; the builder shows no other kinds."""
        return []

    def entries(self, object_type: ObjectType) -> list[Choice]:
        """The choices as the palette has them."""
        category = str(self.category or self.label)
        return [Choice(value, label, category, self.permission) for value, label in self.choices(object_type)]

    def needs(self, document: dict[str, Any]) -> str:
        """The permission it takes to bring this filter into a workflow; "" for none."""
        return self.permission

    def operators(self) -> list[tuple[str, str]]:
        """Value and label of each operator."""
        return []
