"""What the canvas says again and again, translated once for a picture: looking words up takes the longest."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _


def escape(text: Any) -> str:
    """Text as HTML; `django.utils.html.escape` asks each time whether it was given a promise, which takes longer."""
    return html.escape(str(text))


@dataclass(frozen=True)
class CardWords:
    """Sentences with places for numbers and names; `numbers` are those of the drawn cards, by step id."""

    numbers: dict[str, int]
    place: str
    in_branch: str
    needs: str
    more: str
    after_trigger: str
    after_step: str
    first_of_branch: str

    def place_of(self, number: int, total: int, branch: str) -> str:
        """Where a card stands, for those who do not see it."""
        place = self.place % {"number": number, "total": total}
        return self.in_branch % {"step": place, "branch": branch} if branch else place

    def plus_after(self, step_id: str) -> str:
        """What the plus below a card does; "trigger" or the id of a step, anything else begins a branch."""
        if step_id == "trigger":
            return self.after_trigger
        if step_id in self.numbers:
            return self.after_step % {"number": self.numbers[step_id]}
        return self.first_of_branch


def card_words(numbers: dict[str, int]) -> CardWords:
    """The words in the language of the person who looks."""
    return CardWords(
        numbers=numbers,
        place=_("Step %(number)d of %(total)d"),
        in_branch=_("%(step)s, in branch %(branch)s"),
        needs=_("Needs settings"),
        more=_("More for step %(number)d"),
        after_trigger=_("Add a step after the trigger"),
        after_step=_("Add a step after step %(number)d"),
        first_of_branch=_("Add the first step of this branch"),
    )
