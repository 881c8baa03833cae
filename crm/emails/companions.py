"""Records beside the contact that an email may speak of: its company, deal or ticket (DAT-03, DAT-21).

Of several the primary one is taken, or the one changed last (DAT-12). In a workflow for deals the deal is the enrolled
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from crm.models import Contact
from records.object_types import ObjectType
from workflows.data_sources.known import LINKED_AT, KnownSource, known_sources
from workflows.data_sources.resolving import Chosen, chosen_for
from workflows.definitions.parsing import parse
from workflows.step_forms.params import StepContext
from workflows.texts import tokens
from workflows.texts.token_values import Shown, values_of

#: A workflow for contacts without anything in it: what it knows every email knows.
ANY = {"format": 1, "name": "-", "object": "contact", "trigger": {"kind": "manual"}, "steps": []}


@dataclass(frozen=True)
class About:
    """The enrolled record each contact is written to because of, by the contact's id."""

    object_type: ObjectType
    records: Mapping[int, int]


def sources() -> dict[str, KnownSource]:
    """What stands beside every contact, by the word tokens have for it."""
    return known_sources(StepContext(parse(ANY)))


def names() -> dict[str, Callable[[], Iterable[str]]]:
    """Their tokens, as `tokens.check` takes them."""
    return {slug: partial(names_of, known) for slug, known in sources().items()}


def names_of(known: KnownSource) -> list[str]:
    """The tokens of a type: its properties, not when it was associated."""
    return [name for name in known.names() if name != f"{known.id}.{LINKED_AT.slug}"]


def spoken_of(texts: Iterable[str]) -> dict[str, set[str]]:
    """The properties of them that texts speak of, by their type."""
    known, found = sources(), dict[str, set[str]]()
    for text in texts:
        for slug, properties in tokens.sourced(text, known).items():
            found.setdefault(slug, set()).update(properties)
    return found


def told(
    texts: Iterable[str], ids: list[int], about: About | None = None, *, raw: bool = False
) -> dict[int, dict[str, Shown]]:
    """What texts say of them by the contact's id, as `tokens.render_many` takes it; three statements for each type.

    `raw` as the API writes values.
    """
    found: dict[int, dict[str, Shown]] = {pk: {} for pk in ids}
    wanted = spoken_of(texts)
    known = sources() if wanted else {}
    for slug, properties in wanted.items():
        source = known[slug]
        chosen: Chosen
        if about is not None and about.object_type.slug == slug:
            chosen = {pk: (record, None) for pk, record in about.records.items() if pk in found}
        else:
            chosen = chosen_for(source, ids, Contact.objects.filter(pk__in=ids))
        records = source.object_type.records().filter(pk__in={record for record, _at in chosen.values()})
        values = values_of(source.object_type, properties & source.readable.keys(), list(records), raw=raw)
        for pk, (record, _at) in chosen.items():
            found[pk] |= {f"{slug}.{name}": text for name, text in values.get(record, {}).items()}
    return found
