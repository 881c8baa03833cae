"""The enrollment history of workflows: filters from the URL, pages by key, never a count of the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Func, Q, QuerySet, Value
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from records.object_types import ObjectType, object_types
from records.seeing import may_see_name
from records.sql_arrays import OneOf
from workflows.admin.narrowing import Choice, Narrowing, step_label
from workflows.definitions.definition import Definition
from workflows.history import enrollments
from workflows.history.telling import definition_of, ending
from workflows.models import Enrollment, Workflow
from workflows.rights.opening import openable

PER_PAGE = 50
#: Workflows the filter offers; in their list all are found, and from there the history of each.
OFFERED = 200
#: Those that have an index of their own, newest first of each workflow.
EARLY = Enrollment.ENDED_EARLY
STATUS_COLOURS = {
    Enrollment.Status.ACTIVE: "info",
    Enrollment.Status.COMPLETED: "ok",
    Enrollment.Status.UNENROLLED: "muted",
    Enrollment.Status.FAILED: "danger",
    Enrollment.Status.REFUSED: "warn",
}


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    enrollment: Enrollment
    name: str
    url: str
    step: str
    reason: str
    colour: str


class Listing(Narrowing):
    """One page of enrollments of workflows the person may open (PRM-09).

    Unknown filter values find nothing rather than everything.
    """

    names: ClassVar = ("status__exact", "enrolled", "q", "step", "record")

    @cached_property
    def workflow(self) -> Workflow | None:
        pk = self.number("workflow__id__exact")
        return openable(Workflow.objects.filter(pk=pk).select_related("live"), self.user).first() if pk else None

    def every(self) -> QuerySet[Enrollment]:
        """Those an index leads to."""
        found = openable(Enrollment.objects.order_by("-id"), self.user, "workflow")
        if self.chosen("workflow__id__exact"):
            # In the order of an index of this workflow: those that are newer in others are not looked at.
            one = Func(Value(self.number("workflow__id__exact") or 0), template="ARRAY[%(expressions)s]::bigint[]")
            found = found.filter(OneOf("workflow_id", one)).order_by("workflow_id", "-id")
            if self.chosen("status__exact") in EARLY:
                found = found.filter(status=self.chosen("status__exact"))
        if self.chosen("record"):
            found = found.filter(record_id=self.number("record") or 0)
        return found

    def conditions(self) -> Q:
        found = Q()
        early = self.chosen("workflow__id__exact") and self.chosen("status__exact") in EARLY
        if self.chosen("status__exact") and not early:
            found &= Q(status=self.chosen("status__exact"))
        if self.chosen("step"):
            found &= Q(step=self.chosen("step"))
        if begin := self.begin("enrolled"):
            found &= Q(enrolled_at__gte=begin)
        return found

    def filtered(self) -> QuerySet[Enrollment]:
        """All that match, whoever they are called."""
        return self.every().filter(self.conditions())

    @cached_property
    def page(self) -> enrollments.Page:
        before = self.number("before")
        if self.chosen("q") and self.workflow:
            shown = self.filtered().select_related("workflow", "revision")
            named = named_to(self.user, [self.workflow.object_type])
            return enrollments.search(shown, self.chosen("q"), PER_PAGE, before, named=named)
        every = self.every().select_related("workflow", "revision")
        since, among = self.begin("enrolled"), self.inside()
        return enrollments.page(every, self.conditions(), PER_PAGE, before, since=since, among=among)

    def inside(self) -> list[QuerySet[Enrollment]]:
        """Those that stand on a step, where no others are asked for: in one workflow they have indexes."""
        if self.workflow is None or self.chosen("record"):
            return []
        mine = Enrollment.objects.filter(self.conditions(), workflow=self.workflow)
        active = mine.filter(status=Enrollment.Status.ACTIVE)
        if self.chosen("status__exact") == Enrollment.Status.ACTIVE:
            return [active]
        stopped = mine.filter(status=Enrollment.Status.FAILED).exclude(step="")
        return [active, stopped] if self.chosen("step") and not self.chosen("status__exact") else []

    @property
    def older(self) -> str:
        """The query string of the next page; "" on the last."""
        return self.with_value("before", str(self.page.older)) if self.page.older else ""

    def rows(self) -> list[Row]:
        names = names_of(self.page.rows, self.user)
        definitions: dict[int, Definition | None] = {}
        for enrollment in self.page.rows:
            if enrollment.step and enrollment.revision_id not in definitions:
                definitions[enrollment.revision_id] = definition_of(enrollment.revision)
        return [
            Row(
                enrollment=enrollment,
                name=names.get((enrollment.workflow.object_type, enrollment.record_id), f"#{enrollment.record_id}"),
                url=record_url(enrollment.workflow.object_type, enrollment.record_id),
                step=step_label(definitions.get(enrollment.revision_id), enrollment.step),
                reason=ending(enrollment.ended_reason, enrollment.cause),
                colour=STATUS_COLOURS.get(Enrollment.Status(enrollment.status), "muted"),
            )
            for enrollment in self.page.rows
        ]

    def filters(self) -> list[dict[str, Any]]:
        found = openable(Workflow.objects.filter(deleted_at=None), self.user)
        workflows = found.order_by("name", "pk").values_list("pk", "name")[: OFFERED + 1]
        definition = definition_of(self.workflow.live) if self.workflow and self.workflow.live else None
        return [
            self.some(
                "workflow__id__exact",
                _("Workflow"),
                [(str(pk), name) for pk, name in workflows],
                OFFERED,
                all_workflows(),
            ),
            *([self.filter("step", _("Step"), self.steps(definition))] if self.workflow else []),
            self.filter("status__exact", _("Status"), Enrollment.Status.choices),
            self.periods("enrolled", _("Enrolled")),
        ]


def all_workflows() -> Choice:
    """Where the workflows are that a filter does not offer."""
    return Choice(_("More workflows…"), reverse("admin:workflows_workflow_changelist"), False)


def named_to(user: Any, slugs: Iterable[str]) -> list[ObjectType]:
    """The object types among some of which a person may see what records are called."""
    known = (object_types[slug] for slug in slugs if slug in object_types)
    return [kind for kind in known if may_see_name(user, kind)]


def names_of(enrollments: list[Enrollment], user: Any) -> dict[tuple[str, int], str]:
    """The names of the records, as far as a person may see those of their type; one query per object type."""
    ids = defaultdict(set)
    for enrollment in enrollments:
        ids[enrollment.workflow.object_type].add(enrollment.record_id)
    return {
        (kind.slug, record.pk): kind.name_of(record)
        for kind in named_to(user, ids)
        for record in kind.model._default_manager.filter(pk__in=ids[kind.slug])
    }


def record_url(slug: str, record_id: int) -> str:
    """The admin page of a record; "" when it has none."""
    if slug not in object_types:
        return ""
    meta = object_types[slug].model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record_id])
    except NoReverseMatch:
        return ""
