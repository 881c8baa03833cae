"""Who narrowly does not meet criteria: the records that one filter keeps out. A wrong filter shows there first."""

from __future__ import annotations

from dataclasses import dataclass

from records.criteria import Compiled
from records.criteria.counting import EXACT_MS, tuned
from records.criteria.failing import missing
from workflows.history.explanation import missing_sentences

#: How many of the newest records that do not match are looked at, and how many are shown.
LOOKED_AT = 200
SHOWN = 5


@dataclass(frozen=True)
class Nearly:
    """A record, and the one filter it does not pass, with the value that filter sees."""

    record: int
    name: str
    sentence: str


def nearly(compiled: Compiled, limit: int = SHOWN) -> list[Nearly]:
    """The newest records that would match if one filter answered otherwise; few statements however many filters.

    Only where there are several filters: of one alone, everybody else fails it.
    """
    if len(compiled.leaves) < 2:
        return []
    kind = compiled.object_type
    with tuned(EXACT_MS):
        found = list(kind.records().exclude(compiled.q).order_by("-pk")[:LOOKED_AT])
    told = compiled.explain([record.pk for record in found])
    close: list[Nearly] = []
    for record in found:
        answers = {answer.path: answer for answer in told.get(record.pk, [])}
        gone = missing(compiled.criteria.group, answers) if answers else []
        if len(gone) == 1:
            [sentence] = missing_sentences(gone)
            close.append(Nearly(record.pk, kind.name_of(record), sentence))
        if len(close) == limit:
            break
    return close
