"""What names in formulas mean at a step, and their values for the records of a batch: constant queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from records.properties import Property
from workflows.engine.results import result_of
from workflows.formulas.kinds import Value, kind_of, value_of
from workflows.step_forms.params import StepContext
from workflows.texts.token_values import BLANK, USER_PARTS, Shown, values_of
from workflows.texts.tokens import EVENT, OUTPUT

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

OWNER = "owner"


def property_named(name: str, context: StepContext) -> Property | None:
    """The property a name like contact.city, owner.email, event.total or output.step.result means; None for none."""
    source, _dot, rest = name.partition(".")
    if source == EVENT:
        return context.told.get(rest)
    if source == OUTPUT:
        return result_of(rest, context)
    if source in context.sources:
        slug, _dot, part = rest.partition(".")
        prop = context.sources[source].property_named(slug)
    else:
        slug, part = own_parts(name, context)
        prop = context.properties.get(slug)
    if prop is None or prop.sensitive:
        return None
    if not part:
        return prop
    return Property(name, name) if prop.type == "user" and part in USER_PARTS else None


def own_parts(name: str, context: StepContext) -> tuple[str, str]:
    """The property of the record a name speaks of, and the part of its user; "" for each that there is not."""
    source, _dot, rest = name.partition(".")
    if source == OWNER:
        return (OWNER, rest) if rest else ("", "")
    slug, _dot, part = rest.partition(".")
    return (slug, part) if source == context.object_type.slug else ("", "")


def values_named(batch: Batch, names: Mapping[str, Property]) -> dict[int, dict[str, Value]]:
    """The values of names by record id; those that are blank, or not to be had, are None."""
    own = {name: own_parts(name, batch.context) for name in names}
    slugs = {slug for slug, _part in own.values() if slug}
    events = [name.partition(".")[2] for name in names if name.startswith(f"{EVENT}.")]
    left = [name.partition(".")[2] for name in names if name.startswith(f"{OUTPUT}.")]
    records = values_of(batch.object_type, slugs, list(batch.records_by_id.values())) if slugs else {}
    sourced: dict[str, set[str]] = {}
    for name in names:
        source, _dot, rest = name.partition(".")
        if source in batch.context.sources:
            sourced.setdefault(source, set()).add(rest.partition(".")[0])
    told = batch.told(events, left, sourced)

    def shown(pk: int, name: str) -> Shown:
        slug, part = own[name]
        if not slug:
            source, _dot, rest = name.partition(".")
            if source not in sourced:
                return told.get(pk, {}).get(name, BLANK)
            slug, _dot, part = rest.partition(".")
            found = told.get(pk, {}).get(f"{source}.{slug}", BLANK)
            return part_of(found, part) if part else found
        found = records.get(pk, {}).get(slug, BLANK)
        return part_of(found, part) if part else found

    kinds = {name: kind_of(prop) for name, prop in names.items()}
    return {pk: {name: value_of(shown(pk, name), kind) for name, kind in kinds.items()} for pk in batch.ids}


def part_of(user: Shown, part: str) -> Shown:
    found = user.part(part)
    return found if found.text else BLANK
