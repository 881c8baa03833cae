"""Workflows that read or change sensitive properties: the API opens them only with a scope of its own (PRM-10)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from records.models import PropertyDefinition, Scope
from records.property_access.closed_lists import looking_at
from workflows.definitions import touching
from workflows.definitions.definition import Definition
from workflows.models import Revision, Workflow
from workflows.rights.drafted import Drafted


def uses(definition: Definition) -> set[str]:
    return touching.reads(definition) | touching.writes(definition)


#: What drafts use.
used = Drafted(uses)


def sensitive_names() -> list[str]:
    """The sensitive properties, as "object_type.property", and the active lists that look at some."""
    rows = PropertyDefinition.objects.filter(sensitive=True).order_by("object_type", "slug")
    names = list(rows.values_list("object_type", "slug"))
    return [*(f"{kind}.{slug}" for kind, slug in names), *sorted(looking_at(names))]


def sensitive_in(workflow: Workflow) -> list[str]:
    """What a workflow uses that is sensitive, in any published revision or in its draft."""
    names = sensitive_names()
    if not names:
        return []
    revisions = workflow.revisions.all()
    # Whether it is opened is not answered from what was read before.
    found: set[str] = set().union(*(drafted for _owner, drafted in Drafted(uses).by_workflow(revisions)))
    published = revisions.exclude(published_at=None).filter(overlapping(names))
    for reads, writes in published.values_list("reads", "writes"):
        found.update(reads, writes)
    return sorted(found & set(names))


def with_sensitive() -> set[int]:
    """The ids of the workflows that use a sensitive property in a published revision or in their draft."""
    names = set(sensitive_names())
    if not names:
        return set()
    published = Revision.objects.exclude(published_at=None).filter(overlapping(sorted(names)))
    drafts = used.by_workflow(Revision.objects.all())
    return {*published.values_list("workflow", flat=True), *(owner for owner, found in drafts if found & names)}


def closed_to_token(token: Any) -> set[int]:
    """The ids of the workflows a token does not open, nor sees named: without its scope those with such properties."""
    return set() if Scope.SENSITIVE in token.scopes else with_sensitive()


def overlapping(names: list[str]) -> Q:
    return Q(reads__overlap=names) | Q(writes__overlap=names)
