"""Merging two records, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from records import segments
from records.journal import change_source
from records.merging.choosing import LOSER, chosen, problems_of
from records.merging.movers import SOURCE, Merge, Mover, movers
from records.merging.remembering import gone_into, merged_into, remember
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.property_access.rights import refusal, rights_of
from records.saving.matching import lock_uniques
from records.saving.rows import Row, Work
from records.saving.rules import apply_rules
from records.saving.writing import apply, update
from records.signals import announce_on_commit

Both = tuple[Any, Any]


def merge(
    object_type: ObjectType,
    winner: int,
    loser: int,
    *,
    now: dt.datetime,
    by: Any = None,
    keep: Mapping[str, str] | None = None,
) -> None:
    """Merge the loser into the winner, both given by id; there is no way back.

    The winner keeps its values, and gets the loser's where it has none; `keep` says otherwise by property slug
    ("winner" or "loser"). The older creation date survives (TRG-22). What belongs to the loser moves with it
    (records.merging.movers); the loser is deleted and remembers what it went into. Everything is one transaction, and
    the source of all its changes is of the kind "merge", by which workflows know whom not to enroll (TRG-35).

    Raises DocumentError, with the paths "winner", "loser" and "keep.…", and nothing was changed.
    """
    keep = keep or {}
    wrong = refusals(object_type, winner, loser) + problems_of(object_type, keep)
    wrong += beyond_rights(object_type, keep, by)
    if wrong:
        raise DocumentError(wrong)
    one = Merge(object_type, winner, loser, by.pk if isinstance(by, Model) else by, now)
    with change_source(SOURCE, actor=by, winner=winner, loser=loser):
        # Who dispatches and who merges wait for each other: nobody enrolls a record that is just going.
        segments.lock()
        found: list[Mover] = list(movers.values())
        for mover in found:
            mover.hold(one)
        # In the order of those who save: what is unique first, then the records.
        lock_uniques(object_type)
        records = locked(one)
        remember(one)
        for mover in found:
            mover.move(one)
        give(one, records, keep)
        announce_on_commit()


def refusals(object_type: ObjectType, winner: int, loser: int) -> list[Problem]:
    """Why two records can never be merged."""
    if not (object_type.mergeable and object_type.soft_deletes):
        message = _("%(types)s cannot be merged.") % {"types": object_type.label_plural}
        return [Problem("", message, code="not_mergeable")]
    if winner == loser:
        message = _("A record cannot be merged with itself. Choose another one.")
        return [Problem("loser", message, loser, code="same_record")]
    return []


def beyond_rights(object_type: ObjectType, keep: Mapping[str, str], by: Any) -> list[Problem]:
    """A wish to replace what the person may not edit. What the winner lacks it gets from the loser all the same."""
    rights, known = rights_of(by), object_type.properties()
    return [
        Problem(
            f"keep.{slug}", refusal(known[slug].label, rights.level(object_type.slug, slug)), side, code="forbidden"
        )
        for slug, side in keep.items()
        if side == LOSER and slug in known and not rights.may_edit(object_type.slug, slug)
    ]


def locked(merge: Merge) -> Both:
    """Both records, locked in the order of their ids. Raises DocumentError when one is gone."""
    ids = [merge.winner, merge.loser]
    rows = merge.object_type.records().select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    there = {record.pk: record for record in rows}
    wrong = missing(merge.object_type, {"winner": merge.winner, "loser": merge.loser}, there)
    if wrong:
        raise DocumentError(wrong)
    return there[merge.winner], there[merge.loser]


def missing(object_type: ObjectType, asked: Mapping[str, int], there: Mapping[int, Any]) -> list[Problem]:
    """A problem for each of these records that does not exist (any more), by path."""
    gone = {path: pk for path, pk in asked.items() if pk not in there}
    into = merged_into(object_type, gone.values()) if gone else {}
    found = []
    for path, pk in gone.items():
        if pk in into:
            found.append(Problem(path, gone_into(object_type, pk, into[pk]), pk, code="merged"))
        else:
            message = _("There is no %(type)s with the id %(id)s, or it was deleted. Choose one that exists.")
            facts = {"type": object_type.label, "id": pk}
            found.append(Problem(path, message % facts, pk, code="not_found"))
    return found


def give(merge: Merge, records: Both, keep: Mapping[str, str]) -> None:
    """Delete the loser and give the winner what it is to have; in this order, as unique values go over."""
    object_type, (winner, loser) = merge.object_type, records
    known = object_type.properties()
    work = Work(Row(id=merge.winner), values=chosen(object_type, winner, loser, keep), record=winner)
    apply_rules(object_type, [work])
    changed = apply(object_type, work, known) if work.valid else {}
    if not work.valid:
        raise DocumentError(
            Problem(problem.path.replace("properties.", "keep."), problem.message, problem.value, code=problem.code)
            for problem in work.problems
        )
    rows = object_type.model._default_manager
    rows.filter(pk=merge.loser).update(deleted_at=merge.now)
    update(object_type, {merge.winner: changed} if changed else {}, known)
    if any(field.name == "created_at" for field in object_type.model._meta.concrete_fields):
        rows.filter(pk=merge.winner).update(created_at=Least("created_at", loser.created_at))
