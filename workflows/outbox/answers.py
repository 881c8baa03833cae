"""What an answer to a request means: taken, to be tried again, or refused; and its values for later steps."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils.translation import gettext as _

from records.properties import Property
from workflows.models import Delivery
from workflows.outside.door import Answered
from workflows.webhooks.flattening import value_at
from workflows.webhooks.mapping import read

State = Delivery.State
#: Seconds between attempts, give or take a tenth: nearly three days in all, then it is given up (DOP-19).
BACKOFF = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 64_800, 68_400)
LONGEST_WAIT = dt.timedelta(hours=24)
#: Signs of an answer that are kept to be shown.
SHOWN = 4_000
TOO_MANY = 429


@dataclass(frozen=True)
class Verdict:
    """What becomes of a request: `state`, or PENDING to be tried again, not before `not_before`."""

    state: str
    error: str = ""
    not_before: dt.datetime | None = None
    answer: dict[str, Any] | None = field(default=None)


@dataclass(frozen=True)
class Reader:
    """Who reads the answers to one kind of requests, and is told by a mark on them what else it must know.

    `judge` says what an answer means, in a thread that has no database; `settled` notes the end of an attempt, in the
    transaction that keeps its verdict. `again`, where there is one, says for requests that a person has sent again why
    each must not leave ("" where it may), and counts those that do.
    """

    judge: Callable[[Answered, dict[str, Any], dt.datetime], Verdict]
    settled: Callable[[dict[str, Any], Verdict, dt.datetime], None]
    again: Callable[[Sequence[dict[str, Any]], dt.datetime], list[str]] | None = None


#: By the key of a request under which its mark stands. Filled by the packages that make such requests.
readers: dict[str, Reader] = {}


def reader_of(request: Mapping[str, Any]) -> tuple[Reader, dict[str, Any]] | None:
    """Who reads the answer to a request, and its mark; None where `judged` does."""
    return next(((reader, request[key]) for key, reader in readers.items() if request.get(key)), None)


def judged(
    answered: Answered, outputs: Sequence[dict[str, str]], now: dt.datetime, passing: Mapping[str, Any] | None = None
) -> Verdict:
    """What an answer means at `now`: 2xx is taken, 429 and 5xx are tried again, anything else is final (DOP-19).

    `passing`: {"path", "values"} of answers that are tried again whatever their status.
    """
    status = answered.status
    shown = {"status": status, "body": text_of(answered.body)[:SHOWN]}
    if 200 <= status < 300:
        return Verdict(State.DONE, answer=shown | values_in(answered, outputs))
    facts = {"status": status}
    if status == TOO_MANY or status >= 500 or passes(answered, passing):
        sentence = _("The other system answered with %(status)d.") % facts
        return Verdict(State.PENDING, sentence, retry_after(answered.headers.get("retry-after", ""), now), shown)
    if 300 <= status < 400:
        message = _(
            "The other system answered with %(status)d, a redirect, which is not followed. Use its new address."
        )
        return Verdict(State.DEAD, message % facts, answer=shown)
    message = _("The other system refused the request with %(status)d, so it was not sent again.")
    return Verdict(State.DEAD, message % facts, answer=shown)


def passes(answered: Answered, passing: Mapping[str, Any] | None) -> bool:
    """Whether an answer says in its own words that trying again may help."""
    if not passing:
        return False
    try:
        return value_at(json.loads(answered.body), passing["path"]) in passing["values"]
    except (ValueError, RecursionError):
        return False


def retry_after(text: str, now: dt.datetime) -> dt.datetime | None:
    """The instant of a Retry-After header, in seconds or as a date; a day from `now` at most, None for none."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(now + dt.timedelta(seconds=min(int(text[:9]), 10**6)), now + LONGEST_WAIT)
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    found = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    return min(found, now + LONGEST_WAIT)


def values_in(answered: Answered, outputs: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The values of an answer by their names, and the names of those that did not fit their type."""
    if not outputs:
        return {}
    try:
        document = json.loads(answered.body) if not answered.cut else None
    except (ValueError, RecursionError):
        document = None
    values, misfits = {}, []
    for one in outputs:
        prop = Property(one["name"], "", one["type"])
        try:
            values[one["name"]] = prop.as_json(read(value_at(document, one["path"]), one["type"]))
        except ValueError:
            values[one["name"]] = None
            misfits.append(one["name"])
    return {"outputs": values} | ({"misfits": misfits} if misfits else {})


def text_of(body: bytes) -> str:
    """A body as text that can be stored and shown."""
    return body.decode(errors="replace").replace("\x00", "")
