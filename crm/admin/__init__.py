"""The CRM's pages in the admin, a file per concern."""

from crm.admin import campaigns, imports, object_types, people, pipelines, subscription_types

__all__ = ["campaigns", "imports", "object_types", "people", "pipelines", "subscription_types"]
