"""Drafting: a workflow's draft is changed by operations, each kept with its inverse."""

from workflows.drafting.ops import apply as changed
from workflows.drafting.saving import (
    Applied,
    Conflict,
    apply,
    carry_out,
    create,
    draft_of,
    last_change,
    redo,
    replace,
    shown,
    undo,
    undoable,
)
from workflows.drafting.tree import step_of

__all__ = [
    "Applied", "Conflict", "apply", "carry_out", "changed", "create", "draft_of", "last_change", "redo", "replace",
    "shown", "step_of", "undo", "undoable",
]  # fmt: skip
