"""The kinds of things that definitions name. Packages above register theirs, and where documents name them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.models import CustomEventType, RecordList
from records.object_types import object_types
from records.registry import Registry
from records.vocabulary import read_once
from workflows.models import AIProvider, Connection, Webhook, Workflow

#: The names of those of some things that exist, by key.
Names = Callable[[Collection[str]], Mapping[str, str]]
PROPERTY, WORKFLOW, LIST, EVENT = "property", "workflow", "list", "event"
#: Kept with what a definition uses, but no thing of the map.
ACTION = "action"
kinds = Registry("kind of thing")
#: The key under which filters name things, with the kind of thing.
filter_keys: dict[str, str] = {"list": LIST, "workflow": WORKFLOW, "event": EVENT}
#: Properties, as (object type, property), of which each value is a thing itself: the stages of pipelines, say.
valued: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class Kind:
    """One kind of thing; its things are known by a key, as documents have it.

    `permission`: who lacks it does not learn which things there are; "" is for all who see workflows.
    """

    slug: str
    label: str | Promise
    label_plural: str | Promise
    icon: str
    names: Names
    permission: str = ""


def named_by(model: type[Model], key: str = "slug", name: str = "name") -> Names:
    """The names of rows of a table by one of its columns."""

    def names(keys: Collection[str]) -> Mapping[str, str]:
        found = model._default_manager.filter(**{f"{key}__in": list(keys)})
        return {str(own): str(shown) for own, shown in found.values_list(key, name)}

    return names


def property_names(keys: Collection[str]) -> Mapping[str, str]:
    """ "Amount (deal)" of "deal.amount", for those that exist."""
    found = {}
    with read_once():
        for key in keys:
            slug, _dot, name = key.partition(".")
            kind = object_types.get(slug)
            prop = kind.properties().get(name) if kind is not None else None
            if kind is not None and prop is not None:
                found[key] = _("%(property)s (%(kind)s)") % {"property": capfirst(str(prop.label)), "kind": kind.label}
    return found


def event_names(keys: Collection[str]) -> Mapping[str, str]:
    """People's own events, and the events of webhooks."""
    return {**named_by(CustomEventType, name="label")(keys), **named_by(Webhook)(keys)}


def workflow_names(keys: Collection[str]) -> Mapping[str, str]:
    rows = Workflow.objects.filter(pk__in=[key for key in keys if key.isdecimal()], deleted_at=None)
    return {str(pk): name for pk, name in rows.values_list("pk", "name")}


def register(kind: Kind, *keys: str) -> None:
    """Register a kind of thing, and the keys under which filters name such."""
    kinds.register(kind)
    filter_keys.update(dict.fromkeys(keys, kind.slug))


for own in (
    Kind(PROPERTY, gettext_lazy("property"), gettext_lazy("properties"), "tag", property_names),
    Kind(LIST, gettext_lazy("list"), gettext_lazy("lists"), "list", named_by(RecordList), "records.view_recordlist"),
    Kind(WORKFLOW, gettext_lazy("workflow"), gettext_lazy("workflows"), "workflow", workflow_names),
    Kind(
        "connection", gettext_lazy("connection"), gettext_lazy("connections"), "plug", named_by(Connection),
        "workflows.view_connection",
    ),
    Kind(
        "provider", gettext_lazy("AI provider"), gettext_lazy("AI providers"), "sparkles", named_by(AIProvider),
        "workflows.view_aiprovider",
    ),
    Kind(EVENT, gettext_lazy("event of your own"), gettext_lazy("events of your own"), "zap", event_names),
):  # fmt: skip
    register(own)
