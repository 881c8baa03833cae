"""Looking over a definition that could be published: everything that is to be thought about."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet

from records.problems import DocumentError, Problem
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.models import Workflow
from workflows.reviewing import (
    circles,
    competing,
    doubtful,
    empty_tokens,
    entering,
    impossible,
    overwritten,
    past_times,
    volume,
)
from workflows.reviewing.conditions import Conditions


def problems(workflow: Workflow, definition: Definition, *, user: Any, now: dt.datetime) -> list[Problem]:
    """Warnings about the workflow as a whole, and about it among the others, for who reviews it."""
    conditions = Conditions(definition, now)
    return [
        *impossible.problems(conditions),
        *empty_tokens.problems(conditions),
        *overwritten.problems(conditions),
        *doubtful.problems(conditions),
        *past_times.problems(definition, now),
        *competing.problems(conditions, workflow.pk, user),
        *circles.problems(conditions, workflow.pk),
    ]


def of_volume(
    workflow: Workflow, definition: Definition, matching: int, fresh: int, *, user: Any, now: dt.datetime
) -> list[Problem]:
    """Warnings about how much there would be to do: `matching` records now, `fresh` of them were never inside."""
    return list(volume.problems(Conditions(definition, now), matching, fresh, live_of(workflow), user))


def kept_out(definition: Definition, records: QuerySet[Any], now: dt.datetime) -> int:
    """How many of the records do not get in although they meet the trigger."""
    return entering.kept_out(Conditions(definition, now), records)


def live_of(workflow: Workflow) -> Definition | None:
    try:
        return parse(workflow.live.definition) if workflow.live else None
    except DocumentError:
        return None
