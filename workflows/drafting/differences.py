"""What differs between two documents, as the edits that lead from one to the other.

An edit is `{"path", "value"}` (set), `{"path", "absent": true}` (remove a key) or
`{"path", "at", "remove", "insert"}` (splice a list). They are small: moving one of 500 steps does not copy the rest.
"""

from __future__ import annotations

from typing import Any

Edit = dict[str, Any]


def copied(part: Any) -> Any:
    """JSON of its own: `copy.deepcopy` also looks for what it has met before, which takes several times as long."""
    if isinstance(part, dict):
        return {key: copied(value) for key, value in part.items()}
    return [copied(value) for value in part] if isinstance(part, list) else part


def differences(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> list[Edit]:
    """The edits that make `after` out of `before`."""
    if before == after and type(before) is type(after):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        found = [{"path": [*path, key], "absent": True} for key in before if key not in after]
        for key, value in after.items():
            place = (*path, key)
            if key in before:
                found += differences(before[key], value, place)
            else:
                found.append({"path": list(place), "value": copied(value)})
        return found
    if isinstance(before, list) and isinstance(after, list):
        return list_differences(before, after, path)
    return [{"path": list(path), "value": copied(after)}]


def list_differences(before: list[Any], after: list[Any], path: tuple[str | int, ...]) -> list[Edit]:
    start, shortest = 0, min(len(before), len(after))
    while start < shortest and before[start] == after[start]:
        start += 1
    end = 0
    while end < shortest - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if len(old) == len(new) == 1 and isinstance(old[0], dict) and isinstance(new[0], dict):
        return differences(old[0], new[0], (*path, start))
    return [{"path": list(path), "at": start, "remove": len(old), "insert": copied(new)}]


def edited(document: Any, edits: list[Edit]) -> Any:
    """The document after the edits; the one given stays as it is. Raises LookupError when a place is not there."""
    result = copied(document)
    for edit in edits:
        path = edit["path"]
        if not path and "value" in edit:
            result = copied(edit["value"])
            continue
        holder = result
        for part in path if "at" in edit else path[:-1]:
            holder = holder[part]
        if "at" in edit:
            holder[edit["at"] : edit["at"] + edit["remove"]] = copied(edit["insert"])
        elif edit.get("absent"):
            del holder[path[-1]]
        else:
            holder[path[-1]] = copied(edit["value"])
    return result
