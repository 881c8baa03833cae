"""The tokens a person chooses from while writing a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.object_types import ObjectType
from records.properties import Property
from workflows.data_sources.known import KnownSource
from workflows.step_forms.params import StepContext
from workflows.texts.token_values import allowed_names
from workflows.texts.tokens import EVENT, OUTPUT

#: The ids of steps that Liquid reads without brackets: none of its own words, no number.
PLAIN = re.compile(
    r"(?!(?:and|or|not|if|else|true|false|nil|null|empty|blank|contains|in|with|for|as)$)[a-z][a-z0-9_-]*"
)

#: What the record and its owner are called where one chooses what values come from.
RECORD, OWNER = "record", "owner"
Choices = list[tuple[str, str]]


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
    return [(name, part_label(name)) for name in known if name.startswith("owner.")]


def in_token(name: str) -> str:
    """A name as tokens have it: a step's id that is no plain word stands in brackets."""
    source, _dot, rest = name.partition(".")
    step, _dot, result = rest.partition(".")
    if source != OUTPUT or PLAIN.fullmatch(step):
        return name
    return f'{OUTPUT}["{step}"].{result}'


@dataclass(frozen=True)
class Origin:
    """Something values come from: the event, earlier steps, the record, its owner, or a data source."""

    key: str
    heading: str
    choices: Choices
    source: KnownSource | None = None


def origins(context: StepContext) -> list[Origin]:
    """Everything values can come from at a step, with what they are called in texts and to people."""
    record = context.object_type
    known = set(allowed_names(record, context.properties))
    own = [(f"{record.slug}.{slug}", str(prop.label)) for slug, prop in context.properties.items()]
    told = [(f"{EVENT}.{slug}", str(prop.label)) for slug, prop in context.told.items()]
    results = [(f"{OUTPUT}.{name}", str(prop.label)) for name, prop in context.results.items()]
    return [
        Origin(EVENT, _("The event that enrolled it"), told),
        Origin(OUTPUT, _("Results of earlier steps"), results),
        Origin(RECORD, capfirst(str(record.label)), [(name, label) for name, label in own if name in known]),
        Origin(OWNER, _("Owner"), parts_of_owner(sorted(known))),
        *(Origin(source.id, source.name, choices_of(source), source) for source in context.sources.values()),
    ]


def choices_of(source: KnownSource) -> Choices:
    """The tokens of a data source: its properties, each followed by the parts of the user it names."""
    found = []
    for name in source.names():
        _source, slug, *part = name.split(".")
        label = str(source.readable[slug].label)
        found.append((name, f"{label}: {part_label(name)}" if part else label))
    return found


def part_label(name: str) -> str:
    return capfirst(name.rpartition(".")[2].replace("_", " "))
