"""Values that steps copy: of the record, the event that enrolled it, an earlier step's result, or a data source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from records.properties import Property
from workflows.data_sources.resolving import values_from
from workflows.engine.results import values_left
from workflows.events.occasion import facts_told
from workflows.step_forms.sources import own_slug, result_name, sourced_name, told_slug
from workflows.texts.token_values import column_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing


def values_named(batch: Batch, enrollments: Sequence[Standing], name: str) -> Mapping[int, tuple[Property, Any]]:
    """The values a name of step_forms.sources means, by record id, each with the property that says how to read it.

    Those are left out that have nothing of the name: no event told it, no record is behind the data source.
    """
    prop: Property | None
    if told := told_slug(name):
        return facts_told(batch.definition, enrollments, [told])[told]
    if left := result_name(name):
        prop, values = values_left(batch.context, enrollments, left)
    elif sourced := sourced_name(name):
        prop, values = values_from(batch, sourced)
    else:
        prop = batch.properties.get(own_slug(name))
        values = column_of(batch.object_type, prop, list(batch.records_by_id.values())) if prop is not None else {}
    return {pk: (prop, value) for pk, value in values.items()} if prop is not None else {}
