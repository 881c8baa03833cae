"""Values copied into a property: read where they are, and changed as the property needs them (CRM-03, CRM-09)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from records.properties import Property
from workflows.data_sources.values import values_named
from workflows.engine.writing import current_values
from workflows.step_forms import copying
from workflows.step_forms.sources import own_slug

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing


def copied(batch: Batch, name: str, prop: Property, *, blank: bool = False) -> dict[int, Any]:
    """What a name of step_forms.sources means for each record, as a value of `prop`, by the record's id.

    Records whose value does not fit are answered as failed and left out; those that have nothing of the name are
    answered as skipped and left out, or get None where the property may stay `blank`.
    """
    if own_slug(name):
        source = batch.properties[name]
        mine = current_values(batch, source)
        return cleaned(batch, prop, mine, lambda value: copying.convert(value, source, prop))
    facts = values_named(batch, batch.enrollments, name)
    if blank:
        return cleaned(batch, prop, facts, lambda fact: copying.convert(fact[1], fact[0], prop))
    batch.skip([one for one in batch.enrollments if one.record_id not in facts], "nothing_to_copy")
    part = batch.part([one for one in batch.enrollments if one.record_id in facts])
    found = cleaned(part, prop, facts, lambda fact: copying.convert(fact[1], fact[0], prop))
    batch.absorb(part)
    return found


def cleaned(batch: Batch, prop: Property, values: Mapping[int, Any], clean: Callable[[Any], Any]) -> dict[int, Any]:
    """Values by record id as `prop` has them; records whose value does not fit are answered as failed and left out."""
    found = {}
    for enrollment in batch.enrollments:
        value = values.get(enrollment.record_id)
        try:
            found[enrollment.record_id] = None if value in (None, "", []) else clean(value)
        except ValueError as error:
            refuse(batch, enrollment, prop, value, error)
            continue
        if found[enrollment.record_id] is None and prop.required:
            del found[enrollment.record_id]
            batch.fail(enrollment, "required", property=str(prop.label))
    return found


def refuse(batch: Batch, enrollment: Standing, prop: Property, value: Any, error: ValueError) -> None:
    read = value[1] if isinstance(value, tuple) else value
    facts: dict[str, Any] = {"value": str(read)[:200], "property": str(prop.label), "error": str(error)[:500]}
    batch.fail(enrollment, "cannot_copy", **facts)
