"""The results of earlier steps as values for texts, fields and formulas of later ones (ACG-07, DAT-19)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from records.properties import Property
from workflows.definitions.definition import OUTCOME
from workflows.definitions.ways import coming_before
from workflows.engine.outputs import find, labelled, offered
from workflows.step_forms.params import StepContext
from workflows.texts.token_values import Shown, shown_values

if TYPE_CHECKING:
    from workflows.engine.batch import Standing


def results_before(context: StepContext) -> Mapping[str, Property]:
    """What steps that can come before the context's own leave for later ones, as "step.name".

    How they ended is for branches only: it is not kept where no branch asks.
    """
    return {
        f"{step.id}.{name}": replace(prop, label=labelled(label, prop))
        for step, label, outputs in offered(context)
        for name, prop in outputs.items()
        if name != OUTCOME
    }


def result_of(name: str, context: StepContext) -> Property | None:
    """One of `results_before`, without looking at the others; None when there is none of the name."""
    found = find(name, context)
    if found is None or context.step is None or found[1].slug == OUTCOME:
        return None
    return found[1] if found[0].id in coming_before(context.definition, context.step.id) else None


def values_left(context: StepContext, enrollments: Iterable[Standing], name: str) -> tuple[Property, dict[int, Any]]:
    """The result's property and its value by record id; None where it is blank or the step was never taken."""
    found = find(name, context)
    if found is None:
        return Property(name, name), {}
    step, output = found
    kept = {standing.record_id: standing.outputs.get(step.id) or {} for standing in enrollments}
    return output, {pk: output.stored(outputs.get(output.slug)) for pk, outputs in kept.items()}


def texts_left(
    context: StepContext, enrollments: Iterable[Standing], name: str, *, raw: bool = False
) -> dict[int, Shown]:
    """The same as texts; `raw` as the API writes values."""
    output, values = values_left(context, enrollments, name)
    return shown_values(output, values, raw=raw)
