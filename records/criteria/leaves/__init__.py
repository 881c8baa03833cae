"""The kinds of leaf, by the key that starts them; other packages add their own with `leaf_kinds.register`."""

from records.criteria.leaves.base import LeafKind, leaf_kinds

leaf_kinds.load("records.criteria.leaves")

__all__ = ["LeafKind", "leaf_kinds"]
