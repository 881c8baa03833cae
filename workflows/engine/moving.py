"""What a transaction of the engine leaves behind: the log lines of its steps, and where each enrollment stands now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from records.sql_arrays import array
from workflows.engine.batch import Standing
from workflows.enrollment import recording
from workflows.enrollment.announcing import announce
from workflows.failpoints import reach
from workflows.intake import occurrences
from workflows.models import Enrollment

COPY = """
    COPY workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at) FROM STDIN
"""
# The rows were locked when they were found to be ours (engine.grouped), so nobody can have taken them since. Asking
# for the claim again would make the planner expect one row and join each with each.
MOVE = """
    UPDATE workflows_enrollment e SET
        status = {v}status{s}, step = {v}step{s}, visit = {v}visit{s}, due_at = {v}due_at{s},
        waiting_in = {v}waiting_in{s}, tries = {v}tries{s}, ended_reason = {v}reason{s},
        arrived_at = CASE WHEN {v}visit{s} = e.visit THEN e.arrived_at ELSE %(now)s END,
        ended_at = CASE WHEN {v}status{s} = 'active' THEN NULL ELSE %(now)s END,
        claim = NULL, claimed_until = NULL, attempts = 0{outputs}
    {where}
"""
OUTPUTS = ", outputs = CASE WHEN v.outputs IS NULL THEN e.outputs ELSE e.outputs || v.outputs END"
#: Enrollments that all go to one place; those that also leave outputs; those that go to many places at once. What
#: differs comes as one text, because every element of an array of texts would be escaped on its own.
MOVE_TOGETHER = MOVE.format(v="%(", s=")s", outputs="", where="WHERE e.id = ANY(%(ids)s::bigint[])")
MOVE_WITH_OUTPUTS = MOVE.format(
    v="%(", s=")s", outputs=OUTPUTS,
    where="FROM json_to_recordset(%(listed)s) AS v(id bigint, outputs jsonb) WHERE e.id = v.id",
)  # fmt: skip
MOVE_EACH = MOVE.format(
    v="v.", s="", outputs=OUTPUTS,
    where="""FROM json_to_recordset(%(listed)s) AS v(
        status text, step text, visit int, due_at timestamptz, waiting_in text, reason text, tries int, id bigint,
        outputs jsonb
    ) WHERE e.id = v.id""",
)  # fmt: skip
PLACE = ("status", "step", "visit", "due_at", "waiting_in", "reason", "tries")
# Read once: an enumeration's value costs more than all else that is done for an enrollment that goes on.
ACTIVE, COMPLETED = str(Enrollment.Status.ACTIVE), str(Enrollment.Status.COMPLETED)
FAILED, UNENROLLED = str(Enrollment.Status.FAILED), str(Enrollment.Status.UNENROLLED)
#: Up to so many places get a statement each.
FEW = 4


class Fenced(Exception):
    """An enrollment was not there any more at the end of the transaction: everything is rolled back."""


@dataclass
class Ledger:
    """Collected while the steps run, written by `write` in a few statements however many there are."""

    now: dt.datetime
    #: Log lines as COPY reads them.
    lines: list[str] = field(default_factory=list)
    places: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    outputs: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Lines by revision and outcome.
    counts: dict[tuple[int, str], int] = field(default_factory=dict)
    #: Enrollments that a step of this transaction has taken out by enrolling their record elsewhere (UNE-07).
    taken_out: set[int] = field(default_factory=set)

    def log(self, enrollment: Standing, revision_id: int, action: str, outcome: str, detail: dict[str, Any]) -> None:
        """A line for one enrollment, at the step it stands on."""
        self.log_all([enrollment], revision_id, action, outcome, detail, {})

    def log_all(
        self,
        enrollments: Iterable[Standing],
        revision_id: int,
        action: str,
        outcome: str,
        detail: dict[str, Any],
        notes: Mapping[int, dict[str, Any]],
    ) -> None:
        """A line for each of some enrollments; `notes` has what is told of single ones besides."""
        tail = f"\t{action}\t{outcome}\t"
        at = f"\t{self.now.isoformat()}\n"
        before = len(self.lines)
        if notes:
            for one in enrollments:
                told = copied(as_json({**detail, **notes.get(one.id, {})}))
                self.lines.append(f"{one.id}\t{revision_id}\t{one.visit}\t{one.step}{tail}{told}{at}")
        else:
            tail += copied(as_json(detail)) + at
            self.lines += [f"{one.id}\t{revision_id}\t{one.visit}\t{one.step}{tail}" for one in enrollments]
        key = (revision_id, str(outcome))
        self.counts[key] = self.counts.get(key, 0) + len(self.lines) - before

    def still_inside(self, enrollments: list[Standing]) -> list[Standing]:
        if not self.taken_out:
            return enrollments
        return [enrollment for enrollment in enrollments if enrollment.id not in self.taken_out]

    def stand(self, enrollments: Iterable[Standing], due_at: dt.datetime | None) -> None:
        """Enrollments go on (or wait) where they stand, from an instant; None: until something wakes them."""
        places = self.places
        for one in enrollments:
            places[one.id] = (ACTIVE, one.step, one.visit, due_at, one.waiting_in, "", one.tries)

    def end(self, enrollment: Standing, status: str, reason: str) -> None:
        """The enrollment is over. One that failed keeps its step, to be tried again or passed over by a person."""
        step = enrollment.step if status == FAILED else ""
        self.places[enrollment.id] = (str(status), step, enrollment.visit, None, "", reason, 0)

    def write(self) -> None:
        """Write everything; raises Fenced when an enrollment has vanished meanwhile."""
        for pk in self.taken_out & self.places.keys():
            del self.places[pk]
        together: dict[tuple[Any, ...], list[int]] = {}
        for pk, place in self.places.items():
            together.setdefault(place, []).append(pk)
        with connection.cursor() as cursor:
            if self.lines:
                with cursor.copy(COPY) as copy:
                    copy.write("".join(self.lines))
            reach("after_log")
            moved = 0
            if len(together) > FEW:
                cursor.execute(MOVE_EACH, {"now": self.now, "listed": self.listed(self.places)})
                moved = cursor.rowcount
            else:
                for place, ids in together.items():
                    moved += self.move(cursor, place, ids)
        if moved != len(self.places):
            raise Fenced(f"{len(self.places) - moved} enrollments are not there any more.")
        self.tell(together)
        reach("after_move")

    def tell(self, together: Mapping[tuple[Any, ...], list[int]]) -> None:
        """Make known who has completed the workflow, and who has left it otherwise."""
        ended: dict[str, list[int]] = {}
        for (status, *_rest), ids in together.items():
            if status != ACTIVE:
                ended.setdefault(status, []).extend(ids)
        if completed := ended.get(COMPLETED):
            occurrences.completed(completed)
        if ended:
            announce([pk for ids in ended.values() for pk in ids])
        if left := ended.get(UNENROLLED):
            recording.left(left, self.now)

    def move(self, cursor: Any, place: tuple[Any, ...], ids: list[int]) -> int:
        """Have enrollments stand on one place; how many there were."""
        facts = {"now": self.now, **dict(zip(PLACE, place, strict=True))}
        if self.outputs.keys().isdisjoint(ids):
            cursor.execute(MOVE_TOGETHER, {**facts, "ids": array(ids)})
        else:
            cursor.execute(MOVE_WITH_OUTPUTS, {**facts, "listed": self.listed(dict.fromkeys(ids))})
        return int(cursor.rowcount)

    def listed(self, places: Mapping[int, tuple[Any, ...] | None]) -> str:
        """Enrollments as the statements read them: their place, where it is not the same for all, and outputs."""
        return as_json(
            [
                {**dict(zip(PLACE, place or (), strict=place is not None)), "id": pk, "outputs": self.outputs.get(pk)}
                for pk, place in places.items()
            ]
        )


#: Made once: what an encoder costs to make is more than what it costs to use.
encode = DjangoJSONEncoder().encode


def as_json(detail: Any) -> str:
    """A detail as the log keeps it: no NUL, which PostgreSQL's JSON refuses."""
    return encode(detail).replace("\\u0000", "")


def copied(text: str) -> str:
    """JSON as COPY reads it: it has no control signs of its own."""
    return text.replace("\\", "\\\\")
