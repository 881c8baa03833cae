"""Ids that no new step may get, because they still stand for another one: a step's id is its own for life.

A deleted step has its id kept where something hangs on it: records that stand on the live step, comments that come
back to it when its deletion is undone. An operation is stored with the ids that were spent, so that redoing it gives
the same ids.
"""

from __future__ import annotations

from typing import Any

from workflows.drafting.tree import Document, ids
from workflows.models import Workflow

#: Where an operation has them.
SPENT = "spent"
#: The operations that name new steps.
NAMING = {"insert", "duplicate", "paste", "clone_branch", "batch"}


def with_spent(op: Any, workflow: Workflow, document: Document) -> Any:
    """The operation with the ids it may not give; what a client sends for them is not heeded."""
    if not isinstance(op, dict) or op.get("op") not in NAMING:
        return op
    kept = set(workflow.threads.exclude(step="").values_list("step", flat=True))
    if workflow.live is not None:
        kept |= ids(workflow.live.definition)
    spent = sorted(kept - ids(document))
    sent = {key: value for key, value in op.items() if key != SPENT}
    return {**sent, SPENT: spent} if spent else sent
