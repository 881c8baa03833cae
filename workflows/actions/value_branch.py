"""Value branch: one branch per value of a property or of an earlier step's output (BRN-01 to BRN-03, BRN-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.actions.branch import branch_count, branch_names, take_ways
from workflows.definitions.ways import label_of
from workflows.engine.outputs import OutputField, find, subject_of
from workflows.engine.writing import current_values
from workflows.registries import actions
from workflows.step_forms.forms import PropertyField
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

LIMIT = 250
VALUES_LIMIT = 1_000


@actions.register
class ValueBranch(Action):
    slug = "value_branch"
    label = gettext_lazy("Value branch")
    description = gettext_lazy(
        "Send records different ways, by the value of one property, or by the result of an earlier step."
    )
    group = gettext_lazy("Flow")
    icon = "split"
    splits = True
    branch_key = "values"
    flow = True

    class Params(ParamsForm):
        property = PropertyField(label=gettext_lazy("Property"), steers=True, required=False)
        output = OutputField(label=gettext_lazy("or the result of an earlier step"))

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and bool(cleaned.get("property")) == bool(cleaned.get("output")):
                message = _("Choose a property or the result of an earlier step to branch by: exactly one of them.")
                raise ValidationError(message)
            return cleaned

    def default_branches(self) -> list[dict[str, Any]]:
        return [{"name": _("Value 1"), "values": [], "steps": []}, {"name": _("Any other value"), "steps": []}]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        if document.get("output"):
            found = find(document["output"], context)
            if found is None:
                return _("Choose what to branch by")
            facts = {"step": label_of(found[0], context.definition), "output": found[1].label}
            return _("Branch by %(step)s: %(output)s") % facts
        prop = context.properties.get(str(document.get("property", "")))
        return _("Branch by %(property)s") % {"property": prop.label} if prop else _("Choose what to branch by")

    def describe_branch(self, index: int, context: StepContext) -> str:
        assert context.step is not None
        branch = context.step.branches[index]
        prop = subject_of(context.step.params, context)
        if branch.values is None:
            return _("Any other value")
        if not branch.values or prop is None:
            return _("Choose values")
        return ", ".join(value_label(value, prop) for value in branch.values)

    def branch_problems(self, context: StepContext) -> list[Problem]:
        """At most 250 branches; each but the last has values, each value stands in one branch only."""
        assert context.step is not None
        branches = context.step.branches
        prop = subject_of(context.step.params, context)
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
        values, prop = asked(batch, params)
        branches = batch.step.branches
        otherwise = next((i for i, branch in enumerate(branches) if branch.values is None), -1)
        way_of = ways_by_value(prop, [branch.values or () for branch in branches])
        ways = {
            pk: first_way(value if isinstance(value, list) else [value], way_of, otherwise)
            for pk, value in values.items()
        }
        take_ways(batch, ways, otherwise)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        name = detail.get("name")
        if not name:
            return _("Matched no branch and went on")
        return format_html(_("Took the branch “{name}”"), name=name)


def asked(batch: Batch, params: dict[str, Any]) -> tuple[dict[int, Any], Property]:
    """What the branch looks at, and its value by record id; None where it is blank or the step was never taken."""
    if not params["output"]:
        prop = batch.properties[params["property"]]
        return current_values(batch, prop), prop
    found = find(params["output"], batch.context)
    assert found is not None, "the params were checked"
    step, output = found
    kept = {standing.record_id: standing.outputs.get(step.id) or {} for standing in batch.enrollments}
    return {pk: output.stored(outputs.get(output.slug)) for pk, outputs in kept.items()}, output


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


def value_label(value: Any, prop: Property) -> str:
    for option in prop.options:
        if option.value == value:
            return str(option.label)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(value)
