"""Which workflows enroll records in another workflow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import BooleanField, F, Func, Value

from workflows.definitions.cycles import enrolled_in
from workflows.models import Workflow
from workflows.rights.opening import unnamed


@dataclass
class Senders:
    """The names of workflows, and how many more there are that are closed to who reads (PRM-09)."""

    names: list[str] = field(default_factory=list)
    closed: int = 0


def enrolling_in_each(workflows: Iterable[Workflow]) -> dict[int, Senders]:
    """By workflow the published ones with a step that enrolls records in it; as many queries however many."""
    wanted = {workflow.pk for workflow in workflows}
    named = Func(
        F("live__definition"), Value("$.**.params.workflow"),
        template="jsonb_path_exists(%(expressions)s::jsonpath)", output_field=BooleanField(),
    )  # fmt: skip
    others = Workflow.objects.filter(deleted_at=None, live__isnull=False).annotate(enrolls=named).filter(enrolls=True)
    sending: list[tuple[int, int, str]] = []
    for pk, name, document in others.order_by("name").values_list("pk", "name", "live__definition"):
        targets = wanted & set(enrolled_in(document.get("steps"))) - {pk}
        sending += [(target, pk, name) for target in sorted(targets)]
    closed = unnamed({pk for _target, pk, _name in sending})
    found: dict[int, Senders] = {}
    for target, pk, name in sending:
        senders = found.setdefault(target, Senders())
        if pk in closed:
            senders.closed += 1
        else:
            senders.names.append(name)
    return found
