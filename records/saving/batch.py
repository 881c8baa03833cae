"""Create, change and upsert records of any object type in a constant number of statements per batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from records.journal import change_source
from records.object_types import ObjectType
from records.problems import DocumentError
from records.property_access.rights import EVERYTHING, PropertyRights, rights_of
from records.saving.cleaning import Cleaner
from records.saving.linking import check_links, link
from records.saving.matching import check_uniques, find_records, lock_uniques, upsert_property
from records.saving.rows import Row, Saved, Work
from records.saving.rules import apply_rules
from records.saving.writing import apply, check_required, insert, update

SIZE = 500


def save_batch(
    object_type: ObjectType,
    rows: Sequence[Row],
    *,
    upsert_by: str | None = None,
    partial: bool = False,
    actor: Any = None,
    source: str = "api",
    facts: Mapping[str, Any] | None = None,
) -> list[Saved]:
    """Save rows; the answer has one Saved per row, in order.

    Values are cleaned by their property, unique and required properties are kept, read-only ones refused. A row
    that changes nothing writes nothing. With `upsert_by` (a unique property, or the name) rows without id change
    the record that has their value and create one where there is none; rows of one batch that mean the same record
    are applied in order. `actor` (a user, or the id of one) may set what their rights on properties allow; None may
    set everything. `partial=False`: any invalid row raises DocumentError (paths like
    "0.properties.amount") and nothing is written; `partial=True` saves the others. `facts` are kept with each
    change beside `source`.
    """
    rights = rights_of(actor)
    with change_source(source, actor=actor, **(facts or {})), transaction.atomic():
        saved: list[Saved] = []
        for start in range(0, len(rows), SIZE):
            saved += save_some(object_type, rows[start : start + SIZE], upsert_by, rights)
        problems = [
            problem.at(str(i)) for i, one in enumerate(saved) if one.status == "invalid" for problem in one.problems
        ]
        if problems and not partial:
            raise DocumentError(problems)
    return saved


def save_some(
    object_type: ObjectType, rows: Sequence[Row], upsert_by: str | None, rights: PropertyRights = EVERYTHING
) -> list[Saved]:
    """Save up to 500 rows; invalid ones are left out, also what goes beyond the rights of who sent them."""
    cleaner = Cleaner(object_type, rows, rights)
    known = cleaner.known
    key = upsert_property(object_type, known, upsert_by) if upsert_by else None
    works = [Work(row) for row in rows]
    for work in works:
        cleaner.clean(work)
    check_links(object_type, works)
    # Whether another record has a value is nothing to tell who may not see the property: such rows are refused anyway.
    seen = rights.seen(object_type, cleaner.properties)
    uniques = [prop for prop in seen.values() if prop.unique and not prop.read_only]
    if key is not None or uniques:
        lock_uniques(object_type)
    find_records(object_type, works, key)
    start_new(works, cleaner)
    check_uniques(object_type, works, [prop for prop in uniques if prop is not key])
    apply_rules(object_type, works)
    changes = apply_all(object_type, works, cleaner)
    written = [work for work in works if work.valid]
    new = {id(work.record): work.record for work in written if work.record is not None and work.record.pk is None}
    insert(object_type, list(new.values()))
    update(object_type, changes, known)
    touched = link(object_type, written)
    return [outcome(work, touched) for work in works]


def start_new(works: list[Work], cleaner: Cleaner) -> None:
    """Give each new record the values only new records get, with the first row that means it."""
    begun: set[int] = set()
    for work in works:
        if work.valid and work.record is not None and work.record.pk is None and id(work.record) not in begun:
            begun.add(id(work.record))
            cleaner.clean_initial(work)


def apply_all(object_type: ObjectType, works: list[Work], cleaner: Cleaner) -> dict[int, dict[str, Any]]:
    """Set the values of all valid works on their records; what has to be updated, by id."""
    changes: dict[int, dict[str, Any]] = {}
    begun: set[int] = set()
    for work in works:
        if not work.valid or work.record is None:
            continue
        first = work.record.pk is None and id(work.record) not in begun
        if first and not work.row.incomplete:
            check_required(object_type, work, cleaner.known)
        changed = apply(object_type, work, cleaner.known, cleaner.fixed)
        if not work.valid:
            continue
        begun.add(id(work.record))
        work.status = "created" if first else "updated" if changed else "unchanged"
        if changed and work.record.pk is not None:
            changes.setdefault(work.record.pk, {}).update(changed)
    return changes


def outcome(work: Work, touched: set[int]) -> Saved:
    """What became of a row; new associations count for the first row that asks for them."""
    if not work.valid or work.record is None:
        return Saved("invalid", work.row.id, work.problems)
    linked = bool(work.links) and work.record.pk in touched
    if linked:
        touched.discard(work.record.pk)
    return Saved("updated" if linked and work.status == "unchanged" else work.status, work.record.pk)
