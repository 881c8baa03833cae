"""The CRM's pages in the admin, a file per concern."""

from crm.admin import (
    audiences,
    calls_to_action,
    campaigns,
    conversations,
    email_templates,
    form_builder,
    form_submissions,
    imports,
    inboxes,
    object_types,
    people,
    pipelines,
    plain_object_types,
    sequence_builder,
    sequence_enrollments,
    subscription_types,
    surveys,
    task_queues,
    tracked_terms,
)

__all__ = [
    "audiences", "calls_to_action", "campaigns", "conversations", "email_templates", "form_builder",
    "form_submissions", "imports", "inboxes", "object_types", "people", "pipelines", "plain_object_types",
    "sequence_builder", "sequence_enrollments", "subscription_types", "surveys", "task_queues",
    "tracked_terms",
]  # fmt: skip
