"""What the packages above let workflows be attached to: campaigns, say, of which a workflow is a part (SET-13)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from records.problems import Problem
from workflows.models import Workflow
from workflows.registries import attachments


class Attachment(ABC):
    """One kind of thing a workflow may be attached to; its slug is the key in the settings, the value an id as text.

    Registered with `workflows.registries.attachments`. `object_types` None means workflows of every type.
    """

    slug: str
    label: str | Promise
    help_text: str | Promise = ""
    object_types: tuple[str, ...] | None = None

    @abstractmethod
    def things(self) -> QuerySet[Any]:
        """What may be chosen."""

    def choices(self) -> list[tuple[str, str]]:
        """(id, name) of everything that may be chosen."""
        return [(str(thing.pk), str(thing)) for thing in self.things()]


def offered(object_type: str) -> list[Attachment]:
    """What workflows of an object type may be attached to."""
    return [found for found in attachments.values() if fits(found, object_type)]


def fits(attachment: Attachment, object_type: str) -> bool:
    return attachment.object_types is None or object_type in attachment.object_types


def problems(settings: dict[str, Any], object_type: str) -> Iterator[Problem]:
    """Attachments to what is gone, or of workflows that cannot have them, with paths into the document."""
    for slug, attachment in attachments.items():
        value, facts = settings.get(slug), {"label": attachment.label, "value": settings.get(slug)}
        if value in (None, ""):
            continue
        if not fits(attachment, object_type):
            message = _("Workflows with these records cannot have “%(label)s”. Remove it.")
            yield Problem(f"settings.{slug}", message % facts, value)
        elif not str(value).isdecimal() or not attachment.things().filter(pk=str(value)).exists():
            message = _("%(label)s: there is no “%(value)s” (any more). Choose another, or none.")
            yield Problem(f"settings.{slug}", message % facts, value)


def attached(slug: str, pk: int) -> QuerySet[Workflow]:
    """The workflows whose live version is attached to a thing."""
    ids = (pk, str(pk))
    return Workflow.objects.filter(deleted_at=None, **{f"live__definition__settings__{slug}__in": ids})
