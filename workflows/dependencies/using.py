"""What uses a thing, as people are told before they change or delete it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.models import PropertyDefinition, RecordList
from workflows.dependencies import keeping
from workflows.dependencies.kinds import LIST, PROPERTY
from workflows.models import Workflow
from workflows.rights.opening import openable

#: Names a refusal gives.
NAMED = 5


def users_of(kind: str, key: str) -> list[Workflow]:
    """The workflows whose live revision or draft uses a thing, by name; whoever may see them."""
    return list(dict.fromkeys(revision.workflow for revision in keeping.using(kind, key)))


def parted(workflows: Sequence[Workflow], by: Any) -> tuple[list[Workflow], int]:
    """Those a person may open, and how many others there are; for nobody in particular all of them."""
    shown = set(
        openable(Workflow.objects.filter(pk__in=[one.pk for one in workflows]), by).values_list("pk", flat=True)
    )
    seen = [one for one in workflows if one.pk in shown]
    return seen, len(workflows) - len(seen)


def told(workflows: Sequence[Workflow], by: Any) -> list[str]:
    """The workflows in a few words each: of those a person has no access to only how many there are."""
    seen, closed = parted(workflows, by)
    named = [_("the workflow “%(name)s”") % {"name": one.name} for one in seen]
    return named + closed_told(closed)


def closed_told(count: int) -> list[str]:
    message = ngettext("%(count)d workflow you have no access to", "%(count)d workflows you have no access to", count)
    return [message % {"count": count}] if count else []


def names_told(kind: str, key: str, by: Any) -> list[str]:
    """The bare names of the workflows that use a thing; of closed ones how many there are."""
    seen, closed = parted(users_of(kind, key), by)
    return [*dict.fromkeys(one.name for one in seen), *closed_told(closed)]


def users_told(kind: str, key: str, by: Any) -> list[str]:
    """What uses a thing, in a few words each."""
    return told(users_of(kind, key), by)


def why_kept(kind: str, keys: Iterable[str], by: Any) -> str:
    """Why something cannot be deleted, as a sentence that names what uses it; "" where nothing does."""
    workflows = list(dict.fromkeys(one for key in keys for one in users_of(kind, key)))
    if not workflows:
        return ""
    named = told(workflows, by)
    listed = [*named[:NAMED], *([_("%(count)d more") % {"count": len(named) - NAMED}] if len(named) > NAMED else ())]
    return _("It is used by %(users)s. Remove it there before you delete it.") % {"users": _(", ").join(listed)}


def users_of_property(found: PropertyDefinition, by: Any) -> list[str]:
    return users_told(PROPERTY, f"{found.object_type}.{found.slug}", by)


def needing_property(found: PropertyDefinition, by: Any) -> list[str]:
    """Those that are not off and whose live revision uses it: without it nobody would enter, or steps would fail."""
    revisions = keeping.using(PROPERTY, f"{found.object_type}.{found.slug}")
    working = revisions.filter(published_at__isnull=False).exclude(workflow__status=Workflow.Status.OFF)
    return told(list(dict.fromkeys(revision.workflow for revision in working)), by)


def users_of_list(found: RecordList, by: Any) -> list[str]:
    return users_told(LIST, found.slug, by)
