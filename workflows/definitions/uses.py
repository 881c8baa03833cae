"""Who uses what: the workflows that read or write a property, and those that enroll records in another workflow."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from records.models import PropertyDefinition
from records.problems import DocumentError
from workflows.definitions import touching
from workflows.definitions.cycles import enrolled_in
from workflows.definitions.parsing import parse
from workflows.models import Revision, Workflow


def users_of_property(found: PropertyDefinition) -> list[str]:
    """The workflows whose live revision or draft reads or writes a custom property, in a few words each."""
    return touching_property(found, Revision.objects.filter(Q(published_at=None) | Q(pk=F("workflow__live"))))


def needing_property(found: PropertyDefinition) -> list[str]:
    """Those that are not off and whose live revision does: without it nobody would enter, or steps would fail."""
    working = Revision.objects.filter(pk=F("workflow__live")).exclude(workflow__status=Workflow.Status.OFF)
    return touching_property(found, working)


def touching_property(found: PropertyDefinition, revisions: QuerySet[Revision]) -> list[str]:
    name = f"{found.object_type}.{found.slug}"
    naming = revisions.alias(text=Cast("definition", TextField())).filter(
        text__contains=found.slug, workflow__deleted_at=None
    )
    users = {revision.workflow for revision in naming.select_related("workflow") if touches(revision, name)}
    return [_("the workflow “%(name)s”") % {"name": one.name} for one in sorted(users, key=lambda one: one.name)]


def touches(revision: Revision, name: str) -> bool:
    """Whether a revision reads or writes a property ("object_type.property")."""
    try:
        definition = parse(revision.definition)
    except DocumentError:
        return False
    return name in touching.reads(definition) | touching.writes(definition)


def enrolling_in_each(workflows: Iterable[Workflow]) -> dict[int, list[str]]:
    """By workflow the names of the published ones with a step that enrolls records in it; one query for all."""
    wanted = {workflow.pk for workflow in workflows}
    named = Func(
        F("live__definition"), Value("$.**.params.workflow"),
        template="jsonb_path_exists(%(expressions)s::jsonpath)", output_field=BooleanField(),
    )  # fmt: skip
    others = Workflow.objects.filter(deleted_at=None, live__isnull=False).annotate(enrolls=named).filter(enrolls=True)
    found: dict[int, list[str]] = {}
    for pk, name, document in others.order_by("name").values_list("pk", "name", "live__definition"):
        for target in sorted(set(enrolled_in(document.get("steps")))):
            if target in wanted and target != pk:
                found.setdefault(target, []).append(name)
    return found
