"""The operations on the branches of a step; where branches have shares, they go on adding up to 100."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from workflows.definitions.definition import END, GO_TO
from workflows.definitions.shares import CENT, WHOLE, equal_shares, is_share, number, scaled
from workflows.drafting.spent import SPENT
from workflows.drafting.tree import Document, branch_at, branches_of, find, refuse, renewed

Op = dict[str, Any]
BRANCH_FIELDS = ("name", "criteria", "values", "percent")
AFTER = "after"


def add_branch(document: Document, op: Op) -> str:
    """Add a branch before the last one (which is for the records that match none), or at `index`.

    One with a share comes last: it gets as much as the others where they all have the same, else what is left.
    """
    step, branches = branches_of(document, op.get("step"))
    shared = has_shares(branches)
    index = op.get("index", len(branches) - (0 if shared else 1))
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= len(branches):
        raise refuse("index", _("A branch can be added at 0 to %(count)d.") % {"count": len(branches)}, index)
    equal = shared and are_equal(branches)
    name = op.get("name") or free_name(branches, shared)
    kind = kind_of(branches)
    blank: Any = {"values": [], "criteria": None, "percent": 0}[kind]
    branches.insert(index, {"name": name, kind: op.get(kind, blank), "steps": []})
    if equal and "percent" not in op:
        share_out(branches, equal_shares(len(branches)))
    elif shared and "percent" not in op:
        branches[index]["percent"] = left_over(branches)
    return str(step["id"])


def clone_branch(document: Document, op: Op) -> str:
    """Put a copy of a branch, with copies of its steps, beside it (BRN-12); the two divide its share."""
    step, branches = branches_of(document, op.get("step"))
    branch = branch_at(branches, op.get("branch"))
    equal = has_shares(branches) and are_equal(branches)
    twin = {**copy.deepcopy(branch), "name": copy_name(branches, str(branch.get("name", "")))}
    if branch.get("steps"):
        twin["steps"] = renewed(branch["steps"], document, op.get(SPENT) or ())
    rest = is_rest(branch, branches)
    if rest:  # Only one branch takes the rest: the copy of it waits for criteria or values of its own.
        kind = kind_of(branches)
        twin[kind] = [] if kind == "values" else None
    branches.insert(op["branch"] + (0 if rest else 1), twin)
    if equal:
        share_out(branches, equal_shares(len(branches)))
    elif is_share(branch.get("percent")):
        whole = Decimal(str(branch["percent"]))
        half = (whole / 2).quantize(CENT)
        twin["percent"], branch["percent"] = number(half), number(whole - half)
    return str(step["id"])


def set_branch(document: Document, op: Op) -> str:
    """Set the name, criteria, values or percent of a branch."""
    step, branches = branches_of(document, op.get("step"))
    branch = branch_at(branches, op.get("branch"))
    branch.update({key: op[key] for key in BRANCH_FIELDS if key in op})
    return str(step["id"])


def remove_branch(document: Document, op: Op) -> str:
    """Remove a branch (BRN-13). Its steps go, too, unless `keep` says where they are wanted: "after" the branching,
    or at the end of another branch, by its number before the removal."""
    step, branches = branches_of(document, op.get("step"))
    branch = branch_at(branches, op.get("branch"))
    if len(branches) == 1:
        raise refuse("branch", _("The last branch cannot be removed. Delete the step instead."), op.get("branch"))
    keep, kept = op.get("keep"), branch.get("steps") or []
    if keep == AFTER:
        found = find(document, op["step"])
        found.steps[found.index + 1 : found.index + 1] = kept
    elif keep is not None:
        other = branch_at(branches, keep, "keep")
        if other is branch:
            message = _("The steps cannot be kept in the branch that is removed. Choose another branch.")
            raise refuse("keep", message, keep)
        # Before what ends that branch: after it they would never be reached.
        steps = other.setdefault("steps", [])
        at = len(steps) - 1 if steps and steps[-1].get("action") in (GO_TO, END) else len(steps)
        steps[at:at] = kept
    equal = has_shares(branches) and are_equal(branches)
    del branches[op["branch"]]
    if equal:
        share_out(branches, equal_shares(len(branches)))
    elif all(is_share(other.get("percent")) for other in branches):
        share_out(branches, scaled([other["percent"] for other in branches]))
    return str(step["id"])


def move_branch(document: Document, op: Op) -> str:
    step, branches = branches_of(document, op.get("step"))
    branch = branch_at(branches, op.get("branch"))
    branch_at(branches, op.get("to"), "to")
    branches.remove(branch)
    branches.insert(op["to"], branch)
    return str(step["id"])


def share_equally(document: Document, op: Op) -> str:
    """Give every branch of a random split the same share."""
    step, branches = branches_of(document, op.get("step"))
    if not has_shares(branches):
        raise refuse("step", _("The branches of “%(id)s” have no shares.") % {"id": op["step"]}, op["step"])
    share_out(branches, equal_shares(len(branches)))
    return str(step["id"])


def kind_of(branches: list[Document]) -> str:
    """By what the branches of a step take records."""
    return next((kind for kind in ("percent", "values") if any(kind in branch for branch in branches)), "criteria")


def has_shares(branches: list[Document]) -> bool:
    return kind_of(branches) == "percent"


def is_rest(branch: Document, branches: list[Document]) -> bool:
    """Whether this is the branch for the records that match none."""
    kind = kind_of(branches)
    return branch is branches[-1] and kind != "percent" and (kind not in branch or branch[kind] is None)


def are_equal(branches: list[Document]) -> bool:
    """Whether nobody has given a branch a share of its own."""
    shares: list[Any] = [branch.get("percent") for branch in branches]
    return all(map(is_share, shares)) and sorted(shares) == sorted(equal_shares(len(shares)))


def share_out(branches: list[Document], shares: list[float]) -> None:
    for branch, share in zip(branches, shares, strict=True):
        branch["percent"] = share


def left_over(branches: list[Document]) -> float:
    """What the shares leave of 100."""
    given = sum(Decimal(str(branch["percent"])) for branch in branches if is_share(branch.get("percent")))
    return number(max(Decimal(WHOLE) - given, Decimal(0)))


def free_name(branches: list[Document], letters: bool) -> str:
    """A name for one branch more: the next letter for a variant, “Branch 3” otherwise."""
    taken = {branch.get("name") for branch in branches}
    if letters:
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            if letter not in taken:
                return letter
    return _("Branch %(number)d") % {"number": len(branches)}


def copy_name(branches: list[Document], name: str) -> str:
    """“Big (copy)”, “Big (copy 2)”, …"""
    taken = {branch.get("name") for branch in branches}
    count, candidate = 1, _("%(name)s (copy)") % {"name": name}
    while candidate in taken:
        count += 1
        candidate = _("%(name)s (copy %(number)d)") % {"name": name, "number": count}
    return candidate
