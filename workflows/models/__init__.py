"""State of the workflows package, a file per aggregate."""

from workflows.models.ai import AIDraft, AIProvider, AIUse
from workflows.models.allowance import Allowance
from workflows.models.code_run import CodeRun
from workflows.models.connection import Connection
from workflows.models.delivery import AuditEntry, Delivery, MailWish, Notification
from workflows.models.discussion import Comment, Presence, Thread
from workflows.models.enrollment import Enrollment, Outcome, StepExecution
from workflows.models.event_subscription import EventSubscription
from workflows.models.event_wait import EventWait
from workflows.models.hindrance import Hindrance, SetAside
from workflows.models.issue import Issue
from workflows.models.mass_enrollment import MassEnrollment, MassMove
from workflows.models.saved_view import SavedView
from workflows.models.schedule import Schedule, ScheduledRecord, ScheduleRun
from workflows.models.version import NamedVersion
from workflows.models.watching import Alert, Beat, Tally, Timing
from workflows.models.webhook import Webhook, WebhookProperty, WebhookRequest
from workflows.models.workflow import DraftOp, Folder, Revision, Subscription, Workflow

__all__ = [
    "AIDraft",
    "AIProvider",
    "AIUse",
    "Alert",
    "Allowance",
    "AuditEntry",
    "Beat",
    "CodeRun",
    "Comment",
    "Connection",
    "Delivery",
    "DraftOp",
    "Enrollment",
    "EventSubscription",
    "EventWait",
    "Folder",
    "Hindrance",
    "Issue",
    "MailWish",
    "MassEnrollment",
    "MassMove",
    "NamedVersion",
    "Notification",
    "Outcome",
    "Presence",
    "Revision",
    "SavedView",
    "Schedule",
    "ScheduleRun",
    "ScheduledRecord",
    "SetAside",
    "StepExecution",
    "Subscription",
    "Tally",
    "Thread",
    "Timing",
    "Webhook",
    "WebhookProperty",
    "WebhookRequest",
    "Workflow",
]
