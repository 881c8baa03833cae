"""Which workflows enroll records in another workflow."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import BooleanField, F, Func, Value

from workflows.definitions.cycles import enrolled_in
from workflows.models import Workflow


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
