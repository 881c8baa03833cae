"""The sources of a definition as the steps know them: with their types and properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from records.object_types import ObjectType
from records.properties import Property
from workflows.data_sources.declared import ASSOCIATION, DataSource, sources_of
from workflows.prepared import properties_in
from workflows.texts.token_values import USER_PARTS

if TYPE_CHECKING:
    from workflows.step_forms.params import StepContext

#: When the record of a source was linked with the enrolled one (DAT-24).
LINKED_AT = Property("associated_at", gettext_lazy("Associated at"), "datetime", read_only=True)


@dataclass(frozen=True)
class KnownSource:
    """A source whose type there is."""

    source: DataSource
    object_type: ObjectType
    context: StepContext = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        return self.source.id

    @property
    def name(self) -> str:
        return self.source.name or self.source.id

    @cached_property
    def properties(self) -> Mapping[str, Property]:
        return properties_in(self.object_type, self.context)

    @cached_property
    def readable(self) -> Mapping[str, Property]:
        """What texts may say of it: no sensitive values, but also when it was linked, where a link says so."""
        found = {slug: prop for slug, prop in self.properties.items() if not prop.sensitive}
        association = (
            self.source.association(self.context.object_type) if self.source.condition == ASSOCIATION else None
        )
        if association is not None and association.relation is None and LINKED_AT.slug not in found:
            found[LINKED_AT.slug] = LINKED_AT
        return found

    def property_named(self, slug: str) -> Property | None:
        return self.readable.get(slug)

    def names(self) -> Iterator[str]:
        """Every token of it, with the parts of the users it names."""
        for slug, prop in self.readable.items():
            yield f"{self.id}.{slug}"
            if prop.type == "user":
                yield from (f"{self.id}.{slug}.{part}" for part in USER_PARTS)


def known_sources(context: StepContext) -> dict[str, KnownSource]:
    """The sources of a definition by id, without those of types that are not there (any more)."""
    listed = ((source, source.object_type) for source in sources_of(context.definition).values())
    return {source.id: KnownSource(source, kind, context) for source, kind in listed if kind is not None}
