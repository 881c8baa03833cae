"""What becomes of an enrollment whose step has failed: whether and when the step is tried again."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows.models import Outcome
from workflows.times.moments import shown_moment

if TYPE_CHECKING:
    from workflows.definitions.definition import Step
    from workflows.engine.batch import Answer

#: Seconds before the first, second, … further try, give or take a tenth; the last one goes on.
BACKOFF = (5, 30, 120, 600, 3_600)
#: Trying again cannot help: somebody has to change the workflow first.
FINAL = {"invalid_params"}
#: Failures after which no record goes on, whatever the step's policy says.
ENDS = {"crashed", "step_gone", "too_many_steps", "unreadable"}


def allowed_tries(step: Step, answer: Answer) -> int:
    """How many further tries a failed step has."""
    return max(step.retries, len(BACKOFF) if answer.temporary else 0)


def next_try(step: Step, answer: Answer, tries: int, now: dt.datetime) -> dt.datetime | None:
    """When a failed step is tried again after `tries` further tries, None when it is not.

    What is temporary is tried again whatever the step's own policy says (ACG-13), anything else as often as the
    step's `on_failure` wants.
    """
    if tries >= allowed_tries(step, answer) or answer.detail.get("reason") in FINAL:
        return None
    seconds = BACKOFF[min(tries, len(BACKOFF) - 1)] * random.uniform(0.9, 1.1)
    return now + dt.timedelta(seconds=seconds)


def with_sequel(sentence: SafeString, outcome: str, detail: dict[str, Any]) -> SafeString:
    """What a failed step's line says, and what followed: another try, the end, or the next step (ACG-12)."""
    if outcome == Outcome.RETRYING and "try" in detail:
        facts = {"why": sentence, "moment": shown_moment(detail.get("until")), "attempt": detail["try"] + 1}
        if "of" not in detail:
            return format_html(_("{why} Tried again on {moment}: attempt {attempt}."), **facts)
        return format_html(
            _("{why} Tried again on {moment}: attempt {attempt} of {total}."), **facts, total=detail["of"] + 1
        )
    if outcome != Outcome.FAILED:
        return sentence
    if detail.get("stops"):
        return format_html(_("Stopped here: {why}"), why=sentence)
    goes_on = "reason" in detail and detail["reason"] not in ENDS
    return format_html(_("{why} The record went on."), why=sentence) if goes_on else sentence
