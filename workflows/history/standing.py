"""Why a record that is inside does not go on just now: the workflow is held, or its step waits for its time."""

from __future__ import annotations

import datetime as dt
import html

from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from records.moments import moment
from workflows.history.telling import definition_of, tell
from workflows.models import Enrollment, Outcome, Workflow

HELD = (Outcome.WAITING, Outcome.RETRYING)


def why_standing(enrollment: Enrollment, now: dt.datetime) -> list[str]:
    """What holds an active enrollment, as its log and its workflow say; [] when it is just being worked on."""
    status = enrollment.workflow.status
    if status == Workflow.Status.PAUSED:
        return [_("The workflow is paused: the record waits at its step until somebody resumes it.")]
    found = []
    if status == Workflow.Status.OFF:
        found.append(_("The workflow is turned off: the record stays inside, and its actions are skipped."))
    mine = enrollment.executions.filter(step=enrollment.step, visit=enrollment.visit, outcome__in=HELD)
    last = mine.order_by("-at", "-id").first()
    if last is not None:
        definition = definition_of(enrollment.revision)
        step = definition.by_id.get(last.step) if definition else None
        said = html.unescape(strip_tags(tell(last, definition, step)))
        found.append(_("It stands on a step and waits: %(why)s") % {"why": said})
    elif enrollment.due_at is not None and enrollment.due_at > now:
        found.append(_("It stands on a step and goes on on %(when)s.") % {"when": moment(enrollment.due_at)})
    return found
