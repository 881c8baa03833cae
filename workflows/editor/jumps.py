"""Chips on the cards of go-tos and of the steps they lead to: each leads to the other end."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.html import escape
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.definitions.definition import GO_TO, Definition
from workflows.definitions.ways import numbered


@dataclass(frozen=True)
class Jumps:
    """Where go-tos lead, and from which each target is reached, all by step id; `numbers` are those of the cards."""

    to: dict[str, str] = field(default_factory=dict)
    back: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def chips(self, step_id: str) -> str:
        """The links of one card, "" for a card without."""
        found = []
        if target := self.to.get(step_id):
            number = self.numbers[target]
            found.append(chip(target, f"→ {number}", _("Goes on at step %(number)d") % {"number": number}))
        if sources := self.back.get(step_id, []):
            numbers = [str(self.numbers[one]) for one in sources]
            more = f" +{len(sources) - 1}" if len(sources) > 1 else ""
            told = ngettext("Continued from step %(numbers)s", "Continued from steps %(numbers)s", len(sources))
            about = told % {"numbers": get_text_list(numbers, _("and"))}
            found.append(chip(sources[0], f"← {numbers[0]}{more}", about))
        return f'<span class="flow-jumps">{"".join(found)}</span>' if found else ""


def jumps_of(definition: Definition) -> Jumps:
    """Every go-to of a definition that leads somewhere."""
    steps = definition.by_id
    targets = ((step.id, str(step.params.get("step", ""))) for step in definition.walk() if step.action == GO_TO)
    to = {source: target for source, target in targets if target in steps and target != source}
    if not to:
        return Jumps()
    back: dict[str, list[str]] = {}
    for source, target in to.items():
        back.setdefault(target, []).append(source)
    return Jumps(to, back, {step.id: number for number, step in numbered(definition)})


def chip(target: str, text: str, about: str) -> str:
    return (
        f'<a class="flow-jump" href="?step={escape(target)}" data-to="{escape(target)}" title="{escape(about)}">'
        f'<span aria-hidden="true">{escape(text)}</span></a>'
    )
