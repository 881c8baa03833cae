"""Workflows that read or change sensitive properties: the API opens them only with a scope of its own (PRM-10)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from records.models import PropertyDefinition
from records.problems import DocumentError
from workflows.definitions import touching
from workflows.definitions.parsing import parse
from workflows.models import Revision, Workflow


def sensitive_names() -> list[str]:
    """The sensitive properties, as "object_type.property"."""
    rows = PropertyDefinition.objects.filter(sensitive=True).order_by("object_type", "slug")
    return [f"{kind}.{slug}" for kind, slug in rows.values_list("object_type", "slug")]


def sensitive_in(workflow: Workflow) -> list[str]:
    """The sensitive properties a workflow uses in any published revision or in its draft."""
    names = sensitive_names()
    if not names:
        return []
    found: set[str] = set()
    for revision in workflow.revisions.filter(Q(published_at=None) | overlapping(names)):
        found |= touched(revision)
    return sorted(found & set(names))


def touched(revision: Revision) -> set[str]:
    if revision.published_at is not None:
        return {*revision.reads, *revision.writes}
    try:
        definition = parse(revision.definition)
    except DocumentError:
        return set()  # It names what is gone: nothing of it can be carried out.
    return touching.reads(definition) | touching.writes(definition)


def published_with_sensitive() -> QuerySet[Revision, Any]:
    """The ids of the workflows of which a published revision uses a sensitive property."""
    return Revision.objects.exclude(published_at=None).filter(overlapping(sensitive_names())).values("workflow")


def overlapping(names: list[str]) -> Q:
    return Q(reads__overlap=names) | Q(writes__overlap=names)
