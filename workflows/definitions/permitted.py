"""What takes a right: who lacks it may not bring new events, filters, steps and connections into a workflow (TRG-12).

What is there already stays: a workflow remains editable by people who may not use everything in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Permission
from django.utils.translation import gettext as _

from records.criteria.leaves import leaf_kinds
from records.problems import DocumentError, Problem
from records.seeing import may_use
from workflows.code.secrets import VIEW, rows_of
from workflows.events.known import event_of
from workflows.registries import actions

#: The settings of a step that take the right themselves: whoever lacks it may move the step, but not change these.
OWN = ("code", "secrets")
#: A right, the name of what takes it, and what tells it from others of the name.
Use = tuple[str, str, str]


def refuse_new(before: Any, after: Any, user: Any) -> None:
    """Raise DocumentError for what a change of a definition adds and the person may not use."""
    if user is None:
        return
    had = Counter(use for _path, use in uses(before))
    found = []
    for path, use in uses(after):
        had[use] -= 1
        permission, value, _what = use
        if had[use] < 0 and not may_use(user, permission):
            message = _("You may not use “%(value)s” in workflows. Ask for the right “%(right)s”, or leave it out.")
            found.append(
                Problem(path, message % {"value": value, "right": shown(permission)}, value, code="forbidden")
            )
    if found:
        raise DocumentError(found)


def uses(part: Any, path: str = "") -> Iterator[tuple[str, Use]]:
    """Every place in a document that takes a right, and what takes it."""
    if isinstance(part, list):
        for i, item in enumerate(part):
            yield from uses(item, f"{path}.{i}" if path else str(i))
    elif isinstance(part, dict):
        if use := needed(part):
            yield path, use
        yield from scripts(part, path)
        for key, item in part.items():
            yield from uses(item, f"{path}.{key}" if path else str(key))


def scripts(part: dict[str, Any], path: str) -> Iterator[tuple[str, Use]]:
    """The secrets of a step with its code and its inputs: whoever changes these decides where they go.

    An input may be the address the code sends a secret to.
    """
    action, params = actions.get(str(part["action"])) if "action" in part else None, part.get("params")
    if action is None or not action.permission or not isinstance(params, dict):
        return
    bound = json.dumps([params.get("code"), params.get("inputs") or []], sort_keys=True, default=str)
    for row in rows_of(params):
        yield f"{path}.params.code" if path else "params.code", (VIEW, row["connection"], f"code:{bound}")


def needed(part: dict[str, Any]) -> Use | None:
    """The right that a filter, an event, a step or a connection takes; None for what takes none."""
    action = actions.get(str(part["action"])) if "action" in part else None
    if action is not None and action.permission:
        params = part.get("params")
        own = [str(params[name]) for name in OWN if params.get(name)] if isinstance(params, dict) else []
        return action.permission, str(action.label), "\n".join(own)
    if part.get("connection") and isinstance(part["connection"], str):
        return VIEW, part["connection"], ""
    event = event_of(part["event"]) if "event" in part else None
    if event is not None:
        return (event.permission, str(event.label), "") if event.permission else None
    for slug, kind in leaf_kinds.items() if "operator" in part else ():
        if slug in part and kind.needs(part):
            return kind.needs(part), str(kind.label), ""
    return None


def shown(permission: str) -> str:
    """The name of a right as an administrator knows it."""
    app, _dot, codename = permission.partition(".")
    found = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    return str(found.name) if found else permission
