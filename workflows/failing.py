"""What becomes of an enrollment whose step has failed: whether and when the step is tried again."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from records.problems import Problem, unknown_keys

if TYPE_CHECKING:
    from workflows.batch import Answer
    from workflows.definition import Step

KEYS = {"retry", "then"}
RETRY_LIMIT = 20
#: Seconds before the first, second, … further try, give or take a tenth; the last one goes on.
BACKOFF = (5, 30, 120, 600, 3_600)
#: Trying again cannot help: somebody has to change the workflow first.
FINAL = {"invalid_params"}


def parse_on_failure(document: Any, path: str, faults: list[Problem]) -> tuple[int, bool]:
    """A step's `on_failure`: retries and whether it stops. Absent means that the record goes on (ACG-12)."""
    if document is None:
        return 0, False
    if not isinstance(document, dict):
        message = _("“on_failure” is a JSON object like {“retry”: 3, “then”: “stop”}, not %(value)r.")
        faults.append(Problem(path, message % {"value": document}, document))
        return 0, False
    faults += unknown_keys(document, KEYS, path)
    retries, then = document.get("retry", 0), document.get("then", "continue")
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= RETRY_LIMIT:
        message = _("%(value)r is not a number of retries. Use a whole number from 0 to %(limit)d.")
        faults.append(Problem(f"{path}.retry", message % {"value": retries, "limit": RETRY_LIMIT}, retries))
        retries = 0
    if then not in ("continue", "stop"):
        message = _("%(value)r is not known here. Use “continue” or “stop”.")
        faults.append(Problem(f"{path}.then", message % {"value": then}, then))
    return retries, then == "stop"


def next_try(step: Step, answer: Answer, tries: int, now: dt.datetime) -> dt.datetime | None:
    """When a failed step is tried again after `tries` further tries, None when it is not.

    What is temporary is tried again whatever the step's own policy says (ACG-13), anything else as often as the
    step's `on_failure` wants.
    """
    allowed = max(step.retries, len(BACKOFF) if answer.temporary else 0)
    if tries >= allowed or answer.detail.get("reason") in FINAL:
        return None
    seconds = BACKOFF[min(tries, len(BACKOFF) - 1)] * random.uniform(0.9, 1.1)
    return now + dt.timedelta(seconds=seconds)
