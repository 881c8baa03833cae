"""Which record stands behind a source for each enrolled record, found when a step runs (DAT-23), for all at once.

Two statements for each source a step uses, whatever the number of records: one finds the ids, one loads the records.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Case, F, IntegerField, OuterRef, QuerySet, Subquery, When, Window
from django.db.models.functions import Lower, RowNumber

from records.associations import holder, rows_of
from records.equal_values import key
from records.labelling import PRIMARY
from records.properties import Property
from workflows.data_sources.declared import ASSOCIATION, FIRST_CREATED, LAST_UPDATED, MATCH, DataSource
from workflows.data_sources.known import LINKED_AT, KnownSource
from workflows.texts.token_values import Shown, column_of, shown_values, values_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

#: By enrolled record the record behind a source, and when the two were linked where a link says so.
Chosen = dict[int, tuple[int, dt.datetime | None]]


def texts_of(batch: Batch, named: Mapping[str, Iterable[str]], *, raw: bool = False) -> dict[int, dict[str, Shown]]:
    """What texts say of sources, by the enrolled record's id and then "source.property".

    `named` are the properties asked for by source; `raw` as the API writes values.
    """
    found: dict[int, dict[str, Shown]] = {pk: {} for pk in batch.ids}
    for source_id, slugs in named.items():
        source = batch.context.sources[source_id]
        chosen, records = behind(batch, source)
        texts = values_of(source.object_type, slugs, list(records.values()), raw=raw)
        if LINKED_AT.slug in slugs:
            linked = shown_values(LINKED_AT, {pk: at for pk, (_other, at) in chosen.items()}, raw=raw)
            for pk, text in linked.items():
                found[pk][f"{source_id}.{LINKED_AT.slug}"] = text
        for pk, (other, _at) in chosen.items():
            found[pk] |= {f"{source_id}.{slug}": text for slug, text in texts.get(other, {}).items()}
    return found


def values_from(batch: Batch, name: str) -> tuple[Property | None, dict[int, Any]]:
    """One property of a source ("source.property"), and its values by the id of those enrolled that have a record.

    A value that is blank is None.
    """
    source_id, _dot, slug = name.partition(".")
    source = batch.context.sources.get(source_id)
    prop = source.property_named(slug) if source else None
    if source is None or prop is None:
        return None, {}
    chosen, records = behind(batch, source)
    if prop is LINKED_AT:
        return prop, {pk: at for pk, (_other, at) in chosen.items()}
    values = column_of(source.object_type, prop, list(records.values()))
    return prop, {pk: values.get(other) for pk, (other, _at) in chosen.items()}


def behind(batch: Batch, source: KnownSource) -> tuple[Chosen, dict[int, Any]]:
    """The records behind a source, by their ids, and whose they are; found once for a step."""
    held: dict[str, tuple[Chosen, dict[int, Any]]] = batch.__dict__.setdefault("behind_sources", {})
    if source.id not in held:
        chosen = chosen_for(source, batch.ids, batch.records())
        wanted = {other for other, _at in chosen.values()}
        records = source.object_type.records().filter(pk__in=wanted) if wanted else ()
        held[source.id] = chosen, {record.pk: record for record in records}
    return held[source.id]


def chosen_for(known: KnownSource, ids: list[int], records: QuerySet[Any]) -> Chosen:
    """The record each enrolled one has behind a source; without any they are absent. Never themselves."""
    source = known.source
    if source.condition == ASSOCIATION:
        return linked(known, ids)
    if source.condition == MATCH:
        return matching(known, records)
    return equal(known, ids)


def linked(known: KnownSource, ids: list[int]) -> Chosen:
    source, own, other = known.source, known.context.object_type, known.object_type
    association = source.association(own)
    if association is None:
        return {}
    living = other.records().values("pk")
    if association.relation:
        table, here, there, _links_only = holder(own, association.relation)
        rows = table._default_manager.filter(**{f"{here}__in": ids, f"{there}__in": living})
        first: list[Any] = []
    else:
        here, there = "from_id", "to_id"
        rows = rows_of(own, other, source.label or None).filter(from_id__in=ids, to_id__in=living)
        primary = Case(When(label=PRIMARY, then=0), default=1, output_field=IntegerField())
        first = [primary] if source.given else []
    moment = other.model._default_manager.filter(pk=OuterRef(there)).values(_when=dated(known))[:1]
    order = [*first, ordered("_moment", source), ordered(there, source)]
    place = Window(RowNumber(), partition_by=[F(here)], order_by=order)
    found = rows.annotate(_moment=Subquery(moment)).annotate(_place=place).filter(_place=1)
    if association.relation:
        return {one: (to, None) for one, to in found.values_list(here, there)}
    return {one: (to, at) for one, to, at in found.values_list(here, there, "created_at")}


def matching(known: KnownSource, records: QuerySet[Any]) -> Chosen:
    """Records with the same value: capitals and spaces around a text make no difference."""
    source, other = known.source, known.object_type
    mine, theirs = known.context.properties.get(source.same_as), known.properties.get(source.compared)
    if mine is None or theirs is None:
        return {}
    wanted: dict[Any, list[int]] = defaultdict(list)
    for pk, value in records.annotate(_key=key(mine)).values_list("pk", "_key"):
        if value not in (None, ""):
            wanted[value].append(pk)
    rows = other.records().annotate(_key=key(theirs), _moment=dated(known)).filter(_key__in=list(wanted))
    order = [ordered("_moment", source), ordered("pk", source)]
    # Two of each value: of records of one type the first may be the enrolled one itself.
    place = Window(RowNumber(), partition_by=[F("_key")], order_by=order)
    found: dict[Any, list[int]] = defaultdict(list)
    for value, pk in rows.annotate(_place=place).filter(_place__lte=2).order_by("_place").values_list("_key", "pk"):
        found[value].append(pk)
    same = other is known.context.object_type
    chosen = {pk: first_but(found[value], pk if same else None) for value, pks in wanted.items() for pk in pks}
    return {pk: (one, None) for pk, one in chosen.items() if one is not None}


def equal(known: KnownSource, ids: list[int]) -> Chosen:
    """Records with a fixed value, read as the property reads what people type."""
    source, other = known.source, known.object_type
    prop = known.properties.get(source.compared)
    if prop is None:
        return {}
    try:
        value = prop.clean(source.value)
    except ValueError:
        return {}
    compared = value.strip().lower() if isinstance(value, str) and isinstance(key(prop), Lower) else value
    rows = other.records().annotate(_key=key(prop), _moment=dated(known)).filter(_key=compared)
    found = list(rows.order_by(ordered("_moment", source), ordered("pk", source)).values_list("pk", flat=True)[:2])
    same = other is known.context.object_type
    chosen = {pk: first_but(found, pk if same else None) for pk in ids}
    return {pk: (one, None) for pk, one in chosen.items() if one is not None}


def first_but(found: list[int], excluded: int | None) -> int | None:
    return next((pk for pk in found if pk != excluded), None)


def dated(known: KnownSource) -> Any:
    """The instant by which one of several is picked; the key for types that know none."""
    prop = known.properties.get("updated_at" if known.source.pick == LAST_UPDATED else "created_at")
    return prop.expression() if prop is not None else F("pk")


def ordered(name: str, source: DataSource) -> Any:
    if source.pick == FIRST_CREATED:
        return F(name).asc(nulls_last=True)
    return F(name).desc(nulls_last=True)
