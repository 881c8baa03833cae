"""What the engine reads again and again, read once per process until the vocabulary changes (records.vocabulary)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import get_language

from records import vocabulary
from records.properties import Property

if TYPE_CHECKING:
    from records.object_types import ObjectType
    from workflows.actions.base import Action
    from workflows.definitions.definition import Step
    from workflows.step_forms.params import StepContext

KEPT = 5_000
#: By revision and step: the step as it was read, the version of the vocabulary, and the cleaned params.
kept: OrderedDict[tuple[int, str], tuple[Step, vocabulary.Version, dict[str, Any]]] = OrderedDict()
known: dict[tuple[str, str], tuple[vocabulary.Version, Mapping[str, Property]]] = {}


def version_of(context: StepContext) -> vocabulary.Version:
    """The version of the vocabulary, asked for once for all steps of a context."""
    found = context.shared.get("vocabulary")
    if found is None:
        found = context.shared["vocabulary"] = vocabulary.version()
    return found


def properties_of(object_type: ObjectType, version: vocabulary.Version) -> Mapping[str, Property]:
    """The properties of an object type; their options are looked up when they are asked for, as ever."""
    key = (object_type.slug, str(get_language()))
    found = known.get(key)
    if found is None or found[0] != version:
        found = known[key] = (version, object_type.properties())
    return found[1]


def properties_in(object_type: ObjectType, context: StepContext) -> Mapping[str, Property]:
    """The properties of an object type as a context's steps see them; a page that reads them once has them already."""
    if vocabulary.memory.get() is not None:
        return object_type.properties()
    return properties_of(object_type, version_of(context))


def params_of(action: Action, revision_id: int, context: StepContext) -> dict[str, Any]:
    """The cleaned params a step runs with. Raises ValueError when they are not valid."""
    step = context.step
    assert step is not None, "params are those of a step"
    if not action.lasts(step.params, context):
        return action.params(step.params, context)
    version, key = version_of(context), (revision_id, step.id)
    found = kept.get(key)
    if found is None or found[0] is not step or found[1] != version:
        found = kept[key] = (step, version, action.params(step.params, context))
        if len(kept) > KEPT:
            kept.popitem(last=False)
    return found[2]
