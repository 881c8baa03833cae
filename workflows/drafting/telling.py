"""What an operation did, for the activity log and for conflicts: “moved the step call”."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from workflows.registries import actions


def told(op: dict[str, Any]) -> str:
    """An operation as the end of a sentence that begins with who did it."""
    name, step = op.get("op"), op.get("step")
    if name == "insert":
        action = actions.get(str(step.get("action"))) if isinstance(step, dict) else None
        return _("added the step “%(step)s”") % {"step": action.label if action else _("unknown")}
    sentences = {
        "update": _("changed the settings of the step “%(step)s”"),
        "delete": _("deleted the step “%(step)s”"),
        "move": _("moved the step “%(step)s”"),
        "duplicate": _("copied the step “%(step)s”"),
        "paste": _("pasted steps"),
        "set_trigger": _("changed the trigger"),
        "set_settings": _("changed the settings"),
        "rename": _("renamed the workflow to “%(name)s”"),
        "add_branch": _("added a branch to “%(step)s”"),
        "clone_branch": _("copied a branch of “%(step)s”"),
        "share_equally": _("shared the records equally between the branches of “%(step)s”"),
        "set_branch": _("changed a branch of “%(step)s”"),
        "remove_branch": _("removed a branch of “%(step)s”"),
        "move_branch": _("reordered the branches of “%(step)s”"),
        "replace": _("replaced the whole draft"),
    }
    values = {"step": step, "name": op.get("name")}
    if name == "batch" and op.get("ops"):
        return told(op["ops"][-1])
    return sentences.get(str(name), _("changed the draft")) % values
