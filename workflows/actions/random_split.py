"""Random split: each branch gets a share of the records (BRN-08, BRN-09)."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.problems import Problem
from workflows.actions.base import Action
from workflows.actions.branch import branch_count, branch_names, take_ways
from workflows.definitions.shares import WHOLE, equal_shares, is_share, percent_text
from workflows.registries import actions
from workflows.step_forms.params import StepContext

if TYPE_CHECKING:
    from workflows.definitions.definition import Branch
    from workflows.engine.batch import Batch

LIMIT = 50


@actions.register
class RandomSplit(Action):
    slug = "random_split"
    label = gettext_lazy("Random split")
    description = gettext_lazy("Send a share of the records each way, by chance: for tests of two or more variants.")
    group = gettext_lazy("Flow")
    icon = "shuffle"
    splits = True
    branch_key = "percent"
    flow = True

    def default_branches(self) -> list[dict[str, Any]]:
        names = (_("A"), _("B"))
        return [
            {"name": name, "percent": share, "steps": []} for name, share in zip(names, equal_shares(2), strict=True)
        ]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        branches = context.step.branches if context.step else ()
        shares = " / ".join(percent_text(branch.percent) for branch in branches)
        return _("Split by chance: %(shares)s") % {"shares": shares} if shares else str(self.label)

    def describe_branch(self, index: int, context: StepContext) -> str:
        assert context.step is not None
        share = percent_text(context.step.branches[index].percent)
        return _("%(percent)s of the records, by chance; the same record always the same way") % {"percent": share}

    def branch_problems(self, context: StepContext) -> list[Problem]:
        """Every branch has a share, and the shares add up to 100: so there is no record that none takes."""
        assert context.step is not None
        branches = context.step.branches
        found = branch_count(len(branches), LIMIT) + branch_names([branch.name for branch in branches])
        for index, branch in enumerate(branches):
            found += share_problems(branch, f"branches.{index}.percent")
        if any(problem.severity == "error" for problem in found):
            return found
        total = sum(Decimal(str(branch.percent)) for branch in branches)
        if total != WHOLE:
            message = _("The shares add up to %(total)s, not to 100 %%. Change them, or share equally.")
            found.append(Problem("branches", message % {"total": percent_text(total)}, str(total)))
        return found

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        ends = thresholds(batch.step.branches)
        split = f"{batch.workflow.pk}:{batch.step.id}"
        take_ways(batch, {pk: way_of(split, pk, ends) for pk in batch.ids}, len(ends) - 1)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return format_html(_("Was sent the way “{name}” by chance"), name=detail.get("name", ""))


def share_problems(branch: Branch, place: str) -> list[Problem]:
    if not is_share(branch.percent):
        message = _("“%(value)s” is not the share of the branch “%(name)s”. Write a number from 0 to 100.")
        value = "" if branch.percent is None else branch.percent
        return [Problem(place, message % {"value": value, "name": branch.name}, branch.percent)]
    if not branch.percent:
        message = _("No record takes the branch “%(name)s”: its share is 0 %%.")
        return [Problem(place, message % {"name": branch.name}, 0, severity="warning")]
    return []


def thresholds(branches: tuple[Branch, ...]) -> list[int]:
    """Where each branch's part of the 64-bit numbers ends, exactly."""
    shares = (Fraction(str(branch.percent)) for branch in branches)
    return [int(end * 2**64 / WHOLE) for end in accumulate(shares)]


def way_of(split: str, record_id: int, ends: list[int]) -> int:
    """Which branch a record takes: always the same at one step of one workflow, and evenly spread over all records.

    So a record that comes again goes the same way, also after the workflow was published anew, and which way it goes
    in one split says nothing about another.
    """
    place = int.from_bytes(blake2b(f"{split}:{record_id}".encode(), digest_size=8).digest())
    return min(bisect_right(ends, place), len(ends) - 1)
