"""Work on many that somebody began by hand: in the background, a portion at a time, oldest first.

Each portion and its place in the row of the work are one transaction, so a worker that dies repeats nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise

from records.outages import cut_short, outage
from records.problems import DocumentError
from workflows.chores import Chore
from workflows.models.mass_enrollment import MassWork

logger = logging.getLogger(__name__)

#: Records asked in one transaction, and the seconds one call works at most.
PORTION = 500
SECONDS = 2.0
#: How long one statement of a portion may take: less than what ends the process that does it.
STATEMENT_TIMEOUT = "50s"
#: The code of a problem that passes by itself: the portion is asked again the next time.
BUSY = "busy"


def limit_statements() -> None:
    """Let no statement of this transaction take longer than a portion may."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT])


@dataclass(frozen=True)
class Portions:
    """How one kind of such work is done.

    `ask(work, now)` does the next portion and returns how many were asked, `finish(work, status, now, message)` ends
    the work. `counted` are the columns to be read anew after a portion that was taken back. `error` and `slow` tell
    why a work was stopped: by an error, or because the database did not do a portion in time.
    """

    model: type[Any]
    ask: Callable[[Any, dt.datetime], int]
    finish: Callable[..., int]
    counted: tuple[str, ...]
    error: str | Promise
    slow: str | Promise
    #: Columns too long to be read with the row.
    deferred: tuple[str, ...] = ()

    @property
    def waiting(self) -> QuerySet[Any]:
        return self.model.objects.filter(status=MassWork.Status.WAITING).order_by("pk").defer(*self.deferred)

    def waiting_since(self, now: dt.datetime) -> dt.datetime | None:
        # Only the instant: a row may carry a hundred thousand ids, and this is asked every second.
        found: dt.datetime | None = self.waiting.values_list("created_at", flat=True).first()
        return found

    def work(self, now: dt.datetime) -> int:
        """Do some of what waits, oldest first; how many records were asked."""
        began, asked = time.monotonic(), 0
        while time.monotonic() - began < SECONDS:
            done = self.portion(now)
            if done is None:
                break
            asked += done
        return asked

    def portion(self, now: dt.datetime) -> int | None:
        """Ask the next records of the oldest work nobody else is at; None when there is none.

        Work that raises an error, or takes too long, is stopped and says so: what waits behind it goes on. Raises
        OperationalError and InterfaceError where the database fails, as without one there is nothing to do.
        """
        with transaction.atomic():
            rows = self.waiting.select_for_update(skip_locked=True, of=("self",))
            one = rows.select_related("workflow__live").first()
            if one is None:
                return None
            try:
                with transaction.atomic():
                    return self.ask(one, now)
            except DocumentError as error:
                if any(problem.code == BUSY for problem in error.problems):
                    return None
                message = " ".join(str(problem.message) for problem in error.problems)
            except Exception as error:
                if outage(error):
                    raise
                if cut_short(error):
                    logger.warning("%s %d was stopped: a portion took too long.", self.model.__name__, one.pk)
                    message = str(self.slow)
                else:
                    logger.exception("Work on many by hand (%s %d) failed.", self.model.__name__, one.pk)
                    message = str(self.error) % {"error": type(error).__name__}
            one.refresh_from_db(fields=self.counted)
            return self.finish(one, MassWork.Status.STOPPED, now, message)

    @cached_property
    def chore(self) -> Chore:
        return Chore(self.waiting_since, self.work)
