"""The tokens a person chooses from while writing a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.object_types import ObjectType
from records.properties import Property
from workflows.step_forms.params import StepContext
from workflows.texts.tokens import EVENT, OUTPUT, allowed_names

#: The ids of steps that Liquid reads without brackets: none of its own words, no number.
PLAIN = re.compile(
    r"(?!(?:and|or|not|if|else|true|false|nil|null|empty|blank|contains|in|with|for|as)$)[a-z][a-z0-9_-]*"
)

Choices = list[tuple[str, str]]


def offered_tokens(context: StepContext) -> list[tuple[str, Choices]]:
    """The tokens of a text under the headings they are chosen by, those of the event first."""
    return [
        (heading, [(f"{{{{ {in_token(name)} }}}}", label) for name, label in choices])
        for heading, choices in offered_names(context)
    ]


def offered_of(record: ObjectType, properties: Mapping[str, Property]) -> list[tuple[str, Choices]]:
    """The tokens of a text about a record of a type, where no workflow is known: its properties and its owner's."""
    known = allowed_names(record, properties)
    own = [(f"{record.slug}.{slug}", str(prop.label)) for slug, prop in properties.items()]
    named = (
        (capfirst(str(record.label)), [(name, label) for name, label in own if name in known]),
        (_("Owner"), parts_of_owner(known)),
    )
    return [(heading, [(f"{{{{ {name} }}}}", label) for name, label in some]) for heading, some in named if some]


def parts_of_owner(known: Iterable[str]) -> Choices:
    return [(name, capfirst(name.partition(".")[2].replace("_", " "))) for name in known if name.startswith("owner.")]


def in_token(name: str) -> str:
    """A name as tokens have it: a step's id that is no plain word stands in brackets."""
    source, _dot, rest = name.partition(".")
    step, _dot, result = rest.partition(".")
    if source != OUTPUT or PLAIN.fullmatch(step):
        return name
    return f'{OUTPUT}["{step}"].{result}'


def offered_names(context: StepContext) -> list[tuple[str, Choices]]:
    """What values are called under the headings they are chosen by, those of the event first."""
    record = context.object_type
    known = allowed_names(record, context.properties)
    own = [(f"{record.slug}.{slug}", str(prop.label)) for slug, prop in context.properties.items()]
    told = [(f"{EVENT}.{slug}", str(prop.label)) for slug, prop in context.told.items()]
    parts = parts_of_owner(known)
    results = [(f"{OUTPUT}.{name}", str(prop.label)) for name, prop in context.results.items()]
    named = (
        (_("The event that enrolled it"), told),
        (_("Results of earlier steps"), results),
        (capfirst(str(record.label)), [(name, label) for name, label in own if name in known]),
        (_("Owner"), parts),
    )
    return [(heading, choices) for heading, choices in named if choices]
