"""State of the CRM, a file per aggregate."""

from crm.models.activity import Note, Task
from crm.models.campaign import Campaign
from crm.models.conversation import Conversation
from crm.models.form import Form, FormConsent, FormDay, FormField, FormSubmission
from crm.models.people import Company, Contact, CookieConsent, LeadStatus, LifecycleStage
from crm.models.pipeline import Pipeline, Stage
from crm.models.pipeline_records import Deal, Ticket
from crm.models.rotation import Rotation
from crm.models.saved_columns import SavedColumns
from crm.models.subscription import Subscription, SubscriptionChange, SubscriptionType
from crm.models.tracking import CallToAction, Hit, Visitor
from crm.models.user import Team, TeamMembership, User

__all__ = [
    "CallToAction",
    "Campaign",
    "Company",
    "Contact",
    "Conversation",
    "CookieConsent",
    "Deal",
    "Form",
    "FormConsent",
    "FormDay",
    "FormField",
    "FormSubmission",
    "Hit",
    "LeadStatus",
    "LifecycleStage",
    "Note",
    "Pipeline",
    "Rotation",
    "SavedColumns",
    "Stage",
    "Subscription",
    "SubscriptionChange",
    "SubscriptionType",
    "Task",
    "Team",
    "TeamMembership",
    "Ticket",
    "User",
    "Visitor",
]
