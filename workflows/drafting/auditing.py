"""What the audit log keeps of an edit: which operation, and what it changed from what to what (HIS-17).

The operations of a draft come and go with undo; these entries stay. Of large values only the beginning is kept, of
steps which they were: the revisions have the rest.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from workflows.drafting.differences import differences
from workflows.drafting.tree import Document
from workflows.models import AuditEntry, Revision, Workflow

#: Changes kept of one operation, and characters of one value.
MOST, LONGEST = 50, 500
#: What an operation says of itself; the rest of it is in the changes.
FACTS = ("op", "step", "name", "steps", "source", "restored", "index")


def note_edit(
    workflow: Workflow,
    user: Any,
    action: str,
    op: dict[str, Any],
    *,
    before: Document,
    after: Document,
    now: dt.datetime,
) -> None:
    """Keep that an operation was carried out ("edited"), taken back ("undone") or repeated ("redone")."""
    author = user if getattr(user, "pk", None) else None
    detail = {"op": facts_of(op), "changes": list(changes(before, after))[:MOST]}
    AuditEntry.objects.create(workflow=workflow, user=author, action=action, detail=detail, at=now)


def of_revision(before: Revision | None, after: Revision) -> dict[str, Any]:
    """That another revision is live: its number, and the one before."""
    change = {"at": "revision", "before": before.number if before else None, "after": after.number}
    return {"revision": after.number, "changes": [change]}


def facts_of(op: dict[str, Any]) -> dict[str, Any]:
    found = {key: op[key] for key in FACTS if key in op}
    if isinstance(found.get("step"), dict):
        found["step"] = {key: found["step"].get(key) for key in ("id", "action")}
    if op.get("op") == "batch" and op.get("ops"):
        found["ops"] = [facts_of(op["ops"][-1])]
    return found


def changes(before: Document, after: Document) -> Iterator[dict[str, Any]]:
    """Every place that differs, named by the ids of steps, with its value before and after."""
    for edit in differences(before, after):
        old = looked_up(before, edit["path"])
        new = edit.get("value")
        if "at" in edit:
            old, new = old[edit["at"] : edit["at"] + edit["remove"]], edit["insert"]
        yield {"at": place_of(before, edit["path"]), "before": kept(old), "after": kept(new)}


def looked_up(document: Any, path: list[str | int]) -> Any:
    """The value at a path; None where nothing was."""
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def place_of(document: Any, path: list[str | int]) -> str:
    """A path with the ids of steps, and the names of branches, in the place of their numbers."""
    parts = []
    for part in path:
        document = looked_up(document, [part])
        named = document.get("id") or document.get("name") if isinstance(document, dict) else None
        parts.append(str(named) if isinstance(part, int) and isinstance(named, str) else str(part))
    return ".".join(parts)


def kept(value: Any) -> Any:
    """A value short enough to be kept for good."""
    if len(json.dumps(value)) <= LONGEST:
        return value
    steps = value if isinstance(value, list) else [value]
    if all(isinstance(one, dict) and "action" in one for one in steps):
        return [{"id": one.get("id"), "action": one["action"]} for one in steps[:MOST]]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[:LONGEST]}…"
