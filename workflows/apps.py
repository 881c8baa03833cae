"""What happens to records: definitions, publishing, enrolling, engine, schedules, history, editor, API."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = _("Workflows")

    def ready(self) -> None:
        from records import defining
        from records.event_types.base import sources
        from records.signals import changes_journaled
        from workflows.chores import chores
        from workflows.registries import actions, events, triggers

        import_module("workflows.enrollment.status_filter")
        triggers.load("workflows.triggers")
        actions.load("workflows.actions")
        autodiscover_modules("actions")
        events.load("workflows.events")
        autodiscover_modules("events")
        chores.append(import_module("workflows.outbox.delivering").CHORE)
        chores.append(import_module("workflows.lifecycle.switching").CHORE)
        chores.append(import_module("workflows.enrollment.enrolling_many").CHORE)
        chores.append(import_module("workflows.enrollment.moving_many").CHORE)
        chores.append(import_module("workflows.schedules.scheduling").CHORE)
        chores.extend(import_module("workflows.intake.list_keeping").CHORES)
        chores.append(import_module("workflows.webhooks.matching").CHORE)
        chores.append(import_module("workflows.webhooks.retaining").CHORE)
        chores.append(import_module("workflows.code.keeping").CHORE)
        sources.append(import_module("workflows.webhooks.keeping").SOURCE)
        import_module("workflows.ai.replies").register_reader()
        using = import_module("workflows.dependencies.using")
        defining.finders.append(using.users_of_property)
        defining.needing.append(using.needing_property)
        import_module("workflows.health.broken_triggers").register_rule()
        import_module("workflows.history.auditing").watch_people()
        changes_journaled.connect(ring_for_changes, dispatch_uid="workflows.ring_for_changes")


def ring_for_changes(**_kwargs: object) -> None:
    """A change was committed: a worker should look now, not when the clock comes by."""
    from workflows import doorbell

    doorbell.ring("high")
