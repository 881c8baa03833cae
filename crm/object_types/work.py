"""Feedback submissions, leads and projects."""

from __future__ import annotations

from crm.models import FeedbackSubmission, Lead, Project
from crm.object_types.columns import columns
from crm.object_types.families import FEEDBACK
from crm.object_types.links import links
from records.object_types import register


def register_work() -> None:
    register(
        FeedbackSubmission, slug="feedback_submission", plural="feedback_submissions", icon="star",
        name_property="survey", associates_with=links("feedback_submission"), category=FEEDBACK.slug,
        declared=columns(FeedbackSubmission),
    )  # fmt: skip
    register(Lead, plural="leads", icon="target", associates_with=links("lead"), declared=columns(Lead))
    register(Project, plural="projects", icon="layers", associates_with=links("project"), declared=columns(Project))
