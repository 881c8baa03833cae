"""Filters on what a record is or was in a workflow: enrolled, completed, its goal met (FLT-34, GOL-04).

They are answered from the enrollments, which are kept for years (HIS-03). Segments follow them by the announcements of
workflows.enrollment.announcing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.dependencies import Dependency
from records.criteria.event_rows import EVENT_PREFIX
from records.criteria.leaves.base import OneRowKind, leaf_kinds
from records.criteria.scope import Scope
from records.criteria.tree import Context, Node
from records.object_types import ObjectType, object_types
from records.seeing import closers, guards
from workflows.enrollment.announcing import ANY, PREFIX
from workflows.event_types.workflows import TYPES
from workflows.models import Enrollment, Workflow
from workflows.rights.opening import closed_name, closed_to

Status = Enrollment.Status
Rows = QuerySet[Enrollment, Enrollment]


def enrolled(rows: Rows) -> Rows:
    return rows.filter(status=Status.ACTIVE)


def ever(rows: Rows) -> Rows:
    return rows.exclude(status=Status.REFUSED)


def completed(rows: Rows) -> Rows:
    return rows.filter(status=Status.COMPLETED)


def unenrolled(rows: Rows) -> Rows:
    return rows.filter(status=Status.UNENROLLED)


def met_goal(rows: Rows) -> Rows:
    """Who left because of the goal, or met it after having completed the workflow."""
    return rows.filter(Q(status=Status.UNENROLLED, ended_reason="goal_met") | Q(cause__has_key="goal_met_at"))


@dataclass(frozen=True)
class Operator:
    """`holds` picks the enrollments of which one makes the answer; `negative` turns it around."""

    label: str | Promise
    sentence: str | Promise
    holds: Callable[[Rows], Rows]
    negative: bool = False


OPERATORS = {
    "is_enrolled": Operator(gettext_lazy("is enrolled in"), gettext_lazy("is enrolled in %(workflow)s"), enrolled),
    "is_not_enrolled": Operator(
        gettext_lazy("is not enrolled in"), gettext_lazy("is not enrolled in %(workflow)s"), enrolled, negative=True
    ),
    "has_been_enrolled": Operator(
        gettext_lazy("has ever been enrolled in"), gettext_lazy("has ever been enrolled in %(workflow)s"), ever
    ),
    "has_never_been_enrolled": Operator(
        gettext_lazy("has never been enrolled in"), gettext_lazy("has never been enrolled in %(workflow)s"), ever,
        negative=True,
    ),
    "has_completed": Operator(gettext_lazy("has completed"), gettext_lazy("has completed %(workflow)s"), completed),
    "has_never_completed": Operator(
        gettext_lazy("has never completed"), gettext_lazy("has never completed %(workflow)s"), completed, negative=True
    ),
    "has_been_unenrolled": Operator(
        gettext_lazy("has left before the end"), gettext_lazy("has left %(workflow)s before the end"), unenrolled
    ),
    "has_met_goal": Operator(
        gettext_lazy("has met the goal of"), gettext_lazy("has met the goal of %(workflow)s"), met_goal
    ),
    "has_not_met_goal": Operator(
        gettext_lazy("has not met the goal of"), gettext_lazy("has not met the goal of %(workflow)s"), met_goal,
        negative=True,
    ),
}  # fmt: skip


#: Events that tell which workflow they are about, as criteria depend on them.
TOLD = {f"{EVENT_PREFIX}{one.slug}" for one in TYPES}


@leaf_kinds.register
class WorkflowKind(OneRowKind):
    """{workflow: id | "any", operator: is_enrolled | has_completed | …}"""

    slug = "workflow"
    label = gettext_lazy("Workflow")
    category = gettext_lazy("Status in workflows")
    permission = "workflows.view_workflow"
    # Not which there are: some may be closed to who asks.
    no_such = gettext_lazy("There is no workflow %(value)r for %(records)s. Use “any” or the id of one.")

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(operator.label)) for slug, operator in OPERATORS.items()]

    def there_are(self, object_type: ObjectType) -> QuerySet[Any]:
        known = Workflow.objects.filter(object_type=object_type.slug, deleted_at=None)
        return known.order_by("name", "pk").only("name")

    def name_of(self, row: Workflow) -> str:
        return row.name

    def any_label(self) -> str:
        return _("any workflow")

    def closed_to(self, user: Any) -> Collection[str]:
        return closed_to(user)

    def filter(self, chosen: int, operator: str, scope: Scope, path: str) -> Node:
        return WorkflowFilter(path, scope.object_type, chosen, operator, scope.hops)


def hidden_workflow(user: Any, names: Collection[str]) -> str:
    """A workflow that criteria ask for and that is closed to a person (PRM-09): who is in it tells what it reads."""
    asked = {name.partition(".")[2] for name in names}
    asks = asked & TOLD or any(name.startswith(PREFIX) for name in asked)
    closed = closed_to(user) if asks else ()
    if asked & TOLD and closed:
        return _("what happens in workflows, to one of which you have no access")
    return _("a workflow you have no access to") if any(f"{PREFIX}{pk}" in asked for pk in closed) else ""


guards.append(hidden_workflow)


def hidden_names(user: Any) -> set[tuple[str, str]]:
    """What criteria depend on where they ask for workflows that are closed to a person."""
    closed = closed_to(user)
    if not closed:
        return set()
    rows = Workflow.objects.filter(pk__in=closed).values_list("object_type", "pk")
    return {(kind, f"{PREFIX}{pk}") for kind, pk in rows} | {(kind, told) for kind in object_types for told in TOLD}


closers.append(hidden_names)


@dataclass(frozen=True)
class WorkflowFilter(Node):
    """What the record is or was in a workflow, or (0) in any of its object type."""

    path: str
    object_type: ObjectType
    workflow: int
    operator: str
    hops: tuple[str, ...]

    def q(self, context: Context) -> Q:
        rows = Enrollment.objects.filter(record_id=OuterRef("pk"))
        if self.workflow:
            rows = rows.filter(workflow=self.workflow)
        else:
            rows = rows.filter(workflow__object_type=self.object_type.slug)
        operator = OPERATORS[self.operator]
        found = Q(Exists(operator.holds(rows)))
        return ~found if operator.negative else found

    def text(self, context: Context) -> str:
        name = _("any workflow")
        if self.workflow:
            known = Workflow.objects.filter(pk=self.workflow).values_list("name", flat=True).first()
            name = _("“%(name)s”") % {"name": known} if known else _("a workflow that is gone")
            name = (known and closed_name(self.workflow)) or name
        return str(OPERATORS[self.operator].sentence) % {"workflow": name}

    def dependencies(self) -> Iterator[Dependency]:
        yield Dependency(self.object_type.slug, f"{PREFIX}{self.workflow}" if self.workflow else ANY, self.hops)
