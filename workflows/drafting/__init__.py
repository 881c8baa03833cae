"""Drafting: a workflow's draft is changed by operations, each kept with its inverse."""

from workflows.drafting.ops import apply as changed
from workflows.drafting.saving import Applied, Conflict, apply, create, draft_of, redo, replace, shown, undo, undoable

__all__ = [
    "Applied", "Conflict", "apply", "changed", "create", "draft_of", "redo", "replace", "shown", "undo", "undoable",
]  # fmt: skip
