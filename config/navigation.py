"""The sidebar: which pages a person may open, grouped by what they are for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.object_types import object_types

RECORDS = ("crm.contact", "crm.company", "crm.deal", "crm.ticket", "crm.task", "crm.note")
AUTOMATION = (
    "workflows.workflow", "workflows.enrollment", "workflows.delivery", "workflows.notification",
    "workflows.auditentry",
)  # fmt: skip
SETTINGS = ("crm.user", "crm.team", "auth.group", "crm.pipeline", "records.propertydefinition")
ICONS = {
    "workflows.workflow": "workflow",
    "workflows.enrollment": "history",
    "workflows.delivery": "send",
    "workflows.notification": "bell",
    "workflows.auditentry": "clipboard-check",
    "workflows.folder": "folder",
    "crm.user": "users",
    "crm.team": "user-check",
    "auth.group": "shield",
    "crm.pipeline": "columns",
    "records.propertydefinition": "tag",
    "records.importrun": "upload",
    "django_rq.dashboard": "activity",
}


@dataclass(frozen=True)
class Entry:
    """One page of the sidebar."""

    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True)
class Group:
    """The pages under one heading."""

    label: str
    entries: list[Entry]


def groups(apps: Iterable[dict[str, Any]], path: str) -> list[Group]:
    """The admin's models a person may see, as `AdminSite.get_app_list` gives them, in three groups.

    A model no group names goes to Records when it is a record, else to Settings.
    """
    pages = {label_of(page): page for app in apps for page in app["models"] if page.get("admin_url")}
    icons = ICONS | {object_type.model._meta.label_lower: object_type.icon for object_type in object_types.values()}
    named = {*RECORDS, *AUTOMATION, *SETTINGS}
    kinds = {object_type.model._meta.label_lower for object_type in object_types.values()} | {"records.importrun"}
    more_records = [key for key in pages if key not in named and key in kinds]
    others = [key for key in pages if key not in named and key not in more_records]
    layout = (
        (_("Records"), (*RECORDS, *more_records)),
        (_("Automation"), AUTOMATION),
        (_("Settings"), (*SETTINGS, *others)),
    )
    found = []
    for label, keys in layout:
        entries = [entry(pages[key], icons.get(key, "settings"), path) for key in keys if key in pages]
        if entries:
            found.append(Group(label, entries))
    return found


def label_of(page: dict[str, Any]) -> str:
    model = page.get("model")
    return model._meta.label_lower if model is not None else page["object_name"].lower()


def entry(page: dict[str, Any], icon: str, path: str) -> Entry:
    label = _("Job queues") if page["object_name"] == "Dashboard" else capfirst(str(page["name"]))
    return Entry(label, page["admin_url"], icon, path.startswith(page["admin_url"]))
