"""What needs attention: records that errors have stopped, by workflow, step and reason, and the ways to go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext

from workflows.admin.enrollment_list import names_of, record_url
from workflows.admin.narrowing import step_label
from workflows.definitions.definition import Definition
from workflows.enrollment import reviving
from workflows.enrollment.reviving import Group
from workflows.history.telling import definition_of, ending, tell
from workflows.models import Delivery, Enrollment, Outcome, Revision, StepExecution, Workflow
from workflows.outbox import resending
from workflows.rights.opening import changeable, openable

PER_PAGE = 50
#: The page of groups in the address; the issues above them have another.
GROUPS = "stopped"
LEAVE = "leave"
VERBS = {
    reviving.RETRY: gettext_lazy("Try again"),
    reviving.SKIP: gettext_lazy("Skip the step"),
    LEAVE: gettext_lazy("Leave as it is"),
}


@dataclass(frozen=True)
class GroupRow:
    """One line of the list: what stopped where and why, and the query string that names it."""

    group: Group
    workflow: str
    step: str
    sentence: SafeString | str
    query: str


@dataclass(frozen=True)
class RecordRow:
    """One stopped record."""

    enrollment: Enrollment
    name: str
    url: str
    sentence: SafeString | str


class Attention:
    """The page, narrowed by `workflow`, `step` and `reason` where a group is opened."""

    def __init__(self, query: QueryDict, user: Any = None) -> None:
        """`user` is who looks: workflows that person may not open are left out (PRM-09)."""
        self.query, self.user = query, user

    @cached_property
    def which(self) -> QuerySet[Enrollment]:
        """The stopped enrollments the page or a form is about; none for values that mean nothing."""
        found = openable(reviving.stopped(), self.user, "workflow")
        if "workflow" in self.query:
            text = str(self.query["workflow"])
            found = found.filter(workflow_id=int(text) if text.isdecimal() and len(text) < 19 else 0)
        if "step" in self.query:
            found = found.filter(step=self.query["step"])
        return found.filter(ended_reason=self.query["reason"]) if "reason" in self.query else found

    @property
    def facts(self) -> dict[str, str]:
        return {name: str(self.query[name]) for name in ("workflow", "step", "reason") if name in self.query}

    @property
    def opened(self) -> bool:
        return len(self.facts) == 3

    @cached_property
    def page(self) -> Page[Any]:
        """The page of groups the address asks for, the nearest there is."""
        return Paginator(reviving.grouped(self.which), PER_PAGE).get_page(self.query.get(GROUPS))

    def rows(self) -> list[GroupRow]:
        return rows_of([Group(*row) for row in self.page])

    @cached_property
    def record_page(self) -> Page[Enrollment]:
        """The page of an opened group's records the address asks for, newest first."""
        newest = self.which.select_related("workflow", "revision").order_by("-pk")
        return Paginator(newest, PER_PAGE).get_page(self.query.get("page"))

    def records(self) -> list[RecordRow]:
        """The records of an opened group, a page of them."""
        found = list(self.record_page)
        names, told = names_of(found, self.user), sentences([one.pk for one in found])
        return [
            RecordRow(
                one,
                names.get((one.workflow.object_type, one.record_id), f"#{one.record_id}"),
                record_url(one.workflow.object_type, one.record_id),
                told.get(one.pk) or ending(one.ended_reason, one.cause),
            )
            for one in found
        ]

    def deliveries(self) -> list[tuple[str, int, str]]:
        """How many deliveries wait for somebody, by state: its name, the number, the list of them."""
        counted = dict(resending.stopped().order_by().values_list("state").annotate(count=Count("pk")))
        url = reverse("admin:workflows_delivery_changelist")
        states = ((Delivery.State(state), count) for state, count in sorted(counted.items()))
        return [(str(state.label), count, f"{url}?state__exact={state}") for state, count in states]


def rows_of(found: Collection[Group]) -> list[GroupRow]:
    """Some groups with what a person reads."""
    workflows = Workflow.objects.select_related("live").in_bulk({group.workflow for group in found})
    definitions = {pk: definition_of(workflow.live) for pk, workflow in workflows.items() if workflow.live}
    told = sentences([group.example for group in found])
    return [
        GroupRow(
            group,
            workflows[group.workflow].name,
            step_label(definitions.get(group.workflow), group.step),
            told.get(group.example) or ending(group.reason),
            urlencode({"workflow": group.workflow, "step": group.step, "reason": group.reason}),
        )
        for group in found
    ]


def sentences(enrollments: list[int]) -> dict[int, SafeString]:
    """What the log says about the failure that stopped each of some enrollments."""
    lines = StepExecution.objects.filter(enrollment_id__in=enrollments, outcome=Outcome.FAILED)
    last = list(lines.order_by("enrollment_id", "-at", "-id").distinct("enrollment_id"))
    revisions = Revision.objects.in_bulk({line.revision_id for line in last})
    definitions: dict[int, Definition | None] = {pk: definition_of(found) for pk, found in revisions.items()}
    found = {}
    for line in last:
        definition = definitions.get(line.revision_id)
        step = definition.by_id.get(line.step) if definition else None
        found[line.enrollment_id] = tell(line, definition, step)
    return found


class Decision:
    """What somebody wants to do about stopped records, from a form: looked at first, then done."""

    def __init__(self, form: QueryDict, user: Any = None) -> None:
        self.form, self.user = form, user
        self.verb = form.get("verb", "")
        self.target = form.get("target") or None
        self.ids = [int(pk) for pk in form.getlist("enrollment") if pk.isdecimal() and len(pk) < 19]
        self.attention = Attention(form, user)

    @cached_property
    def enrollments(self) -> QuerySet[Enrollment]:
        """Those that were chosen, or all that match where a whole group was."""
        if "chosen" in self.form or self.ids:
            return changeable(Enrollment.objects.filter(pk__in=self.ids), self.user, "workflow")
        which = changeable(self.attention.which, self.user, "workflow")
        return which if self.attention.facts else Enrollment.objects.none()

    @property
    def known(self) -> bool:
        return self.verb in VERBS

    def steps(self) -> list[tuple[str, str]]:
        """The steps of the live revision those may go on with whose step is gone; [] for several workflows."""
        found = reviving.workflows_of(self.enrollments)
        if len(found) != 1 or found[0].live is None:
            return []
        definition = definition_of(found[0].live)
        return [(step, step_label(definition, step)) for step in definition.by_id] if definition else []

    def preview(self) -> dict[str, Any]:
        """What confirming would do, in sentences."""
        if self.verb == LEAVE:
            return {"sentence": self.sentence(reviving.stopped(self.enrollments).count()), "refused": [], "gone": 0}
        found = reviving.preview(self.enrollments, self.verb)
        return {
            "sentence": self.sentence(found.count),
            "refused": refusals(found),
            "gone": found.refused[reviving.NO_STEP],
        }

    def sentence(self, count: int) -> str:
        texts = {
            reviving.RETRY: ngettext(
                "%(count)s record is tried again now, at the step where it stopped.",
                "%(count)s records are tried again now, each at the step where it stopped.",
                count,
            ),
            reviving.SKIP: ngettext(
                "%(count)s record goes on now with what follows the step where it stopped. The step is not done for "
                "it.",
                "%(count)s records go on now with what follows the step where they stopped. The step is not done for "
                "them.",
                count,
            ),
            LEAVE: ngettext(
                "%(count)s record stays as it is and leaves this list. Its history stays.",
                "%(count)s records stay as they are and leave this list. Their history stays.",
                count,
            ),
        }
        return texts[self.verb] % {"count": f"{count:,}"}

    def act(self, by: Any, now: dt.datetime) -> tuple[str, list[str]]:
        """Do it; what was done, and what was left alone and why."""
        if self.verb == LEAVE:
            return self.sentence(reviving.leave(self.enrollments, by=by, now=now)), []
        done = reviving.revive(self.enrollments, self.verb, by=by, now=now, target=self.target)
        return self.sentence(done.count), refusals(done)


def refusals(found: reviving.Revival) -> list[str]:
    return [
        ngettext("%(count)s is left alone: %(reason)s", "%(count)s are left alone: %(reason)s", count)
        % {"count": f"{count:,}", "reason": reviving.REFUSALS[code]}
        for code, count in found.refused.most_common()
    ]
