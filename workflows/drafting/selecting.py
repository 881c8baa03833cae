"""Operations on several steps at once, each of them undone as one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from workflows.drafting.tree import Document, Found, find, place, refuse, walk

Op = dict[str, Any]


def chosen(document: Document, step_ids: Any) -> list[Found]:
    """The steps with the ids in reading order; what stands in the branches of another of them comes with that one.

    Raises DocumentError for a step that is not there.
    """
    if not isinstance(step_ids, list) or not step_ids or not all(isinstance(one, str) for one in step_ids):
        raise refuse("steps", _("Send a list of the ids of at least one step."), step_ids)
    known = {found.step.get("id"): found for found in walk(document.get("steps") or [])}
    missing = next((step_id for step_id in step_ids if step_id not in known), None)
    if missing is not None:
        find(document, missing, "steps")  # Raises.
    wanted, kept = set(step_ids), list[Found]()
    for step_id, found in known.items():
        inside = kept and found.path.startswith(f"{kept[-1].path}.")
        if step_id in wanted and not inside:
            kept.append(found)
    return kept


def delete_steps(document: Document, op: Op) -> str:
    """Delete steps with all that stands in their branches."""
    found = chosen(document, op.get("steps"))
    first = found[0]
    take_out(found)
    left = first.steps[min(first.index, len(first.steps) - 1)] if first.steps else {}
    return str(left.get("id", ""))


def move_steps(document: Document, op: Op) -> str:
    """Move steps (with their branches) under each other to a place, as places were before the move."""
    found = chosen(document, op.get("steps"))
    if any(str(op.get("to", "")).startswith(f"{one.path}.") for one in found):
        raise refuse("to", _("A step cannot be moved into its own branch. Choose a place outside of it."), op["to"])
    steps, index = place(document, op.get("to"), "to")
    # An empty step holds the place while what stands before it leaves.
    mark: Document = {}
    steps.insert(index, mark)
    take_out(found)
    at = next(i for i, step in enumerate(steps) if step is mark)
    steps[at : at + 1] = [one.step for one in found]
    return str(found[0].step["id"])


def take_out(found: list[Found]) -> None:
    for one in found:
        one.steps[:] = [step for step in one.steps if step is not one.step]
