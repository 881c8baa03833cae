"""The operations that change a definition's document, as pure functions.

`apply(document, op)` gives the new document, the inverse operation and the id of the step to select. An op is
`{"op": name, …}`; places are paths (`steps.2.branches.0.steps.1`), steps are named by id.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.problems import DocumentError
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.drafting.branching import (
    add_branch,
    clone_branch,
    move_branch,
    remove_branch,
    set_branch,
    share_equally,
)
from workflows.drafting.data_sources import add_source, bring_sources, remove_source, update_source
from workflows.drafting.differences import copied, differences, edited
from workflows.drafting.selecting import delete_steps, move_steps
from workflows.drafting.spent import SPENT
from workflows.drafting.tree import Document, branch_at, find, place, refuse, renewed, started
from workflows.registries import actions

Op = dict[str, Any]
SETTINGS = ("description", "unenroll", "suppress", "goal", "sources", "settings", "centre")
STEP_FIELDS = ("params", "comment", "on_failure")


def insert(document: Document, op: Op) -> str:
    steps, index = place(document, op.get("at"))
    step = started(op.get("step"), document, op.get(SPENT) or ())
    if actions[step["action"]].in_branches and "branches" not in op["at"]:
        message = _("“%(action)s” has its place in a branch only. Choose a place in a branch.")
        raise refuse("at", message % {"action": actions[step["action"]].label}, op["at"])
    steps.insert(index, step)
    return str(step["id"])


def update(document: Document, op: Op) -> str:
    """Set the params, the comment or what follows a failure; None for the latter is the rule: the record goes on."""
    step = find(document, op.get("step")).step
    for key in STEP_FIELDS:
        if key in op:
            step[key] = op[key]
    if step.get("on_failure", {}) is None:
        del step["on_failure"]
    return str(step["id"])


def delete(document: Document, op: Op) -> str:
    """Delete a step; with `keep` (a branch's number) that branch's steps take its place."""
    found = find(document, op.get("step"))
    kept: list[Document] = []
    if op.get("keep") is not None:
        kept = branch_at(found.step.get("branches") or [], op["keep"], "keep").get("steps") or []
    found.steps[found.index : found.index + 1] = kept
    left = found.steps[min(found.index, len(found.steps) - 1)] if found.steps else {}
    return str(left.get("id", ""))


def move(document: Document, op: Op) -> str:
    """Move a step (with its branches) to a place, as places were before the move."""
    found = find(document, op.get("step"))
    if str(op.get("to", "")).startswith(f"{found.path}."):
        raise refuse("to", _("A step cannot be moved into its own branch. Choose a place outside of it."), op["to"])
    steps, index = place(document, op.get("to"), "to")
    if steps is found.steps and index > found.index:
        index -= 1
    found.steps.remove(found.step)
    steps.insert(index, found.step)
    return str(found.step["id"])


def duplicate(document: Document, op: Op) -> str:
    found = find(document, op.get("step"))
    twin = renewed([found.step], document, op.get(SPENT) or ())[0]
    found.steps.insert(found.index + 1, twin)
    return str(twin["id"])


def paste(document: Document, op: Op) -> str:
    steps, index = place(document, op.get("at"))
    copies = renewed(op.get("steps"), document, op.get(SPENT) or ())
    steps[index:index] = copies
    bring_sources(document, op.get("sources"))
    return str(copies[0]["id"])


def set_trigger(document: Document, op: Op) -> str:
    document["trigger"] = op.get("trigger")
    return ""


def set_settings(document: Document, op: Op) -> str:
    """Set any of description, unenroll, suppress, goal, sources, settings, centre."""
    values = op.get("values")
    if not isinstance(values, dict) or set(values) - set(SETTINGS):
        raise refuse("values", _("Send an object with any of: %(known)s.") % {"known": ", ".join(SETTINGS)}, values)
    document.update(values)
    return ""


def rename(document: Document, op: Op) -> str:
    name = op.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
        raise refuse("name", _("A workflow's name has 1 to 200 characters."), name)
    document["name"] = name.strip()
    return ""


def replace(document: Document, op: Op) -> str:
    """Take another document as a whole."""
    parse(op.get("document"))
    kept = document.get("object")
    if op["document"].get("object") != kept:
        message = _("A workflow's object type cannot be changed. Send “%(kind)s”, or create another workflow.")
        raise refuse("object", message % {"kind": kept}, op["document"].get("object"))
    document.clear()
    document.update(copy.deepcopy(op["document"]))
    return ""


def batch(document: Document, op: Op) -> str:
    """Several operations as one: undone together."""
    parts = op.get("ops")
    if not isinstance(parts, list) or not parts:
        raise refuse("ops", _("Send a list of at least one operation."), parts)
    selected = ""
    for part in parts:
        selected = operation(part)(document, {**part, SPENT: op.get(SPENT)}) or selected
    return selected


def edit(document: Document, op: Op) -> str:
    """The inverse of an operation."""
    result = edited(document, op["edits"])
    document.clear()
    document.update(result)
    return ""


#: What a person or client may send; `edit` is only for undo.
OPS: dict[str, Callable[[Document, Op], str]] = {
    function.__name__: function
    for function in (
        insert, update, delete, move, duplicate, paste, set_trigger, set_settings, rename, add_branch, clone_branch,
        set_branch, remove_branch, move_branch, share_equally, delete_steps, move_steps, replace, batch,
        add_source, update_source, remove_source,
    )
}  # fmt: skip


def operation(op: Any) -> Callable[[Document, Op], str]:
    name = op.get("op") if isinstance(op, dict) else op
    if not isinstance(name, str) or name not in OPS:
        message = _("There is no operation %(value)r. Use one of: %(known)s.")
        raise refuse("op", message % {"value": name, "known": ", ".join(OPS)}, name)
    return OPS[name]


@dataclass(frozen=True)
class Done:
    """What an operation has made of a document, how to undo it, the step to select, and what it reads as."""

    document: Document
    inverse: Op
    selected: str
    definition: Definition


def done(document: Document, op: Op) -> Done:
    """Carry out an operation; `document` is left as it is.

    Raises DocumentError, with paths in the op or in the resulting document, when the op makes no sense or its result
    could not be read.
    """
    after = copied(document)
    function = edit if isinstance(op, dict) and op.get("op") == "edit" else operation(op)
    try:
        selected = function(after, op)
    except (TypeError, KeyError, AttributeError) as error:
        message = _("The operation cannot be carried out on this draft. Load it again and repeat.")
        raise refuse("op", message, op.get("op")) from error
    definition = parse(after)
    return Done(after, {"op": "edit", "edits": differences(after, document)}, selected, definition)


def apply(document: Document, op: Op) -> tuple[Document, Op, str]:
    """The document after an operation, the operation that undoes it, and the step to select; raises like `done`."""
    found = done(document, op)
    return found.document, found.inverse, found.selected


__all__ = ["OPS", "DocumentError", "Done", "apply", "done"]
