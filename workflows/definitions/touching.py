"""Which properties a definition reads and changes, as "object_type.property"."""

from __future__ import annotations

from records import criteria
from records.clock import ANY_INSTANT
from records.object_types import object_types
from records.problems import DocumentError
from workflows.data_sources import uses
from workflows.definitions import door_checks
from workflows.definitions.definition import Definition
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext


def trigger_reads(definition: Definition) -> set[str]:
    """The properties the trigger looks at, as "object_type.property"."""
    trigger = definition.trigger
    found = triggers[trigger.kind].reads(trigger.document, definition.object) if trigger.kind in triggers else set()
    return found | criteria_reads(definition)


def criteria_reads(definition: Definition) -> set[str]:
    if not definition.trigger.criteria:
        return set()
    kind = object_types[definition.object]
    try:
        compiled = criteria.compile(definition.trigger.criteria, kind, now=ANY_INSTANT, stored=True)
    except DocumentError:
        return set()
    return {f"{item.object_type}.{item.property}" for item in compiled.dependencies.properties}


def reads(definition: Definition) -> set[str]:
    """Everything the definition reads, as "object_type.property"."""
    steps = (actions[step.action].reads(step.params, StepContext(definition, step)) for step in definition.walk())
    return trigger_reads(definition).union(door_checks.reads(definition), uses.read_by(definition), *steps)


def writes(definition: Definition) -> set[str]:
    """Everything the definition changes, as "object_type.property"."""
    steps = (actions[step.action].writes(step.params, StepContext(definition, step)) for step in definition.walk())
    return {name for step in steps for name in step}
