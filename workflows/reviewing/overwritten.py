"""Values a step sets for nothing, because the step right behind it sets the same property anew."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.problems import Problem
from records.property_access.rights import property_label
from workflows.definitions.definition import Step
from workflows.registries import actions
from workflows.reviewing.competing import effect_of
from workflows.reviewing.conditions import Conditions
from workflows.step_forms.params import StepContext

EDIT = "edit_record"
#: Which records a step is about.
TARGET = ("of", "label", "which")


def problems(conditions: Conditions) -> Iterator[Problem]:
    """A warning for the first of two such steps; one that clears the property is left alone.

    To clear and to set anew is how people make other workflows see a change.
    """
    definition = conditions.definition
    for step in definition.walk():
        after = definition.by_id.get(definition.next_after(step.id)) if step.action == EDIT else None
        if after is None or step.params.get("clear") or not same_place(step, after):
            continue
        names = actions[EDIT].writes(step.params, StepContext(definition, step))
        if names & actions[EDIT].reads(after.params, StepContext(definition, after)):
            continue
        if effect_of(step) is not None and effect_of(step) == effect_of(after):
            continue
        message = _(
            "What this step sets is lost at once: step %(number)d sets %(property)s anew. Remove one of the two, or "
            "let the record wait in between."
        )
        told = capfirst(property_label(next(iter(names)))) if names else step.params.get("property")
        facts = {"number": definition.number_of(after.id), "property": told}
        yield Problem(f"{step.path}.params.property", message % facts, severity="warning", code="overwritten")


def same_place(step: Step, after: Step) -> bool:
    """Whether both set one property of the same records, the second whatever it was before."""
    mine, theirs = step.params, after.params
    if after.action != EDIT or theirs.get("append") or not mine.get("property"):
        return False
    return all(mine.get(key) == theirs.get(key) for key in ("property", *TARGET))
