"""The CRM's pages in the admin, a file per concern."""

from crm.admin import imports, object_types, people, pipelines

__all__ = ["imports", "object_types", "people", "pipelines"]
