"""If/then branch: the first branch whose criteria match takes the record (BRN-04 to BRN-07, BRN-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records import criteria
from records.clock import ANY_INSTANT
from records.problems import DocumentError, Problem
from workflows.actions.base import Action
from workflows.engine.deciding import ways
from workflows.registries import actions
from workflows.step_forms.params import StepContext
from workflows.times.wall_time import workflow_zone

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

#: Branches of one branching (BRN-05); the setting WORKFLOW_BRANCH_LIMIT changes it.
LIMIT = 20


def zone_of(context: StepContext) -> str:
    return workflow_zone(context.definition.settings).key


@actions.register
class Branch(Action):
    slug = "branch"
    label = gettext_lazy("If/then branch")
    description = gettext_lazy("Send records different ways, by criteria with AND and OR.")
    group = gettext_lazy("Flow")
    icon = "git-branch"
    splits = True
    flow = True

    def default_branches(self) -> list[dict[str, Any]]:
        return [
            {"name": _("Branch 1"), "criteria": None, "steps": []},
            {"name": _("None met"), "steps": []},
        ]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        count = len(context.step.branches) if context.step else 0
        return ngettext("If/then: %(count)d way", "If/then: %(count)d ways", count) % {"count": count}

    def describe_branch(self, index: int, context: StepContext) -> str:
        assert context.step is not None
        document = context.step.branches[index].criteria
        if not document:
            return _("None met") if index else _("Choose criteria")
        try:
            return criteria.compile(document, context.object_type, now=ANY_INSTANT, zone=zone_of(context)).text
        except DocumentError:
            return _("Criteria with a fault")

    def branch_problems(self, context: StepContext) -> list[Problem]:
        """Not too many branches; each but the last needs criteria that can be read; names are told apart."""
        assert context.step is not None
        branches = context.step.branches
        limit = getattr(settings, "WORKFLOW_BRANCH_LIMIT", LIMIT)
        found = branch_count(len(branches), limit) + branch_names([branch.name for branch in branches])
        for index, branch in enumerate(branches):
            place = f"branches.{index}.criteria"
            if branch.criteria:
                found += criteria_problems(branch.criteria, context, place)
            elif index < len(branches) - 1 or not index:
                message = _("The branch “%(name)s” has no criteria yet. Add a filter, or remove the branch.")
                found.append(Problem(place, message % {"name": branch.name}, code="missing"))
        return found

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        found: set[str] = set()
        for branch in context.step.branches if context.step else ():
            try:
                compiled = criteria.compile(branch.criteria, context.object_type, now=ANY_INSTANT)
            except (DocumentError, TypeError):
                continue
            found |= {f"{item.object_type}.{item.property}" for item in compiled.dependencies.properties}
        return found

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """One statement says for every record which branch is the first to match."""
        branches = batch.step.branches
        otherwise = next((i for i, branch in enumerate(branches) if not branch.criteria), -1)
        try:
            found = ways(batch, otherwise)
        except DocumentError as error:
            batch.fail(None, "invalid_params", error=str(error)[:500])
            return
        take_ways(batch, found, otherwise)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        name = detail.get("name")
        if not name:
            return _("Matched no branch and went on")
        return format_html(_("Took the branch “{name}”"), name=name)


def take_ways(batch: Batch, ways: dict[int, int], otherwise: int) -> None:
    """Send each record its way; the branch's name is kept, as it may be renamed later."""
    groups: dict[int, list[Any]] = {}
    for enrollment in batch.enrollments:
        groups.setdefault(ways.get(enrollment.record_id, otherwise), []).append(enrollment)
    for index, enrollments in groups.items():
        name = batch.step.branches[index].name if index >= 0 else ""
        batch.take(enrollments, index, branch=index, name=name)


def criteria_problems(document: Any, context: StepContext, place: str) -> list[Problem]:
    try:
        criteria.compile(document, context.object_type, now=ANY_INSTANT, zone=zone_of(context))
    except DocumentError as error:
        return [problem.at(place) for problem in error.problems]
    return []


def branch_count(count: int, limit: int) -> list[Problem]:
    if count <= limit:
        return []
    message = _("A branching has %(limit)d branches at most; this one has %(count)d.")
    return [Problem("branches", message % {"limit": limit, "count": count})]


def branch_names(names: list[str]) -> list[Problem]:
    found = []
    for index, name in enumerate(names):
        if not name.strip():
            found.append(Problem(f"branches.{index}.name", _("Give the branch a name."), code="missing"))
        elif name in names[:index]:
            message = _("Two branches are called “%(name)s”. Rename one of them.")
            found.append(Problem(f"branches.{index}.name", message % {"name": name}, name, severity="warning"))
    return found
