"""What happens to records: definitions, publishing, enrolling, engine, schedules, history, editor, API."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = _("Workflows")

    def ready(self) -> None:
        from workflows.registries import actions, triggers

        triggers.load("workflows.triggers")
        actions.load("workflows.actions")
        autodiscover_modules("actions")
