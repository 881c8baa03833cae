"""The command palette: pages, workflows and records by name, as far as the person may see them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from config.navigation import Group
from records.object_types import ObjectType, object_types
from records.property_access import rights_of
from workflows.models import Workflow
from workflows.rights.opening import openable

LIMIT = 5
SHORTEST = 2
ALSO_SEARCHED = {"contact": ("first_name", "last_name"), "company": ("domain",)}
NOT_SEARCHED = {"note"}


def search(text: str, user: Any, pages: list[Group]) -> list[dict[str, Any]]:
    """Groups of entries {label, hint, icon, url} whose names contain the text; every page when it is empty."""
    text = text.strip()
    found = [{"label": _("Pages"), "entries": matching_pages(text, pages)}]
    if len(text) >= SHORTEST:
        found.append({"label": capfirst(_("workflows")), "entries": matching_workflows(text, user)})
        for object_type in object_types.values():
            if object_type.slug not in NOT_SEARCHED and may_view(user, object_type):
                entries = matching_records(text, object_type, user)
                found.append({"label": capfirst(str(object_type.label_plural)), "entries": entries})
    return [group for group in found if group["entries"]]


def matching_pages(text: str, pages: list[Group]) -> list[dict[str, str]]:
    return [
        {"label": entry.label, "hint": group.label, "icon": entry.icon, "url": entry.url}
        for group in pages
        for entry in group.entries
        if text.casefold() in entry.label.casefold()
    ]


def matching_workflows(text: str, user: Any) -> list[dict[str, str]]:
    if not user.has_perm("workflows.view_workflow"):
        return []
    found = openable(Workflow.objects.filter(deleted_at=None, name__icontains=text), user)[:LIMIT]
    return [
        {
            "label": workflow.name,
            "hint": str(workflow.get_status_display()),
            "icon": "workflow",
            "url": reverse("admin:workflow_editor", args=[workflow.pk]),
        }
        for workflow in found
    ]


def may_view(user: Any, object_type: ObjectType) -> bool:
    meta = object_type.model._meta
    return bool(user.has_perm(f"{meta.app_label}.view_{meta.model_name}"))


def matching_records(text: str, object_type: ObjectType, user: Any) -> list[dict[str, str]]:
    """The newest records with the text in their name; every word must be somewhere in it."""
    rights, more = rights_of(user), ALSO_SEARCHED.get(object_type.slug, ())
    columns = (object_type.name_property, *(slug for slug in more if rights.may_view(object_type.slug, slug)))
    condition = Q()
    for word in text.split():
        condition &= Q(*[(f"{column}__icontains", word) for column in columns], _connector=Q.OR)
    meta = object_type.model._meta
    entries = []
    for record in object_type.records().filter(condition).order_by("-pk")[:LIMIT]:
        try:
            url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record.pk])
        except NoReverseMatch:
            return []
        label = object_type.name_of(record)
        entries.append(
            {"label": label, "hint": capfirst(str(object_type.label)), "icon": object_type.icon, "url": url}
        )
    return entries
