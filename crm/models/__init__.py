"""State of the CRM, a file per aggregate."""

from crm.models.activity import Note, Task, TaskQueue
from crm.models.audience import Audience, AudienceChange, AudienceMember
from crm.models.campaign import Campaign
from crm.models.commerce import Invoice, LineItem, Payment, Quote, RecurringSubscription
from crm.models.conversation import Conversation
from crm.models.email_template import BouncedAddress, EmailTemplate
from crm.models.engagement import Call, Email, Meeting
from crm.models.feedback import FeedbackSubmission
from crm.models.form import Form, FormConsent, FormDay, FormField, FormSubmission
from crm.models.inbox import Inbox
from crm.models.lead import Lead
from crm.models.marketing import PendingNonMarketing
from crm.models.message import Message
from crm.models.people import Company, Contact, CookieConsent, LeadStatus, LifecycleStage, MarketingStatus
from crm.models.pipeline import Pipeline, Stage
from crm.models.pipeline_records import Deal, Ticket
from crm.models.project import Project
from crm.models.rotation import Rotation
from crm.models.saved_columns import SavedColumns
from crm.models.sequence import Sequence, SequenceEnrollment, SequenceRun, SequenceStep
from crm.models.subscription import Subscription, SubscriptionChange, SubscriptionType
from crm.models.survey import Survey, SurveyInvitation, SurveyQuestion, SurveyResponse, SurveyTurn
from crm.models.tracked_term import TrackedTerm
from crm.models.tracking import CallToAction, CallToActionTally, Hit, MarketingEmail, Visitor
from crm.models.user import Team, TeamMembership, User

__all__ = [
    "Audience",
    "AudienceChange",
    "AudienceMember",
    "BouncedAddress",
    "Call",
    "CallToAction",
    "CallToActionTally",
    "Campaign",
    "Company",
    "Contact",
    "Conversation",
    "CookieConsent",
    "Deal",
    "Email",
    "EmailTemplate",
    "FeedbackSubmission",
    "Form",
    "FormConsent",
    "FormDay",
    "FormField",
    "FormSubmission",
    "Hit",
    "Inbox",
    "Invoice",
    "Lead",
    "LeadStatus",
    "LifecycleStage",
    "LineItem",
    "MarketingEmail",
    "MarketingStatus",
    "Meeting",
    "Message",
    "Note",
    "Payment",
    "PendingNonMarketing",
    "Pipeline",
    "Project",
    "Quote",
    "RecurringSubscription",
    "Rotation",
    "SavedColumns",
    "Sequence",
    "SequenceEnrollment",
    "SequenceRun",
    "SequenceStep",
    "Stage",
    "Subscription",
    "SubscriptionChange",
    "SubscriptionType",
    "Survey",
    "SurveyInvitation",
    "SurveyQuestion",
    "SurveyResponse",
    "SurveyTurn",
    "Task",
    "TaskQueue",
    "Team",
    "TeamMembership",
    "Ticket",
    "TrackedTerm",
    "User",
    "Visitor",
]
