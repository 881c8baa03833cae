"""The enrollment history of workflows: filters from the URL, pages by key, never a count of the table."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import ObjectType, object_types
from workflows.definitions.definition import Definition
from workflows.history import traffic
from workflows.history.telling import definition_of, ending
from workflows.models import Enrollment, Outcome, StepExecution, Workflow
from workflows.registries import actions
from workflows.rights.opening import openable

PER_PAGE = 50
SEARCHED = 1_000
PERIODS = {
    "hour": (gettext_lazy("Last hour"), dt.timedelta(hours=1)),
    "day": (gettext_lazy("Last 24 hours"), dt.timedelta(days=1)),
    "week": (gettext_lazy("Last 7 days"), dt.timedelta(days=7)),
    "month": (gettext_lazy("Last 30 days"), dt.timedelta(days=30)),
}
OUTCOMES = {
    Outcome.FAILED: gettext_lazy("With a failed step"),
    Outcome.SKIPPED: gettext_lazy("With a skipped step"),
}
#: How a step that a record came through may have ended.
ENDED = {
    "passed": (gettext_lazy("Got through"), (Outcome.SUCCESS, Outcome.SKIPPED)),
    "failed": (gettext_lazy("Failed there"), (Outcome.FAILED,)),
}
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


@dataclass(frozen=True)
class Choice:
    """One value of a filter; `query` is the page's query string with it chosen."""

    display: str
    query_string: str
    selected: bool


class Listing:
    """One page of enrollments. Unknown filter values find nothing rather than everything."""

    def __init__(self, query: QueryDict, now: dt.datetime, user: Any = None) -> None:
        """`user` is who looks: workflows that person may not open are left out (PRM-09)."""
        self.query, self.user = query, user
        self.now = now

    def chosen(self, name: str) -> str:
        return self.query.get(name, "").strip()

    def number(self, name: str) -> int | None:
        value = self.chosen(name)
        return int(value) if value.isdecimal() and len(value) < 19 else None

    @cached_property
    def workflow(self) -> Workflow | None:
        pk = self.number("workflow__id__exact")
        return openable(Workflow.objects.filter(pk=pk), self.user).first() if pk else None

    def filtered(self) -> QuerySet[Enrollment]:
        found = openable(Enrollment.objects.order_by("-id"), self.user, "workflow")
        if self.chosen("workflow__id__exact"):
            found = found.filter(workflow_id=self.number("workflow__id__exact") or 0)
        if self.chosen("record"):
            found = found.filter(record_id=self.number("record") or 0)
        if self.chosen("status__exact"):
            found = found.filter(status=self.chosen("status__exact"))
        if self.chosen("step"):
            found = found.filter(step=self.chosen("step"))
        if self.chosen("enrolled") in PERIODS:
            found = found.filter(enrolled_at__gte=self.now - PERIODS[self.chosen("enrolled")][1])
        if self.chosen("outcome"):
            lines = StepExecution.objects.filter(enrollment_id=OuterRef("pk"), outcome=self.chosen("outcome"))
            found = found.filter(Exists(lines))
        if self.chosen("through"):
            found = found.filter(Exists(self.lines_of(self.chosen("through"))))
        if self.chosen("q") and self.workflow:
            found = found.filter(record_id__in=self.searched(object_types[self.workflow.object_type]))
        return found

    def lines_of(self, step: str) -> QuerySet[StepExecution]:
        """What the log says of a step: `ended` how, `way` by which branch, `during` which period."""
        lines = StepExecution.objects.filter(enrollment_id=OuterRef("pk"), step=step)
        if self.chosen("ended"):
            _label, outcomes = ENDED.get(self.chosen("ended"), ("", ()))
            lines = lines.filter(outcome__in=outcomes)
        if self.chosen("way"):
            lines = lines.filter(detail__branch=self.number("way"))
        start = traffic.begin(self.chosen("during"), self.now) if self.chosen("during") in traffic.PERIODS else None
        return lines.filter(at__gte=start) if start else lines

    def searched(self, object_type: ObjectType) -> list[int]:
        """The records whose name contains the searched text; the newest thousand of them."""
        condition = {f"{object_type.name_property}__icontains": self.chosen("q")}
        found = object_type.model._default_manager.filter(**condition).order_by("-pk")
        return list(found.values_list("pk", flat=True)[:SEARCHED])

    @cached_property
    def page(self) -> list[Enrollment]:
        """One more than a page holds, so that there is no need to count."""
        found = self.filtered().select_related("workflow", "revision")
        before = self.number("before")
        return list((found.filter(id__lt=before) if before else found)[: PER_PAGE + 1])

    @property
    def older(self) -> str:
        """The query string of the next page; "" on the last."""
        return self.with_value("before", str(self.page[PER_PAGE - 1].pk)) if len(self.page) > PER_PAGE else ""

    @property
    def newest(self) -> str:
        """The query string of the first page; "" there."""
        return self.with_value("before", "") if self.chosen("before") else ""

    def with_value(self, name: str, value: str) -> str:
        kept = {key: val for key, val in self.query.items() if key not in (name, "before") and val}
        return "?" + urlencode(kept | ({name: value} if value else {}))

    def rows(self) -> list[Row]:
        enrollments = self.page[:PER_PAGE]
        names = names_of(enrollments)
        definitions: dict[int, Definition | None] = {}
        for enrollment in enrollments:
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
            for enrollment in enrollments
        ]

    def filters(self) -> list[dict[str, Any]]:
        """The filter chips: title and choices, as the template of the admin's own filters wants them."""
        found = openable(Workflow.objects.filter(deleted_at=None), self.user)
        workflows = found.order_by("name").values_list("pk", "name")[:200]
        return [
            self.filter("workflow__id__exact", _("Workflow"), [(str(pk), name) for pk, name in workflows]),
            *([self.filter("step", _("Step"), self.steps())] if self.workflow else []),
            self.filter("status__exact", _("Status"), Enrollment.Status.choices),
            self.filter("enrolled", _("Enrolled"), [(key, label) for key, (label, _span) in PERIODS.items()]),
            self.filter("outcome", _("Steps"), list(OUTCOMES.items())),
            *(self.came_through() if self.workflow and self.chosen("through") else []),
        ]

    def came_through(self) -> list[dict[str, Any]]:
        """The filters a count on the canvas leads to: the step, how it ended, and since when."""
        return [
            self.filter("through", _("Came through"), self.steps("through")),
            self.filter("ended", _("And there"), [(key, label) for key, (label, _outcomes) in ENDED.items()]),
            self.filter("during", _("When"), [(key, label) for key, (label, _span) in traffic.PERIODS.items()]),
            *([self.filter("way", _("Branch"), self.ways())] if self.chosen("way") else []),
        ]

    def ways(self) -> list[tuple[str, str]]:
        """The branches of the step that records came through, by number."""
        definition = definition_of(self.workflow.live) if self.workflow and self.workflow.live else None
        step = definition.by_id.get(self.chosen("through")) if definition else None
        return [(str(index), branch.name) for index, branch in enumerate(step.branches)] if step else []

    def steps(self, name: str = "step") -> list[tuple[str, str]]:
        """The steps of the live version, and one that is gone if it was asked for."""
        definition = definition_of(self.workflow.live) if self.workflow and self.workflow.live else None
        found = {step.id: step_label(definition, step.id) for step in definition.walk()} if definition else {}
        asked = self.chosen(name)
        return list((found | ({asked: asked} if asked and asked not in found else {})).items())

    def filter(self, name: str, title: str, values: list[tuple[str, Any]]) -> dict[str, Any]:
        current = self.chosen(name)
        every = Choice(_("All"), self.with_value(name, ""), not current)
        choices = [Choice(str(label), self.with_value(name, str(key)), current == str(key)) for key, label in values]
        return {"title": title, "choices": [every, *choices]}

    @property
    def narrowed(self) -> bool:
        names = ("status__exact", "enrolled", "outcome", "q", "step", "record", "through")
        return any(self.chosen(name) for name in names)


def names_of(enrollments: list[Enrollment]) -> dict[tuple[str, int], str]:
    """The names of the records, one query per object type."""
    ids = defaultdict(set)
    for enrollment in enrollments:
        ids[enrollment.workflow.object_type].add(enrollment.record_id)
    return {
        (slug, record.pk): object_types[slug].name_of(record)
        for slug, wanted in ids.items()
        if slug in object_types
        for record in object_types[slug].model._default_manager.filter(pk__in=wanted)
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


def step_label(definition: Definition | None, step_id: str) -> str:
    step = definition.by_id.get(step_id) if definition else None
    if definition is None or step is None:
        return step_id
    return _("%(number)d. %(action)s") % {
        "number": definition.number_of(step_id),
        "action": actions[step.action].label,
    }
