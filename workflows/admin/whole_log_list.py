"""The action log of all workflows a person may see, narrowed by the address (HIS-08, HIS-09)."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from records.object_types import object_types
from records.seeing import may_see
from workflows.admin.enrollment_list import OFFERED, all_workflows
from workflows.admin.log_list import PER_PAGE, Lines
from workflows.admin.narrowing import Choice
from workflows.history import action_log, whole_log
from workflows.models import Enrollment, Revision, Workflow
from workflows.registries import actions
from workflows.rights.opening import openable


class WholeLog(Lines):
    """One page of the log of all workflows. Lines of those that are closed to the person are not among them (PRM-09).

    Neither are those about records of types the person may not see.
    """

    names: ClassVar = ("action", "kind", "during", "until", "record", "q")
    #: What the log of a single workflow is narrowed by, too.
    shared: ClassVar = names

    @property
    def slugs(self) -> list[str]:
        return [slug for slug, kind in object_types.items() if may_see(self.user, kind)]

    @cached_property
    def workflows(self) -> QuerySet[Workflow]:
        return openable(Workflow.objects.filter(object_type__in=self.slugs), self.user)

    @property
    def inside(self) -> QuerySet[Enrollment]:
        return openable(Enrollment.objects.filter(workflow__object_type__in=self.slugs), self.user, "workflow")

    @cached_property
    def asked(self) -> action_log.Asked:
        published = Revision.objects.exclude(published_at=None).filter(workflow__in=self.workflows)
        return action_log.Asked(
            list(published.values_list("pk", flat=True)),
            since=self.since(),
            until=self.until(),
            actions=[self.chosen("action")] if self.chosen("action") else (),
            outcomes=self.outcomes(),
            enrollments=self.enrollments(),
        )

    @cached_property
    def page(self) -> action_log.Page:
        if self.asked.enrollments is None:
            return whole_log.page(self.asked, PER_PAGE, self.before, now=self.now)
        # Of a few records the lines have an index.
        return action_log.page(self.asked, PER_PAGE, self.before)

    def filters(self) -> list[dict[str, Any]]:
        return [
            {"title": _("Workflow"), "choices": self.workflow_choices()},
            *self.shared_filters(set(actions)),
            self.periods("during", _("When")),
        ]

    def workflow_choices(self) -> list[Choice]:
        """The logs of single workflows, narrowed as this one is."""
        kept = {name: self.chosen(name) for name in self.shared if self.chosen(name)}
        query = f"?{urlencode(kept)}" if kept else ""
        named = self.workflows.filter(deleted_at=None, live__isnull=False).order_by("name", "pk")
        found = list(named.values_list("pk", "name")[: OFFERED + 1])
        return [
            Choice(_("All"), self.with_value(self.places[0], ""), True),
            *(Choice(name, reverse("admin:workflow_log", args=[pk]) + query, False) for pk, name in found[:OFFERED]),
            *([all_workflows()] if len(found) > OFFERED else []),
        ]
