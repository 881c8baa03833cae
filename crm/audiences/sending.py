"""Telling the other side who joined and left an audience: batches, one at a time, as requests of the outbox.

The outbox sends a batch as it sends any request to a connection: under one key however often, again after 429 and
5xx, given up after three days or when it is refused. The next batch is made when the one before has arrived.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Min, OuterRef, Subquery
from django.utils.translation import gettext as _

from crm.models import Audience, AudienceChange
from records.problems import DocumentError, Problem
from workflows import doorbell
from workflows.models import Connection, Delivery
from workflows.outbox.ordering import KIND
from workflows.outside import targets
from workflows.outside.targets import NotAllowed

State = Delivery.State
Change = AudienceChange.Kind
#: Entries of one request, added and removed ones together.
MOST = 10_000
#: How long changes are gathered before they are sent.
GATHER = dt.timedelta(minutes=1)
FORMAT = "headrace.audience/1"
#: How a batch has ended of which nothing is to be done any more.
ENDED = (State.DONE, State.SKIPPED)
STOPPED = (State.DEAD, State.UNCERTAIN)


def url_of(connection: Connection, path: str) -> str:
    """Where batches go to. Raises NotAllowed for what is no path."""
    if not path.startswith("/"):
        raise NotAllowed(_("“%(path)s” is not a path. Write it like /audiences.") % {"path": path[:100]})
    return targets.read(f"{connection.origin}{path}").url


def ready() -> Any:
    """Audiences with a connection and no batch on its way, each with the time of its first change, as `first`."""
    changes = AudienceChange.objects.filter(audience=OuterRef("pk")).order_by("id").values("at")[:1]
    return Audience.objects.filter(connection__isnull=False, batch=None).annotate(first=Subquery(changes))


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when a batch should have been made, or one that has arrived should have been noted."""
    first = ready().filter(first__lte=now - GATHER).aggregate(since=Min("first"))["since"]
    ended = Audience.objects.filter(batch__state__in=ENDED).aggregate(since=Min("batch__done_at"))["since"]
    return min((one for one in (first, ended) if one is not None), default=None)


def work(now: dt.datetime) -> int:
    """Note the batches that have arrived, and make those that are due; how many of both."""
    done = 0
    for pk in Audience.objects.filter(batch__state__in=ENDED).order_by("pk").values_list("pk", flat=True):
        done += settle(pk)
    for pk in ready().filter(first__lte=now - GATHER).order_by("first", "pk").values_list("pk", flat=True):
        done += send(pk, now)
    return done


def settle(pk: int) -> int:
    """Forget the changes of a batch that has arrived, or that somebody has skipped, and its hashes; 1 when done."""
    with transaction.atomic():
        audience = locked(pk)
        batch = audience.batch if audience else None
        if audience is None or batch is None or batch.state not in ENDED:
            return 0
        AudienceChange.objects.filter(batch_id=batch.pk).delete()
        forget(batch)
        if batch.state == State.DONE:
            audience.synced_at = batch.done_at
        audience.batch = None
        audience.save(update_fields=["batch", "synced_at"])
    return 1


def send(pk: int, now: dt.datetime) -> int:
    """Put the next batch of an audience into the outbox; 1 when there was one."""
    with transaction.atomic():
        audience = locked(pk)
        connection = audience.connection if audience else None
        if audience is None or connection is None or audience.batch_id is not None:
            return 0
        rows = list(AudienceChange.objects.filter(audience=audience).order_by("id")[:MOST])
        if not rows:
            return 0
        identity = uuid.uuid4()
        try:
            url, state, error = url_of(connection, audience.path), State.PENDING, ""
        except NotAllowed as refused:
            url, state, error = f"{connection.origin}{audience.path}", State.DEAD, str(refused)
        request = {
            "method": "POST", "connection": connection.slug, "url": url, "outputs": [],
            "host": connection.origin.partition("//")[2], "headers": {"Content-Type": "application/json"},
            "body": json.dumps(document(audience, str(identity), rows)),
        }  # fmt: skip
        batch = Delivery.objects.create(
            key=f"audience:{identity}", kind=KIND, lane=f"connection:{connection.slug}"[:300], request=request,
            due_at=now if state == State.PENDING else None, created_at=now, state=state, last_error=error,
        )  # fmt: skip
        AudienceChange.objects.filter(pk__in=[row.pk for row in rows]).update(batch_id=batch.pk)
        audience.batch = batch
        audience.save(update_fields=["batch"])
        transaction.on_commit(partial(doorbell.ring, doorbell.OUTSIDE), robust=True)
    return 1


def document(audience: Audience, batch: str, rows: list[AudienceChange]) -> dict[str, Any]:
    """What is sent. Of several changes of one person the last one counts; removals come before additions."""
    last = {(row.email, row.phone): row for row in rows}
    people: dict[str, list[dict[str, str]]] = {Change.REMOVE: [], Change.ADD: []}
    for row in sorted(last.values(), key=lambda row: row.pk):
        known = {name: getattr(row, name) for name in ("email", "phone", "phone_digits")}
        people[row.kind].append({name: text for name, text in known.items() if text})
    return {
        "format": FORMAT, "audience": {"id": audience.key, "name": audience.name}, "batch": batch, "hash": "sha256",
        "remove": people[Change.REMOVE], "add": people[Change.ADD],
    }  # fmt: skip


def try_again(audience: Audience) -> bool:
    """Have what was given up go into a new batch, with the connection and path as they are now; False for nothing."""
    with transaction.atomic():
        found = locked(audience.pk)
        batch = Delivery.objects.select_for_update().filter(pk=found.batch_id or 0).first() if found else None
        if found is None or batch is None or batch.state not in STOPPED:
            return False
        AudienceChange.objects.filter(batch_id=batch.pk).update(batch_id=None)
        batch.state, batch.due_at = State.SKIPPED, None
        forget(batch)
        found.batch = None
        found.save(update_fields=["batch"])
    return True


def forget(batch: Delivery) -> None:
    """Keep of a batch what became of it, and not who was in it."""
    batch.request = batch.request | {"body": ""}
    batch.save(update_fields=["request", "state", "due_at"])


def locked(pk: int) -> Audience | None:
    """An audience nobody else works on meanwhile; None while somebody does."""
    rows = Audience.objects.select_for_update(skip_locked=True, of=("self",))
    return rows.select_related("connection", "batch").filter(pk=pk).first()


def check_path(connection: Connection | None, path: str) -> None:
    """Raises DocumentError for a path no request could go to."""
    try:
        if connection is not None:
            url_of(connection, path)
    except NotAllowed as error:
        raise DocumentError([Problem("path", str(error), path)]) from None
