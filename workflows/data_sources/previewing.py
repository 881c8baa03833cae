"""What tokens would become for one record, as the data panel shows it before they are inserted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from records.models import Access
from records.object_types import ObjectType
from records.property_access.rights import rights_of
from records.seeing import may_see
from workflows.data_sources.known import LINKED_AT, KnownSource
from workflows.data_sources.resolving import chosen_for
from workflows.data_sources.uses import found_by
from workflows.step_forms.offered_tokens import OWNER, RECORD, Origin
from workflows.step_forms.params import StepContext
from workflows.texts.token_values import Shown, shown_values, values_of

#: Characters of a value that are shown.
SHOWN = 80


def may_insert(name: str, origin: Origin, context: StepContext) -> bool:
    """Whether a person may have a value written into a text: only what that person may see."""
    kind = kind_of(origin, context)
    if kind is None or context.user is None:
        return True
    slug = OWNER if origin.key == OWNER else name.split(".")[1]
    return may_see(context.user, kind) and not rights_of(context.user).below({f"{kind.slug}.{slug}"}, Access.VIEW)


def kind_of(origin: Origin, context: StepContext) -> ObjectType | None:
    """The type of the record the values are of; None for those of events and earlier steps."""
    if origin.source is not None:
        return origin.source.object_type
    return context.object_type if origin.key in (RECORD, OWNER) else None


def previews(origin: Origin, names: Iterable[str], context: StepContext, record: Any) -> dict[str, str]:
    """Values by token, blank ones as ""; nothing for what only an event or a step can tell. Constant queries.

    Nothing either where the record is found by what the person may not see: which one it is would tell that.
    """
    kind = kind_of(origin, context)
    if kind is None or found_unseen(origin, context):
        return {}
    paths = {name: (OWNER, *name.split(".")[1:]) if origin.key == OWNER else name.split(".")[1:] for name in names}
    slugs = {path[0] for path in paths.values()}
    shown = values_behind(origin.source, slugs, record) if origin.source else of_record(kind, slugs, record)
    return {name: text_of(shown.get(path[0]), path[1:]) for name, path in paths.items()}


def found_unseen(origin: Origin, context: StepContext) -> bool:
    """Whether a source finds its records by a property that the person may not see."""
    if origin.source is None or context.user is None:
        return False
    return bool(rights_of(context.user).below(found_by(origin.source, context), Access.VIEW))


def of_record(kind: ObjectType, slugs: set[str], record: Any) -> dict[str, Shown]:
    return values_of(kind, slugs, [record])[record.pk]


def values_behind(known: KnownSource, slugs: set[str], record: Any) -> dict[str, Shown]:
    own = known.context.object_type
    other, linked_at = chosen_for(known, [record.pk], own.records().filter(pk=record.pk)).get(record.pk, (None, None))
    found = known.object_type.records().filter(pk=other).first() if other is not None else None
    if found is None:
        return {}
    values = of_record(known.object_type, slugs, found)
    return values | {LINKED_AT.slug: shown_values(LINKED_AT, {0: linked_at})[0]} if linked_at else values


def text_of(shown: Shown | None, parts: Iterable[str]) -> str:
    for part in parts:
        shown = shown.part(part) if shown else None
    text = " ".join(shown.text.split()) if shown else ""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
