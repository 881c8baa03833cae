"""What a kind of leaf answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

from records.registry import Registry

if TYPE_CHECKING:
    from records.criteria.scope import Scope
    from records.criteria.tree import Node
    from records.object_types import ObjectType

leaf_kinds = Registry("filter kind")


class LeafKind:
    """One kind of filter. `slug` is the key of the document that starts it (`property`, `association`, …)."""

    slug: str
    label: str | Promise
    #: The builder's button, where the builder offers a choice of `choices` compared by `operators`.
    adds: str | Promise = ""

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        """The filter; None when it is faulty, after `scope.fault` was told."""
        raise NotImplementedError

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        """What may be chosen for the document's own key, value and label; the builder shows no other kinds."""
        return []

    def operators(self) -> list[tuple[str, str]]:
        """Value and label of each operator."""
        return []
