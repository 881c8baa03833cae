"""The record is associated with another one, or no longer is; or another record is created for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from records.associations import associations_of
from records.object_types import ObjectType, object_types
from workflows.events.base import Wait, Want
from workflows.events.fields import AssociatedTypeField
from workflows.events.journal import ASSOCIATED, DISSOCIATED, Happened, JournalEvent, changes_since, source_of
from workflows.registries import events
from workflows.step_forms.params import StepContext


class AssociationEvent(JournalEvent):
    """A change of the record's associations with records of one type."""

    typeless: Any
    finished: Any
    end: str = "after"

    def offered(self, object_type: ObjectType) -> bool:
        return bool(associations_of(object_type))

    def fields(self) -> dict[str, forms.Field]:
        return {"object": AssociatedTypeField(label=gettext_lazy("Type of record"))}

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        slug = str(document.get("object") or "")
        if not slug:
            return str(self.typeless)
        label = object_types[slug].label if slug in object_types else slug
        return str(self.finished) % {"object": label}

    def want(self, params: dict[str, Any], context: StepContext) -> Want:
        return Want(source_of(context.object_type.slug), "", {"object": params["object"]})

    def detail(self, params: dict[str, Any]) -> str:
        return ASSOCIATED + str(params["object"])

    def fits(self, wait: Wait, change: Happened) -> bool:
        """Not where only the label is another one."""
        link = self.link_of(change)
        return link.get("to_type") == wait.wanted["object"] and not link.get("relabelled")

    def link_of(self, change: Happened) -> dict[str, Any]:
        return change.before if self.end == "before" else change.after


@events.register
class RecordAssociated(AssociationEvent):
    slug = "record_associated"
    label = gettext_lazy("The record is associated with another one")
    typeless = gettext_lazy("The record is associated with another one: choose its type")
    finished = gettext_lazy("The record is associated with a record of type %(object)s")
    kinds = ("associated",)


@events.register
class RecordUnassociated(AssociationEvent):
    slug = "record_unassociated"
    label = gettext_lazy("The record is no longer associated with another one")
    typeless = gettext_lazy("The record is no longer associated with another one: choose its type")
    finished = gettext_lazy("The record is no longer associated with a record of type %(object)s")
    kinds = ("dissociated",)
    end = "before"

    def detail(self, params: dict[str, Any]) -> str:
        return DISSOCIATED + str(params["object"])


@events.register
class AssociatedRecordCreated(AssociationEvent):
    """Both have to happen meanwhile: that the other record is created, and that it is associated."""

    slug = "associated_record_created"
    label = gettext_lazy("Another record is created for the record")
    # Created and associated in any order, counted from a moment of the record's own: nothing that happens by itself.
    triggering = False
    typeless = gettext_lazy("Another record is created for the record: choose its type")
    finished = gettext_lazy("A record of type %(object)s is created for the record")
    kinds = ("associated",)

    def found(self, waits: Sequence[Wait]) -> dict[int, dt.datetime]:
        own = [(wait, wait.object_type, wait.record_id) for wait in waits]
        linked = {
            (wait.id, int(change.after["to_id"])): (wait, change)
            for wait, change in changes_since(own, self.kinds)
            if self.fits(wait, change)
        }
        asked = [(wait, wait.wanted["object"], other) for (_id, other), (wait, _change) in linked.items()]
        met: dict[int, dt.datetime] = {}
        for wait, created in changes_since(asked, ("created",)):
            at = max(created.at, linked[wait.id, created.record_id][1].at)
            met[wait.id] = min(at, met.get(wait.id, at))
        return met
