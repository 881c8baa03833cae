"""The latest changes of records, told in sentences."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from config.palette import may_view
from records.models import Change, ChangeKind
from records.object_types import ObjectType, object_types
from records.property_access import rights_of

#: More lines than these properties of one change are cut.
SHOWN_PROPERTIES = 2
QUIET = frozenset({"updated_at", "created_at", "id"})


@dataclass(frozen=True)
class Happening:
    """One change of a record, as a sentence."""

    at: datetime
    icon: str
    name: str
    url: str
    sentence: str
    who: str


def latest(user: Any, limit: int) -> list[Happening]:
    """The newest changes of the object types a person may see."""
    visible = {slug: object_type for slug, object_type in object_types.items() if may_view(user, object_type)}
    kinds = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED)
    changes = list(Change.objects.filter(object_type__in=visible, kind__in=kinds).order_by("-id")[:limit])
    names = names_of(changes, visible)
    people = get_user_model().objects.in_bulk({change.actor_id for change in changes if change.actor_id})
    return [
        Happening(
            at=change.at,
            icon=visible[change.object_type].icon,
            name=names.get((change.object_type, change.record_id), f"#{change.record_id}"),
            url=url_of(visible[change.object_type], change.record_id),
            sentence=sentence(change, visible[change.object_type], user),
            who=who(change, people),
        )
        for change in changes
    ]


def names_of(changes: list[Change], visible: dict[str, ObjectType]) -> dict[tuple[str, int], str]:
    ids = defaultdict(set)
    for change in changes:
        ids[change.object_type].add(change.record_id)
    return {
        (slug, record.pk): visible[slug].name_of(record)
        for slug, wanted in ids.items()
        for record in visible[slug].model._default_manager.filter(pk__in=wanted)
    }


def url_of(object_type: ObjectType, record_id: int) -> str:
    meta = object_type.model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record_id])
    except NoReverseMatch:
        return ""


def who(change: Change, people: dict[int, Any]) -> str:
    if change.actor_id in people:
        return str(people[change.actor_id])
    labels = {
        "workflow": _("by a workflow"),
        "import": _("by an import"),
        "api": _("through the API"),
        "demo": _("demo data"),
    }
    return labels.get((change.source or {}).get("kind", ""), "")


def sentence(change: Change, object_type: ObjectType, user: Any) -> str:
    label = capfirst(str(object_type.label))
    if change.kind == ChangeKind.CREATED:
        return _("%(type)s created") % {"type": label}
    if change.kind == ChangeKind.DELETED:
        return _("%(type)s deleted") % {"type": label}
    properties = rights_of(user).seen(object_type, object_type.properties())
    changed = [slug for slug in change.after if slug in properties and slug not in QUIET]
    told = [
        _("%(property)s: %(before)s → %(after)s")
        % {
            "property": capfirst(str(properties[slug].label)),
            "before": shown(properties[slug], change.before.get(slug)),
            "after": shown(properties[slug], change.after.get(slug)),
        }
        for slug in changed[:SHOWN_PROPERTIES]
    ]
    if len(changed) > SHOWN_PROPERTIES:
        told.append(_("%(count)d more") % {"count": len(changed) - SHOWN_PROPERTIES})
    return " · ".join(told) or _("%(type)s changed") % {"type": label}


def shown(prop: Any, stored: Any) -> str:
    """A stored value as a person reads it; a value its property no longer understands is shown as it is."""
    if stored in (None, "", []):
        return "–"
    try:
        return prop.display(prop.kind.from_storage(stored))
    except (ValueError, TypeError, LookupError):
        return str(stored)
