"""State of the workflows package, a file per aggregate."""

from workflows.models.delivery import AuditEntry, Delivery, Notification
from workflows.models.enrollment import Enrollment, Outcome, StepExecution
from workflows.models.workflow import DraftOp, Folder, Revision, Subscription, Workflow

__all__ = [
    "AuditEntry",
    "Delivery",
    "DraftOp",
    "Enrollment",
    "Folder",
    "Notification",
    "Outcome",
    "Revision",
    "StepExecution",
    "Subscription",
    "Workflow",
]
