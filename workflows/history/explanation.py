"""What an explanation is made of: the question, its answer by a code and in sentences, and the filters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from records.criteria import Missing
from records.models import Change
from records.object_types import ObjectType, object_types
from workflows.definitions.definition import Definition
from workflows.models import Enrollment, Revision, Workflow

INSIDE, WAS_INSIDE, OFF, UNPUBLISHED, NO_RECORD, NOT_MET, MANUAL_ONLY, EXISTING, PENDING, AWAITING = (
    "enrolled", "enrolled_before", "workflow_off", "not_published", "record_deleted", "criteria_not_met",
    "manual_only", "existing_not_enrolled", "about_to_enroll", "awaits_schedule",
)  # fmt: skip
OTHER_TYPE, WITHHELD, UNREADABLE, HINDERED, BY_MERGE, NOT_KEPT, SCHEDULE_OVER, NO_DAY = (
    "other_object_type", "withheld", "criteria_unreadable", "set_aside", "merge_not_enrolled", "not_kept",
    "schedule_over", "no_schedule_date",
)  # fmt: skip
NO_EVENT, EARLIER, BEFORE_RECORD, BEFORE_LINK, OTHER_EVENT, MET_LATER = (
    "event_not_occurred", "event_before_workflow", "event_before_record", "event_before_association",
    "event_not_as_wanted", "criteria_met_later",
)  # fmt: skip


@dataclass(frozen=True)
class LeafThenAndNow:
    """One filter: its answer and the property's value now, and when the record was enrolled (None if not known)."""

    path: str
    sentence: str
    met_now: bool | None
    value_now: str
    met_then: bool | None = None
    value_then: str | None = None


@dataclass(frozen=True)
class Explanation:
    """The answer to "why is this record in, or not in, this workflow?".

    `verdict` is a code, `sentences` say it to a person, the first being the answer. `leaves` are the filters of the
    trigger as they were published for `enrollment`, else as they are now. `change` is what made the record match.
    """

    verdict: str
    sentences: list[str]
    leaves: list[LeafThenAndNow] = field(default_factory=list)
    enrollment: Enrollment | None = None
    change: Change | None = None
    refusals: list[tuple[dt.datetime, str]] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        return self.sentences[0]


@dataclass(frozen=True)
class Question:
    """Why a record does not enter a workflow, at the instant `now`, for whoever asks.

    `since`: when it left the workflow, if it was inside; only what happened later could have enrolled it again.
    """

    workflow: Workflow
    definition: Definition
    record_id: int
    now: dt.datetime
    user: Any = None
    since: dt.datetime | None = None

    @cached_property
    def kind(self) -> ObjectType:
        return object_types[self.definition.object]


@dataclass(frozen=True)
class Answer:
    """A code and the sentences that say it, the first being the answer; `leaves` are the trigger's filters now."""

    verdict: str
    sentences: list[str]
    leaves: list[LeafThenAndNow] = field(default_factory=list)


def first_revision(enrollment: Enrollment) -> Revision:
    """The revision that was live when the record was enrolled; it may have been moved to a later one since."""
    published = enrollment.workflow.revisions.filter(published_at__lte=enrollment.enrolled_at)
    return published.order_by("-published_at").first() or enrollment.revision


def missing_sentences(found: Iterable[Missing]) -> list[str]:
    """Which filters stand in the way, each with the value it sees."""
    told = []
    for one in found:
        facts = {"filter": one.answer.sentence, "value": one.answer.value}
        if not one.wanted:
            told.append(_("True, and must not be: %(filter)s.") % facts)
        elif one.answer.value:
            told.append(_("Not met: %(filter)s (now: %(value)s).") % facts)
        elif one.answer.of_property:
            told.append(_("Not met: %(filter)s (there is no value).") % facts)
        else:
            told.append(_("Not met: %(filter)s.") % facts)
    return told
