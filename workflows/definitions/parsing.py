"""Reading a document into a definition: what is wrong with its structure is told with its place."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

from records.object_types import enrolled_types, object_types
from records.problems import DocumentError, Problem, unknown_keys
from workflows.data_sources import declared
from workflows.definitions import centres, part_shapes
from workflows.definitions.definition import Branch, Definition, Step, Trigger, walk
from workflows.definitions.on_failure import parse_on_failure
from workflows.registries import actions, triggers

FORMAT = 1
NAME_LIMIT = 200
STEP_LIMIT = 1_000
DEPTH_LIMIT = 20
STEP_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
KEYS = {
    "format", "name", "object", "description", "trigger", "unenroll", "suppress", "goal", "sources", "settings",
    "steps", "centre",
}  # fmt: skip
STEP_KEYS = {"id", "action", "params", "branches", "comment", "on_failure"}


def parse(document: Any) -> Definition:
    """Read a definition. Raises DocumentError listing every structural fault with its path.

    What only matters at publish (settings missing in a placeholder, unknown properties, …) is found by
    workflows.definitions.checking, so that an unfinished draft can be kept.
    """
    faults: list[Problem] = []
    if not isinstance(document, dict):
        message = _("A definition is a JSON object, not %(value)r.") % {"value": document}
        raise DocumentError([Problem("", message, document)])
    faults += unknown_keys(document, KEYS, "") + centres.faults(document.get("centre"))
    faults += declared.faults(document.get("sources"))
    if document.get("format", FORMAT) != FORMAT or document.get("format") is True:
        faults.append(Problem("format", _("Format %(value)r is not known. Use 1.") % {"value": document["format"]}))
    kinds = enrolled_types()
    if not part_shapes.known(document.get("object"), kinds):
        known = ", ".join(kinds)
        message = _("There is no object type %(value)r. Use one of: %(known)s.")
        if part_shapes.known(document.get("object"), object_types):
            message = _("Workflows cannot be about the object type %(value)r. Use one of: %(known)s.")
        faults.append(Problem("object", message % {"value": document.get("object"), "known": known}))
    for key in ("name", "description"):
        if not isinstance(document.get(key, ""), str):
            faults.append(Problem(key, _("%(value)r is not text. Send a string.") % {"value": document[key]}))
        elif key == "name" and len(document.get(key, "")) > NAME_LIMIT:
            message = _("A workflow's name has %(limit)d characters at most; you sent %(count)d. Shorten it.")
            faults.append(Problem(key, message % {"limit": NAME_LIMIT, "count": len(document[key])}))
    trigger = parse_trigger(document.get("trigger"), faults)
    steps = parse_steps(document.get("steps", []), "steps", faults, 0)
    every = list(walk(steps))
    faults += repeated_ids(every)
    if len(every) > STEP_LIMIT:
        message = _("A workflow has %(limit)d steps at most; you sent %(count)d. Remove some.")
        faults.append(Problem("steps", message % {"limit": STEP_LIMIT, "count": len(every)}))
    faults += part_shapes.faults(document, part_shapes.DEFINITION)
    unenroll = part_shapes.part(document, part_shapes.DEFINITION, "unenroll", {})
    faults += part_shapes.faults(unenroll, part_shapes.CRITERIA, "unenroll")
    if faults:
        raise DocumentError(faults)
    return Definition(
        name=document.get("name", ""),
        object=document["object"],
        description=document.get("description", ""),
        trigger=trigger,
        steps=steps,
        settings=document.get("settings") or {},
        document=document,
        by_id={step.id: step for step in every},
        after=successors(steps, first_again(document, steps)),
    )


def parse_trigger(document: Any, faults: list[Problem]) -> Trigger:
    """An absent or empty trigger means manual only (TRG-05, TRG-06); one that was chosen names its kind."""
    if document is None or document == {}:
        return Trigger("manual", {})
    if not isinstance(document, dict) or not part_shapes.known(document.get("kind"), triggers):
        kind = document.get("kind") if isinstance(document, dict) else document
        message = _("There is no trigger %(value)r. Use one of: %(known)s.")
        faults.append(Problem("trigger.kind", message % {"value": kind, "known": ", ".join(triggers)}, kind))
        return Trigger("manual", {})
    faults += [problem.at("trigger") for problem in triggers[document["kind"]].faults(document)]
    faults += part_shapes.faults(document, part_shapes.CRITERIA, "trigger")
    return Trigger(document["kind"], document)


def parse_steps(documents: Any, path: str, faults: list[Problem], depth: int) -> tuple[Step, ...]:
    if not isinstance(documents, list):
        faults.append(Problem(path, _("Steps are a list, not %(value)r.") % {"value": documents}, documents))
        return ()
    if depth > DEPTH_LIMIT:
        message = _("Branches are nested %(limit)d deep at most. Move these steps further out.")
        faults.append(Problem(path, message % {"limit": DEPTH_LIMIT}))
        return ()
    found = (parse_step(doc, f"{path}.{i}", faults, depth) for i, doc in enumerate(documents))
    return tuple(step for step in found if step is not None)


def parse_step(document: Any, path: str, faults: list[Problem], depth: int) -> Step | None:
    if not isinstance(document, dict):
        message = _("A step is a JSON object, not %(value)r.") % {"value": document}
        faults.append(Problem(path, message, document))
        return None
    faults += unknown_keys(document, STEP_KEYS, path)
    step_id, action = document.get("id"), document.get("action")
    if not isinstance(step_id, str) or not STEP_ID.fullmatch(step_id):
        message = _("%(value)r is not a step id. Use small letters, digits, - and _, 63 characters at most.")
        faults.append(Problem(f"{path}.id", message % {"value": step_id}, step_id))
        step_id = ""
    if not isinstance(action, str) or action not in actions:
        message = _("There is no action %(value)r. Use one of: %(known)s.")
        faults.append(Problem(f"{path}.action", message % {"value": action, "known": ", ".join(actions)}, action))
    faults += part_shapes.faults(document, part_shapes.STEP, path)
    params = part_shapes.part(document, part_shapes.STEP, "params", {})
    comment = part_shapes.part(document, part_shapes.STEP, "comment", "")
    branches = parse_branches(document, path, faults, depth)
    retries, stops = parse_on_failure(document.get("on_failure"), f"{path}.on_failure", faults)
    return Step(step_id, str(action), params, branches, comment, path, retries, stops)


def parse_branches(document: dict[str, Any], path: str, faults: list[Problem], depth: int) -> tuple[Branch, ...]:
    action = actions.get(str(document.get("action")))
    documents = document.get("branches")
    if action is None or not action.splits:
        if documents not in (None, []):
            message = _("Only branch actions have branches. Remove them.")
            faults.append(Problem(f"{path}.branches", message, documents))
        return ()
    if not isinstance(documents, list) or not documents:
        message = _("A branch needs a list of branches, at least one, not %(value)r.") % {"value": documents}
        faults.append(Problem(f"{path}.branches", message, documents))
        return ()
    place, key = f"{path}.branches", action.branch_key
    found = (parse_branch(doc, key, f"{place}.{i}", faults, depth) for i, doc in enumerate(documents))
    return tuple(branch for branch in found if branch is not None)


def parse_branch(document: Any, key: str, path: str, faults: list[Problem], depth: int) -> Branch | None:
    """One way out; `key` is what tells those of this kind of branching apart."""
    if not isinstance(document, dict):
        message = _("A branch is a JSON object, not %(value)r.")
        faults.append(Problem(path, message % {"value": document}, document))
        return None
    shapes = {**part_shapes.BRANCH, key: part_shapes.BRANCH_KEYS[key]}
    faults += unknown_keys(document, {*shapes, "steps"}, path) + part_shapes.faults(document, shapes, path)
    steps = parse_steps(document.get("steps", []), f"{path}.steps", faults, depth + 1)
    own = part_shapes.part(document, shapes, key, None)
    return Branch(
        name=part_shapes.part(document, shapes, "name", ""),
        criteria=own if key == "criteria" else None,
        values=tuple(own) if key == "values" and own is not None else None,
        steps=steps,
        percent=own if key == "percent" else None,
    )


def repeated_ids(steps: list[Step]) -> list[Problem]:
    seen: dict[str, Step] = {}
    repeated = []
    for step in steps:
        if step.id and step.id in seen:
            message = _("The step id “%(id)s” is used twice (also at %(other)s). Give each step its own id.")
            values = {"id": step.id, "other": seen[step.id].path}
            repeated.append(Problem(f"{step.path}.id", message % values, step.id, code="duplicate_id"))
        seen.setdefault(step.id, step)
    return repeated


def first_again(document: dict[str, Any], steps: tuple[Step, ...]) -> str:
    """Where a path that has run to its end leads: in a workflow that repeats every year to its beginning (SCH-31)."""
    centre = centres.read(document.get("centre"))
    return steps[0].id if steps and centre is not None and centre.yearly else ""


def successors(steps: tuple[Step, ...], after: str = "") -> dict[str, str]:
    """For every step the id of the one after it, where a branch's last step leads to where the paths meet."""
    found: dict[str, str] = {}
    followers = [*(step.id for step in steps[1:]), after] if steps else []
    for step, follower in zip(steps, followers, strict=True):
        found[step.id] = follower
        for branch in step.branches:
            found |= successors(branch.steps, follower)
    return found
