"""What happens to records: definitions, publishing, enrolling, engine, schedules, history, editor, API."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = _("Workflows")

    def ready(self) -> None:
        from records.signals import changes_journaled
        from workflows.registries import actions, triggers

        triggers.load("workflows.triggers")
        actions.load("workflows.actions")
        autodiscover_modules("actions")
        changes_journaled.connect(ring_for_changes, dispatch_uid="workflows.ring_for_changes")


def ring_for_changes(**_kwargs: object) -> None:
    """A change was committed: a worker should look now, not when the clock comes by."""
    from workflows import doorbell

    doorbell.ring("high")
