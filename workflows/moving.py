"""What a transaction of the engine leaves behind: the log lines of its steps, and where each enrollment stands now."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from workflows.batch import Standing
from workflows.failpoints import reach
from workflows.models import Enrollment

COPY = """
    COPY workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at) FROM STDIN
"""
# The rows were locked when they were found to be ours (engine.grouped), so nobody can have taken them since. Asking
# for the claim again would make the planner expect one row and join each with each. The places come as one text,
# because arrays of texts would have each of them escaped on its own.
MOVE = """
    UPDATE workflows_enrollment e SET
        status = v.status, step = v.step, visit = v.visit, due_at = v.due_at, waiting_in = v.waiting_in,
        tries = v.tries, arrived_at = CASE WHEN v.visit = e.visit THEN e.arrived_at ELSE %(now)s END,
        ended_reason = v.reason, ended_at = CASE WHEN v.status = 'active' THEN NULL ELSE %(now)s END,
        outputs = CASE WHEN v.outputs IS NULL THEN e.outputs ELSE e.outputs || v.outputs END,
        claim = NULL, claimed_until = NULL, attempts = 0
    FROM jsonb_to_recordset(%(places)s::jsonb) AS v(
        id bigint, status text, step text, visit int, due_at timestamptz, waiting_in text, reason text, tries int,
        outputs jsonb
    )
    WHERE e.id = v.id
"""


class Fenced(Exception):
    """An enrollment was not there any more at the end of the transaction: everything is rolled back."""


@dataclass
class Ledger:
    """Collected while the steps run, written by `write` in two statements however many there are."""

    now: dt.datetime
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    places: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    outputs: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Details are shared by many enrollments; each is turned into JSON once.
    texts: dict[int, str] = field(default_factory=dict)
    kept: list[dict[str, Any]] = field(default_factory=list)

    def log(self, enrollment: Standing, revision_id: int, action: str, outcome: str, detail: dict[str, Any]) -> None:
        self.lines.append(
            (
                enrollment.id, revision_id, enrollment.visit, enrollment.step, action, str(outcome),
                self.text_of(detail), self.now,
            )
        )  # fmt: skip

    def text_of(self, detail: dict[str, Any]) -> str:
        text = self.texts.get(id(detail))
        if text is None:
            text = self.texts[id(detail)] = as_json(detail)
            self.kept.append(detail)
        return text

    def stand(self, enrollment: Standing, due_at: dt.datetime | None) -> None:
        """The enrollment goes on (or waits) where it stands, from an instant; None: until something wakes it."""
        self.places[enrollment.id] = (
            Enrollment.Status.ACTIVE.value, enrollment.step, enrollment.visit, due_at, enrollment.waiting_in, "",
            enrollment.tries,
        )  # fmt: skip

    def end(self, enrollment: Standing, status: str, reason: str) -> None:
        """The enrollment is over. One that failed keeps its step, to be tried again or passed over by a person."""
        step = enrollment.step if status == Enrollment.Status.FAILED else ""
        self.places[enrollment.id] = (str(status), step, enrollment.visit, None, "", reason, 0)

    def write(self) -> None:
        """Write everything; raises Fenced when an enrollment has vanished meanwhile."""
        with connection.cursor() as cursor:
            if self.lines:
                with cursor.copy(COPY) as copy:
                    for line in self.lines:
                        copy.write_row(line)
            reach("after_log")
            places = [
                {
                    "id": pk, "status": status, "step": step, "visit": visit, "waiting_in": waiting_in,
                    "due_at": due_at.isoformat() if due_at else None,
                    "reason": reason, "tries": tries, "outputs": self.outputs.get(pk),
                }
                for pk, (status, step, visit, due_at, waiting_in, reason, tries) in self.places.items()
            ]  # fmt: skip
            cursor.execute(MOVE, {"now": self.now, "places": as_json(places)})
            if cursor.rowcount != len(self.places):
                raise Fenced(f"{len(self.places) - cursor.rowcount} enrollments are not there any more.")
        reach("after_move")


def as_json(detail: Any) -> str:
    """A detail as the log keeps it: no NUL, which PostgreSQL's JSON refuses."""
    return json.dumps(detail, cls=DjangoJSONEncoder).replace("\\u0000", "")
