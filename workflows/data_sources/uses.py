"""Which data sources the settings of steps speak of: in texts, in formulas, and where a value is copied from."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from workflows.data_sources.declared import added
from workflows.data_sources.known import LINKED_AT, KnownSource
from workflows.definitions.definition import Definition, Step
from workflows.step_forms.params import StepContext

#: The setting that holds a script: it speaks of its own things only.
CODE = "code"
TOKEN = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
NAME = re.compile(r"(?<![\w.\"-])(?P<source>[a-z][a-z0-9_]*)\.(?P<slug>[a-z][a-z0-9_]*)")


def names_in(setting: Any) -> Iterator[tuple[str, str]]:
    """Everything in a setting that may be the name of a source's property, as the source's id and the property."""
    if isinstance(setting, dict):
        for key, part in setting.items():
            if key != CODE:
                yield from names_in(part)
    elif isinstance(setting, list):
        for part in setting:
            yield from names_in(part)
    elif isinstance(setting, str) and "." in setting:
        # In a text with tokens only they speak of sources; formulas and names of values do as a whole.
        for piece in TOKEN.findall(setting) if "{{" in setting else (setting,):
            for found in NAME.finditer(QUOTED.sub("", piece)):
                yield found["source"], found["slug"]


def sources_used(setting: Any, known: Collection[str]) -> set[str]:
    """The ids of the sources a setting speaks of."""
    return {source for source, _slug in names_in(setting) if source in known}


def steps_using(definition: Definition, source_id: str) -> list[Step]:
    """The steps that speak of a source."""
    return [step for step in definition.walk() if sources_used(step.params, (source_id,))]


def sources_read(setting: Any, context: StepContext) -> set[str]:
    """The properties a setting reads through sources, as "object_type.property": also those sources are found by."""
    found = set()
    for source_id, slug in names_in(setting):
        known = context.sources.get(source_id)
        if known is None or known.property_named(slug) is None:
            continue
        if slug != LINKED_AT.slug:
            found.add(f"{known.object_type.slug}.{slug}")
        found |= found_by(known, context)
    return found


def found_by(known: KnownSource, context: StepContext) -> set[str]:
    """The properties a source's record is found by."""
    named = ((known.object_type, known.source.compared), (context.object_type, known.source.same_as))
    return {f"{kind.slug}.{slug}" for kind, slug in named if slug}


def read_by(definition: Definition) -> set[str]:
    """Everything the definition reads through its sources, used or not."""
    context = StepContext(definition)
    found = {name for step in definition.walk() for name in sources_read(step.params, context)}
    kept = (context.sources[source_id] for source_id in added(definition) if source_id in context.sources)
    return found.union(*(found_by(known, context) for known in kept))
