"""Adding thousands of records to a list, or removing them, in the background. What is to be done is in the database.

Some thousands are done in a transaction each, with the note of how far it has come: an interrupted work goes on at
the right record, and each record is added once whoever does it.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, Min, OuterRef
from django.utils.translation import gettext as _

from records import criteria
from records.journal import change_source
from records.lists import members
from records.models import ListWork, RecordList
from records.object_types import object_types
from records.problems import DocumentError

logger = logging.getLogger(__name__)

AT_ONCE = 5_000
#: Up to so many records are added at once while somebody waits.
AT_A_TIME = 1_000
Kind, Status = ListWork.Kind, ListWork.Status


def start(
    found: RecordList,
    kind: ListWork.Kind,
    *,
    now: dt.datetime,
    record_ids: Sequence[int] = (),
    criteria: dict[str, Any] | None = None,
    zone: str = "UTC",
    by: Any = None,
) -> ListWork:
    """Have records added or removed in the background: those with these ids, or who meets the criteria at `now`."""
    return ListWork.objects.create(
        record_list=found, kind=kind, record_ids=sorted(set(record_ids)), criteria=criteria, time_zone=zone,
        as_of=now, created_by=by,
    )  # fmt: skip


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the oldest work has been waiting."""
    return ListWork.objects.filter(status=Status.WAITING).aggregate(since=Min("created_at"))["since"]


def work(now: dt.datetime, seconds: float = 5.0) -> int:
    """Do some of what waits, oldest first; how many records were handled."""
    end, handled = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        done = step(now)
        if done is None:
            break
        handled += done
    return handled


def step(now: dt.datetime) -> int | None:
    """Some thousands of the oldest work nobody else is at, and nobody has begun of the same list; None for none.

    Work that raises an error fails and says so: what waits behind it goes on. Raises OperationalError and
    InterfaceError, as without a database there is nothing to do.
    """
    with transaction.atomic():
        waiting = ListWork.objects.filter(status=Status.WAITING)
        # One work of a list after the other: adding and removing the same records must not overtake each other.
        earlier = waiting.filter(record_list=OuterRef("record_list"), pk__lt=OuterRef("pk"))
        next_ones = waiting.filter(~Exists(earlier)).select_for_update(skip_locked=True, of=("self",))
        one = next_ones.select_related("record_list").order_by("pk").first()
        if one is None:
            return None
        try:
            with transaction.atomic(), change_source("list", actor=one.created_by_id):
                return go_on(one, now)
        except (OperationalError, InterfaceError):
            raise
        except DocumentError as error:
            message = " ".join(str(problem.message) for problem in error.problems)
        except Exception as error:
            logger.exception("Work %d on the list %s failed.", one.pk, one.record_list.slug)
            told = _("An error stopped this: %(error)s. What it is about is in the log. Begin it anew.")
            message = told % {"error": type(error).__name__}
        one.status, one.finished_at, one.message = Status.FAILED, now, message
        one.save(update_fields=["status", "finished_at", "message"])
        return 1


def go_on(one: ListWork, now: dt.datetime) -> int:
    """Add or remove the next records of a work, and note how far it has come."""
    ids, place, last = portion(one)
    verb = members.add if one.kind == Kind.ADD else members.remove
    one.changed += len(verb(one.record_list, ids, now=now).ids)
    one.done = place
    if last:
        one.status, one.finished_at, one.record_ids = Status.DONE, now, []
    one.save()
    return len(ids) or 1


def portion(one: ListWork) -> tuple[list[int], int, bool]:
    """The next ids, how far the work has come with them, and whether these are the last. Raises DocumentError."""
    if one.criteria is None:
        place = one.done + AT_ONCE
        return one.record_ids[one.done : place], place, place >= len(one.record_ids)
    kind = object_types[one.record_list.object_type]
    matching = criteria.compile(one.criteria, kind, now=one.as_of, zone=one.time_zone, stored=True).records()
    ids = list(matching.filter(pk__gt=one.done).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    return ids, ids[-1] if ids else one.done, len(ids) < AT_ONCE


def told(one: ListWork) -> str:
    """How far a work has come, in a sentence."""
    if one.status == Status.FAILED:
        return _("Stopped: %(message)s") % {"message": one.message}
    if one.status == Status.DONE:
        sentence = _("%(count)d records added.") if one.kind == Kind.ADD else _("%(count)d records removed.")
    else:
        sentence = _("Adding records: %(count)d so far …") if one.kind == Kind.ADD else _(
            "Removing records: %(count)d so far …"
        )  # fmt: skip
    return sentence % {"count": one.changed}
