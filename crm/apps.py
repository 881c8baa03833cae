"""Which records we have: contacts, companies, deals, tickets, activities, commerce, users and teams."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("CRM")

    def ready(self) -> None:
        from crm.audiences.checking import register_audiences
        from crm.call_triggers import register_call_triggers
        from crm.campaigns import register_attachments
        from crm.chores import register_chores
        from crm.conversation_triggers import register_message_triggers
        from crm.depended_on import register_things
        from crm.derived_events import register_derived_events
        from crm.emails.performance import register_email_performance
        from crm.emails.sending import register_emails
        from crm.forms.filter import register_form_filter
        from crm.goals import register_goals
        from crm.marketing import register_marketing
        from crm.messaging.guarding import register_messages
        from crm.object_types import register_object_types
        from crm.pipelines import ensure_first_pipelines
        from crm.public_metrics import register_public_metrics
        from crm.sequences.agents import register_agents
        from crm.sequences.mailing import register_mails
        from crm.sequences.moving import register_sequences
        from crm.sequences.stopping import register_stopping
        from crm.sequences.words import register_words
        from crm.stage_rules import register_stage_rules
        from crm.subscription_filter import register_filter
        from crm.subscription_journal import register_triggers
        from crm.surveys.inviting import register_surveys
        from crm.tasks.reminders import register_reminders
        from crm.teams_told import register_teams
        from crm.tracked_terms import register_term_chore
        from crm.tracking.cta_filter import register_cta_filter
        from crm.tracking.email_filter import register_email_filter
        from crm.tracking.mailing import register_mailing

        register_object_types()
        register_things()
        register_stage_rules()
        register_triggers()
        register_call_triggers()
        register_message_triggers()
        register_filter()
        register_chores()
        register_term_chore()
        register_reminders()
        register_marketing()
        register_audiences()
        register_derived_events()
        register_goals()
        register_attachments()
        register_mailing()
        register_emails()
        register_email_performance()
        register_messages()
        register_surveys()
        register_email_filter()
        register_cta_filter()
        register_form_filter()
        register_public_metrics()
        register_words()
        register_agents()
        register_sequences()
        register_mails()
        register_stopping()
        register_teams()
        post_migrate.connect(ensure_first_pipelines, sender=self, dispatch_uid="crm.first_pipelines")
