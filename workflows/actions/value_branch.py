"""Value branch: one branch per value of a property (BRN-01, BRN-03, BRN-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.actions.branch import branch_count, branch_names, take_ways
from workflows.forms import PropertyField
from workflows.params import ParamsForm, StepContext
from workflows.registries import actions
from workflows.writing import current_values

if TYPE_CHECKING:
    from workflows.batch import Batch

LIMIT = 250
VALUES_LIMIT = 1_000


@actions.register
class ValueBranch(Action):
    slug = "value_branch"
    label = gettext_lazy("Value branch")
    description = gettext_lazy("Send records different ways, by the value of one property.")
    group = gettext_lazy("Flow")
    icon = "split"
    splits = True
    flow = True

    class Params(ParamsForm):
        property = PropertyField(label=gettext_lazy("Property"), steers=True)

    def default_branches(self) -> list[dict[str, Any]]:
        return [{"name": _("Value 1"), "values": [], "steps": []}, {"name": _("Any other value"), "steps": []}]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        prop = context.properties.get(str(document.get("property", "")))
        return _("Branch by %(property)s") % {"property": prop.label} if prop else _("Choose a property to branch by")

    def describe_branch(self, index: int, context: StepContext) -> str:
        assert context.step is not None
        branch = context.step.branches[index]
        prop = context.properties.get(str(context.step.params.get("property", "")))
        if branch.values is None:
            return _("Any other value")
        if not branch.values or prop is None:
            return _("Choose values")
        return ", ".join(label_of(value, prop) for value in branch.values)

    def branch_problems(self, context: StepContext) -> list[Problem]:
        """At most 250 branches; each but the last has values, each value stands in one branch only."""
        assert context.step is not None
        branches = context.step.branches
        prop = context.properties.get(str(context.step.params.get("property", "")))
        found = branch_count(len(branches), LIMIT) + branch_names([branch.name for branch in branches])
        seen: dict[str, str] = {}
        for index, branch in enumerate(branches):
            place = f"branches.{index}.values"
            if not branch.values and (index < len(branches) - 1 or branch.values is not None):
                message = _("The branch “%(name)s” has no value yet. Choose one, or remove the branch.")
                found.append(Problem(place, message % {"name": branch.name}, code="missing"))
            if len(branch.values or ()) > VALUES_LIMIT:
                message = _("A branch has %(limit)d values at most.")
                found.append(Problem(place, message % {"limit": VALUES_LIMIT}))
            for value in branch.values or ():
                found += value_problems(value, prop, place)
                if str(value) in seen:
                    message = _("The value “%(value)s” is in the branch “%(name)s” already. Remove one of them.")
                    found.append(Problem(place, message % {"value": value, "name": seen[str(value)]}, value))
                seen.setdefault(str(value), branch.name)
        return found

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("property")
        return {f"{context.object_type.slug}.{slug}"} if slug else set()

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        prop = batch.properties[params["property"]]
        branches = batch.step.branches
        otherwise = next((i for i, branch in enumerate(branches) if branch.values is None), -1)
        way_of = ways_by_value(prop, [branch.values or () for branch in branches])
        ways = {
            pk: first_way(value if isinstance(value, list) else [value], way_of, otherwise)
            for pk, value in current_values(batch, prop).items()
        }
        take_ways(batch, ways, otherwise)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        name = detail.get("name")
        if not name:
            return _("Matched no branch and went on")
        return format_html(_("Took the branch “{name}”"), name=name)


def first_way(values: list[Any], way_of: dict[Any, int], otherwise: int) -> int:
    """The first branch that has one of the record's values."""
    return min((way_of[value] for value in values if value in way_of), default=otherwise)


def ways_by_value(prop: Property, listed: list[tuple[Any, ...]]) -> dict[Any, int]:
    """Which branch takes which value, as the database gives it; what cannot be read (any more) takes nothing."""
    if prop.type == "user":
        names = {str(name) for values in listed for name in values}
        users = get_user_model()._default_manager.filter(username__in=names).values_list("username", "pk")
        ids = dict(users)
        return {ids[name]: i for i, values in reversed(list(enumerate(listed))) for name in values if name in ids}
    # Options are asked for once, not once per value.
    known = {option.value for option in prop.options}
    found: dict[Any, int] = {}
    for index, values in enumerate(listed):
        for raw in values:
            try:
                value = raw if raw in known or prop.kind.multiple else prop.clean(raw)
            except (ValueError, TypeError):
                continue
            found.setdefault(value, index)
    return found


def value_problems(value: Any, prop: Property | None, place: str) -> list[Problem]:
    if prop is None:
        return []
    try:
        prop.clean([value] if prop.kind.multiple else value)
    except (ValueError, TypeError) as error:
        return [Problem(place, str(error), value)]
    return []


def label_of(value: Any, prop: Property) -> str:
    for option in prop.options:
        if option.value == value:
            return str(option.label)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(value)
