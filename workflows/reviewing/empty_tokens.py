"""Tokens, and values a step needs, that are always empty: only records without them come, and no step gives them one.

Where records wait on their way, somebody may fill the value in meanwhile: often they wait for just that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from records.criteria.contradictions import possible
from records.problems import Problem
from workflows.definitions import touching
from workflows.definitions.definition import GO_TO, Step, walk
from workflows.lifecycle.following import is_delay
from workflows.registries import actions
from workflows.reviewing.conditions import DECIDING, Conditions, Known
from workflows.step_forms.params import StepContext
from workflows.texts import tokens
from workflows.texts.tokens import Token

#: What a token says instead of nothing.
DEFAULT = "default"
#: The steps that ask others, who answer as they like.
OUTSIDE = ("send_webhook", "custom_code")


def problems(conditions: Conditions) -> Iterator[Problem]:
    definition = conditions.definition
    properties, written = StepContext(definition).properties, touching.writes(definition)
    blank: dict[tuple[object, str], bool] = {}
    for step, known in coming(conditions):
        seen = set()
        for field, slug, message, value in asked_for(step, StepContext(definition, step)):
            if slug not in properties or f"{definition.object}.{slug}" in written or (field, slug) in seen:
                continue
            seen.add((field, slug))
            place = tuple((id(compiled), met) for compiled, met in known), slug
            if place not in blank:
                blank[place] = never_known(conditions, known, slug)
            if blank[place]:
                told = message % {"token": value, "property": properties[slug].label}
                yield Problem(f"{step.path}.params.{field}", told, value, severity="warning", code="empty_token")


def asked_for(step: Step, context: StepContext) -> Iterator[tuple[str, str, str, str]]:
    """What a step says or needs of the enrolled record: setting, property, what to tell of a blank one, its name."""
    for field, token in tokens_in(step):
        message = _("“{{ %(token)s }}” is always empty here: only records without %(property)s come to this "
                    "step, and no step fills it in. Take it out, or give it a default.")  # fmt: skip
        yield field, tokens.property_slug(token, context.object_type), message, token.name
    for field, slug in actions[step.action].needs(step.params, context).items():
        message = _("The step does nothing here: only records without %(property)s come to it, and no step fills it "
                    "in. Remove the step, or change who comes to it.")  # fmt: skip
        yield field, slug, message, slug


def coming(conditions: Conditions) -> Iterator[tuple[Step, Known]]:
    """Every step with the conditions its records met on their way: the trigger's, and those of the branches around."""
    trigger = conditions.trigger
    start: Known = ((trigger, True),) if trigger else ()
    return spread(conditions, conditions.definition.steps, start)


def spread(conditions: Conditions, steps: tuple[Step, ...], known: Known) -> Iterator[tuple[Step, Known]]:
    for step in steps:
        if comes_back(conditions, step):
            known = ()
        if known:
            yield step, known
        for index, branch in enumerate(step.branches):
            way = conditions.way(step, index) if step.action in DECIDING else ()
            # What was so at the trigger may have changed meanwhile: each is asked alone.
            yield from spread(conditions, branch.steps, way or known)
        if any(takes_time(one) for one in walk((step,))):
            known = ()


def comes_back(conditions: Conditions, step: Step) -> bool:
    """Whether records jump to the step from elsewhere: they may have waited there."""
    return any(
        conditions.definition.by_id[one].action == GO_TO for one in conditions.definition.sources.get(step.id, ())
    )


def takes_time(step: Step) -> bool:
    """Whether records stay on the step, or it asks somebody outside, who may write what they know into the record."""
    return is_delay(step) or step.action in OUTSIDE


def never_known(conditions: Conditions, known: Known, slug: str) -> bool:
    """Whether the conditions can be met, but by no record that has a value."""
    has_one = conditions.compiled({"all": [{"property": slug, "operator": "is_known"}]})
    return has_one is not None and possible(known) and not possible([*known, (has_one, True)])


def tokens_in(step: Step) -> Iterator[tuple[str, Token]]:
    """The tokens of a step's texts without a default, with the setting they stand in."""
    for field, value in step.params.items():
        for text in texts(value):
            for token in tokens.tokens_of(text):
                if DEFAULT not in (name for name, _arguments in token.filters):
                    yield field, token


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)
