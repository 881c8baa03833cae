"""Which records we have: contacts, companies, deals, tickets, tasks, notes, users and teams."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("CRM")

    def ready(self) -> None:
        from crm.object_types import register_object_types

        register_object_types()
