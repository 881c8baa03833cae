"""What the editor's script says, in the person's language."""

from __future__ import annotations

from django.utils.translation import gettext as _


def words() -> dict[str, str]:
    return {
        "logged_out": _("You have been logged out. Log in in another tab, then reload this page."),
        "retry": _("Try again"),
        "deleted": _("Step deleted."),
        "removed": _("Branch removed."),
        "undo": _("Undo"),
        "copied": _("Copied. %s: choose a + to paste, in any workflow."),
        "show_text": _("Show the text"),
        "deleted_steps": _("Steps deleted: %n"),
        "picked": _("Selected steps: %n"),
        "unpicked": _("No steps are selected any more."),
        "selected": _("selected"),
        "select": _("Select"),
        "unfit": _("This cannot be pasted here"),
        "partly": _("Not everything fits here"),
        "where": _("Go to a card or a + first: what you paste comes there or below."),
        "unreachable": _("The server cannot be reached. Try again."),
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
        "place_gone": _("Somebody removed the place this was meant for. Choose another place and do it again."),
        "failed_to_try": _("It could not be tried. Reload the page and try again."),
    }


def keys() -> list[tuple[str, str]]:
    """The keyboard map."""
    return [
        ("↑ ↓ ← →", _("Go from card to card")),
        ("Enter, E", _("Open the settings; Esc closes them")),
        ("A, +", _("Add a step below")),
        ("M", _("Move the step, or those selected, to…")),
        ("C", _("Hide or show the branches of a step")),
        ("Alt ↑, Alt ↓", _("Move the step up or down")),
        ("Ctrl D", _("Duplicate")),
        ("Shift ↑ ↓ ← →", _("Select several steps; so does Shift with a click or a frame drawn on the background")),
        (_("Space, Ctrl+click"), _("Select a step, or let go of it; Esc lets go of all")),
        ("Ctrl A", _("Select all steps")),
        ("Ctrl C, X, V", _("Copy, cut and paste steps, in other workflows, too")),
        ("Delete", _("Delete the step, or those selected")),
        ("Ctrl Z, Ctrl Shift Z", _("Undo, redo")),
        ("T", _("Comments on the card, or on the workflow")),
        ("F8", _("Go to the next problem")),
        ("/", _("Find in names, settings and texts; Enter goes to the next place, Shift Enter back")),
        ("0, 1", _("Fit the width, actual size")),
        ("?", _("This list")),
    ]
