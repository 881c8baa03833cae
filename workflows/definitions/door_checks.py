"""What keeps `unenroll` and `goal` of a definition from being published, with paths into the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from records import criteria
from records.clock import ANY_INSTANT
from records.lists.telling import key_of
from records.object_types import object_types
from records.problems import DocumentError, Problem, unknown_keys
from workflows.definitions.definition import Definition
from workflows.enrollment.leaving import ALL, NONE
from workflows.models import Workflow

KEYS = {"criteria", "when_no_longer_matching", "others"}


def problems(definition: Definition, workflow: int | None) -> Iterator[Problem]:
    """`workflow` is the id of the definition's workflow: it is not among the others."""
    yield from criteria_problems(definition, definition.document.get("goal"), "goal")
    unenroll = definition.document.get("unenroll") or {}
    if not isinstance(unenroll, dict):
        message = _("“unenroll” is a JSON object, not %(value)r.")
        yield Problem("unenroll", message % {"value": unenroll}, unenroll)
        return
    yield from unknown_keys(unenroll, KEYS, "unenroll")
    yield from criteria_problems(definition, unenroll.get("criteria"), "unenroll.criteria")
    yield from others_problems(definition, unenroll.get("others"), workflow)
    leaves = unenroll.get("when_no_longer_matching", False)
    path = "unenroll.when_no_longer_matching"
    if not isinstance(leaves, bool):
        message = _("%(value)r is neither true nor false. Send true or false.")
        yield Problem(path, message % {"value": leaves}, leaves)
    elif leaves and definition.trigger.kind != "filter":
        message = _("Only a workflow with a filter trigger can unenroll who no longer matches. Turn this off.")
        yield Problem(path, message, leaves)


def criteria_problems(definition: Definition, document: Any, path: str) -> list[Problem]:
    if not document:
        return []
    try:
        criteria.parse(document, object_types[definition.object], path=path)
    except DocumentError as error:
        return error.problems
    return []


def others_problems(definition: Definition, others: Any, workflow: int | None) -> Iterator[Problem]:
    """The other workflows records are taken out of must exist, and be for the same records (UNE-07)."""
    if others in (None, "", NONE, ALL):
        return
    path = "unenroll.others"
    if not isinstance(others, list) or not all(isinstance(pk, int) and not isinstance(pk, bool) for pk in others):
        message = _("“others” is “none”, “all” or a list of ids of workflows, not %(value)r.")
        yield Problem(path, message % {"value": others}, others)
        return
    known = Workflow.objects.filter(pk__in=others, deleted_at=None, object_type=definition.object)
    there = set(known.values_list("pk", flat=True))
    for i, pk in enumerate(others):
        if pk == workflow:
            message = _("The workflow cannot take its records out of itself. Remove it from the list.")
            yield Problem(f"{path}.{i}", message, pk)
        elif pk not in there:
            message = _("There is no workflow %(value)s for these records (any more). Remove it from the list.")
            yield Problem(f"{path}.{i}", message % {"value": pk}, pk)


def reads(definition: Definition) -> set[str]:
    """What goal, unenrollment criteria and suppression lists look at, as "object_type.property"."""
    kind, unenroll = object_types[definition.object], definition.document.get("unenroll")
    suppress = definition.document.get("suppress")
    found = {
        f"{kind.slug}.{key_of(slug)}"
        for slug in (suppress if isinstance(suppress, list) else ())
        if isinstance(slug, str)
    }
    for document in (
        definition.document.get("goal"),
        unenroll.get("criteria") if isinstance(unenroll, dict) else None,
    ):
        try:
            compiled = criteria.compile(document, kind, now=ANY_INSTANT, stored=True) if document else None
        except DocumentError:
            continue
        asked = compiled.dependencies.properties if compiled else ()
        found |= {f"{item.object_type}.{item.property}" for item in asked}
    return found
