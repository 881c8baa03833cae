"""What an operation did, for the activity log and for conflicts: “moved the step call”."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.registries import actions


def told(op: dict[str, Any], names: Mapping[str, str | Promise] | None = None) -> str:
    """An operation as the end of a sentence that begins with who did it; `names` are those of steps, by id."""
    name, step = op.get("op"), op.get("step")
    if isinstance(step, str) and names:
        step = names.get(step, step)
    if name == "insert":
        action = actions.get(str(step.get("action"))) if isinstance(step, dict) else None
        return _("added the step “%(step)s”") % {"step": action.label if action else _("unknown")}
    sentences = {
        "update": _("changed the settings of the step “%(step)s”"),
        "delete": _("deleted the step “%(step)s”"),
        "move": _("moved the step “%(step)s”"),
        "duplicate": _("copied the step “%(step)s”"),
        "paste": _("pasted steps"),
        "delete_steps": ngettext("deleted %(count)d step", "deleted %(count)d steps", several(op)),
        "move_steps": ngettext("moved %(count)d step", "moved %(count)d steps", several(op)),
        "set_trigger": _("changed the trigger"),
        "set_settings": _("changed the settings"),
        "rename": _("renamed the workflow to “%(name)s”"),
        "add_branch": _("added a branch to “%(step)s”"),
        "clone_branch": _("copied a branch of “%(step)s”"),
        "share_equally": _("shared the records equally between the branches of “%(step)s”"),
        "set_branch": _("changed a branch of “%(step)s”"),
        "remove_branch": _("removed a branch of “%(step)s”"),
        "move_branch": _("reordered the branches of “%(step)s”"),
        "add_source": _("added the data source “%(source)s”"),
        "update_source": _("changed the data source “%(source)s”"),
        "remove_source": _("deleted the data source “%(source)s”"),
        "replace": restored(op),
    }
    source = op.get("values") if name == "update_source" else op.get("source")
    called = source.get("name") if isinstance(source, dict) else source
    values = {"step": step, "name": op.get("name"), "count": several(op), "source": called}
    if name == "batch" and op.get("ops"):
        return told(op["ops"][-1], names)
    return sentences.get(str(name), _("changed the draft")) % values


def several(op: dict[str, Any]) -> int:
    """How many steps an operation names."""
    return len(op["steps"]) if isinstance(op.get("steps"), list) else 1


def restored(op: dict[str, Any]) -> str:
    """A draft replaced by an earlier state is told as such."""
    if "restored" not in op:
        return _("replaced the whole draft")
    if not op["restored"]:
        return _("went back to an earlier state")
    return _("went back to “%(version)s”") % {"version": op["restored"]}


def step_names(*found: Any) -> dict[str, str | Promise]:
    """What the steps anywhere in documents, or in the edits of an operation's inverse, are called, by id."""
    return {str(step["id"]): actions[step["action"]].label for step in steps_in(found)}


def steps_in(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        if isinstance(found.get("id"), str) and found.get("action") in actions:
            yield found
        found = list(found.values())
    if isinstance(found, list | tuple):
        for part in found:
            yield from steps_in(part)
