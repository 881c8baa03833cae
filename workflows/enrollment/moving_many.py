"""Moving thousands of records inside a workflow to another step by hand: in the background, with progress."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection
from functools import partial
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy

from workflows import doorbell
from workflows.enrollment.mass_work import PORTION, Portions, limit_statements
from workflows.enrollment.moving_by_hand import Moved, audit, move_some, refuse
from workflows.enrollment.moving_outlook import Place, at
from workflows.models import Enrollment, MassMove, Workflow

Status = MassMove.Status


def begin(
    workflow: Workflow, enrollments: QuerySet[Enrollment], target: str, *, by: Any, now: dt.datetime,
    places: Collection[Place],
) -> MassMove:  # fmt: skip
    """Have those of some enrollments of a workflow that stand on certain places now moved to a step.

    Raises PermissionDenied.
    """
    refuse(workflow, by)
    these = enrollments.filter(at(places), workflow=workflow, status=Enrollment.Status.ACTIVE)
    with transaction.atomic():
        work = MassMove.objects.create(
            workflow=workflow, target=target, places=[list(place) for place in sorted(places)], created_by=by
        )
        mine = MassMove.objects.filter(pk=work.pk)
        # The ids go from table to table: a million of them would be a burden here.
        mine.update(enrollment_ids=ArraySubquery(these.order_by("pk").values("pk")))
        mine.update(total=F("enrollment_ids__len"))
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return MassMove.objects.defer("enrollment_ids").get(pk=work.pk)


def ask_next(one: MassMove, now: dt.datetime) -> int:
    limit_statements()
    end = one.done + PORTION
    mine = MassMove.objects.filter(pk=one.pk)
    ids = mine.values_list(f"enrollment_ids__{one.done}_{end}", flat=True).get()
    if not ids:
        return finish(one, Status.DONE, now)
    places = [(revision, step) for revision, step in one.places]
    done = move_some(one.workflow, ids, one.target, who=one.created_by, now=now, places=places)
    one.refused = dict(Counter(one.refused) + done.refused)
    one.came_from = [[*place, count] for place, count in sorted((came_from(one) + done.came_from).items())]
    one.moved, one.cancelled = one.moved + done.count, one.cancelled + done.cancelled
    one.done, one.asked = one.done + len(ids), one.asked + len(ids)
    one.save(update_fields=["refused", "came_from", "moved", "cancelled", "done", "asked"])
    return len(ids)


def came_from(one: MassMove) -> Counter[Place]:
    return Counter({(revision, step): count for revision, step, count in one.came_from})


def finish(one: MassMove, status: str, now: dt.datetime, message: str = "") -> int:
    one.status, one.message, one.finished_at = status, message, now
    one.save(update_fields=["status", "message", "finished_at"])
    done = Moved(one.moved, one.cancelled, came_from(one), Counter(one.refused))
    if done.count:
        audit(one.workflow, done, one.target, by=one.created_by, now=now)
    return 0


PORTIONS = Portions(
    MassMove, ask_next, finish, ("refused", "came_from", "moved", "cancelled", "done", "asked"),
    gettext_lazy("An error stopped this: %(error)s. What it is about is in the log. Move the others anew."),
    gettext_lazy("Moving the next records took too long. Choose fewer of them and move the others anew."),
    deferred=("enrollment_ids",),
)  # fmt: skip
CHORE = PORTIONS.chore
