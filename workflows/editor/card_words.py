"""What the canvas says again and again, translated once for a picture: looking words up takes the longest."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from workflows.registries import actions

#: Where a piece of the canvas has its number and the number of all steps; no text of a document holds a NUL.
NUMBER, TOTAL = "\0n", "\0t"


def escape(text: Any) -> str:
    """Text as HTML; `django.utils.html.escape` asks each time whether it was given a promise, which takes longer."""
    return html.escape(str(text))


@dataclass(frozen=True)
class CardWords:
    """Sentences as HTML, with marks for numbers; `numbers` are those of the drawn cards, by step id.

    `labels` are those of actions, by slug.
    """

    numbers: dict[str, int]
    labels: dict[str, str]
    place: str
    in_branch: str
    needs: str
    after_trigger: str
    after_step: str
    first_of_branch: str

    def place_of(self, branch: str) -> str:
        """Where a card stands, for those who do not see it; the page's script looks for the numbers in the `<i>`."""
        return self.in_branch % {"step": self.place, "branch": escape(branch)} if branch else self.place

    def plus_after(self, step_id: str) -> str:
        """What the plus below a card does; "trigger" or the id of a step, anything else begins a branch."""
        if step_id == "trigger":
            return self.after_trigger
        return self.after_step if step_id in self.numbers else self.first_of_branch


def card_words(numbers: dict[str, int]) -> CardWords:
    """The words in the language of the person who looks."""
    return CardWords(
        numbers=numbers,
        labels={slug: escape(action.label) for slug, action in actions.items()},
        place=f"<i>{marked(_('Step %(number)d of %(total)d'))}</i>",
        in_branch=escape(_("%(step)s, in branch %(branch)s")),
        needs=escape(_("Needs settings")),
        after_trigger=escape(_("Add a step after the trigger")),
        after_step=marked(_("Add a step after step %(number)d")),
        first_of_branch=escape(_("Add the first step of this branch")),
    )


def where() -> str:
    """Where a card stands, with %n and %m for the numbers: for the page's script."""
    return str(_("Step %(number)d of %(total)d")).replace("%(number)d", "%n").replace("%(total)d", "%m")


def marked(sentence: str) -> str:
    """A sentence as HTML with marks where its numbers stand."""
    return escape(sentence).replace("%(number)d", NUMBER).replace("%(total)d", TOTAL)
