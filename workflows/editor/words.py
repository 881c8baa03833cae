"""What the editor's script says, in the person's language."""

from __future__ import annotations

from django.utils.translation import gettext as _


def words() -> dict[str, str]:
    return {
        "saving": _("Saving…"),
        "offline": _("Offline: your last change is not saved. Try again."),
        "retry": _("Try again"),
        "deleted": _("Step deleted."),
        "removed": _("Branch removed."),
        "undo": _("Undo"),
        "copied": _("Copied. Choose a + to paste."),
        "moving": _("Choose the + where the step shall go. Esc cancels."),
        "nothing": _("Nothing found"),
        "found": _("%n of %m"),
        "no_problems": _("No step needs settings."),
        "edit": _("Edit"),
        "duplicate": _("Duplicate"),
        "copy": _("Copy"),
        "move": _("Move to…"),
        "collapse": _("Hide the branches"),
        "expand": _("Show the branches"),
        "up": _("Move up"),
        "down": _("Move down"),
        "delete": _("Delete"),
        "failed": _("The change was not accepted."),
    }


def keys() -> list[tuple[str, str]]:
    """The keyboard map."""
    return [
        ("↑ ↓ ← →", _("Go from card to card")),
        ("Enter", _("Open the settings; Esc closes them")),
        ("A, +", _("Add a step below")),
        ("M", _("Move the step to…")),
        ("C", _("Hide or show the branches of a step")),
        ("Alt ↑, Alt ↓", _("Move the step up or down")),
        ("Ctrl D", _("Duplicate")),
        ("Ctrl C, X, V", _("Copy, cut and paste a step")),
        ("Delete", _("Delete the step")),
        ("Ctrl Z, Ctrl Shift Z", _("Undo, redo")),
        ("F8", _("Go to the next problem")),
        ("/", _("Find a step; Enter goes to the next one")),
        ("0, 1", _("Fit the width, actual size")),
        ("?", _("This list")),
    ]
