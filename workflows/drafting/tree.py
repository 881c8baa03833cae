"""Finding places in a definition's document, and naming new steps."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from workflows.definitions.parsing import DEPTH_LIMIT
from workflows.drafting.mentions import renamed
from workflows.registries import actions

Document = dict[str, Any]
PLACE = re.compile(r"^steps\.\d+(\.branches\.\d+\.steps\.\d+)*$")


@dataclass(frozen=True)
class Found:
    """A step, the list it stands in and its index there."""

    step: Document
    steps: list[Document]
    index: int
    path: str


def refuse(path: str, message: str, value: Any = None, code: str = "invalid") -> DocumentError:
    return DocumentError([Problem(path, message, value, code=code)])


def walk(steps: list[Document], path: str = "steps") -> Iterator[Found]:
    """Every step in reading order."""
    for index, step in enumerate(steps):
        place = f"{path}.{index}"
        yield Found(step, steps, index, place)
        for number, branch in enumerate(step.get("branches") or ()):
            yield from walk(branch.get("steps") or [], f"{place}.branches.{number}.steps")


def find(document: Document, step_id: Any, key: str = "step") -> Found:
    """The step with an id. Raises DocumentError when there is none."""
    for found in walk(document.get("steps") or []):
        if found.step.get("id") == step_id:
            return found
    message = _("There is no step “%(id)s” in this draft. It may have been deleted; load the draft again.")
    raise refuse(key, message % {"id": step_id}, step_id, "unknown_step")


def step_of(document: Document, step_id: str) -> Document | None:
    """The step with an id, or None."""
    return next((found.step for found in walk(document.get("steps") or []) if found.step.get("id") == step_id), None)


def place(document: Document, path: Any, key: str = "at") -> tuple[list[Document], int]:
    """The list and index a path like `steps.2.branches.0.steps.1` stands for; the index may be one past the end."""
    message = _("“%(value)s” is not a place in this draft. Send a path like steps.2 or steps.2.branches.0.steps.1.")
    fault = refuse(key, message % {"value": path}, path, "unknown_place")
    if not isinstance(path, str) or not PLACE.match(path) or path.count("branches") > DEPTH_LIMIT:
        raise fault
    parts = path.split(".")
    steps = document.setdefault("steps", [])
    for i in range(1, len(parts) - 1, 4):
        try:
            branch = steps[int(parts[i])]["branches"][int(parts[i + 2])]
        except (LookupError, TypeError):
            raise fault from None
        steps = branch.setdefault("steps", [])
    index = int(parts[-1])
    if index > len(steps):
        raise fault
    return steps, index


def branches_of(document: Document, step_id: Any) -> tuple[Document, list[Document]]:
    """A splitting step and its branches. Raises DocumentError when it has none."""
    step = find(document, step_id).step
    if not step.get("branches"):
        raise refuse("step", _("The step “%(id)s” has no branches.") % {"id": step_id}, step_id)
    return step, step["branches"]


def branch_at(branches: list[Document], index: Any, key: str = "branch") -> Document:
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(branches):
        message = _("There is no branch %(index)s: this step has %(count)d branches, counted from 0.")
        raise refuse(key, message % {"index": index, "count": len(branches)}, index)
    return branches[index]


def ids(document: Document) -> set[str]:
    return {found.step["id"] for found in walk(document.get("steps") or []) if "id" in found.step}


def new_id(action: str, taken: set[str]) -> str:
    """A readable id that no step has: `delay`, `delay-2`, …; it is taken from then on."""
    base = re.sub(r"[^a-z0-9]+", "-", action.lower()).strip("-")[:50] or "step"
    number, candidate = 1, base
    while candidate in taken:
        number += 1
        candidate = f"{base}-{number}"
    taken.add(candidate)
    return candidate


def renewed(steps: Any, document: Document, spent: Iterable[str] = ()) -> list[Document]:
    """Copies of steps with ids of their own, none `spent`; what they say of one another is about the copies."""
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise refuse("steps", _("Send a list of at least one step to paste."), None)
    copies = copy.deepcopy(steps)
    taken, names = ids(document) | set(spent), {}
    for found in list(walk(copies)):
        old = found.step.get("id")
        found.step["id"] = new_id(str(found.step.get("action", "step")), taken)
        if isinstance(old, str):
            names[old] = found.step["id"]
    for found in walk(copies):
        params = found.step.get("params")
        if not isinstance(params, dict):
            continue
        if found.step.get("action") == "go_to" and params.get("step") in names:
            params["step"] = names[params["step"]]
        source, _dot, output = str(params.get("output", "")).rpartition(".")
        if source in names:
            params["output"] = f"{names[source]}.{output}"
        found.step["params"] = renamed(params, names)
    return copies


def started(sent: Any, document: Document, spent: Iterable[str] = ()) -> Document:
    """A new step from what was sent: an id, not `spent`, where there is none, and the branches it starts with."""
    if not isinstance(sent, dict) or sent.get("action") not in actions:
        value = sent.get("action") if isinstance(sent, dict) else sent
        message = _("There is no action %(value)r. Use one of: %(known)s.")
        raise refuse("step.action", message % {"value": value, "known": ", ".join(actions)}, value)
    step = copy.deepcopy(sent)
    step.setdefault("id", new_id(step["action"], ids(document) | set(spent)))
    step.setdefault("params", {})
    if actions[step["action"]].splits:
        step.setdefault("branches", copy.deepcopy(actions[step["action"]].default_branches()))
    return step
