"""What definitions can be made of: triggers, actions, operators."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.schema import Route
from records.api.views import ApiView
from records.criteria.catalog import operand_entry
from records.criteria.operators import Operator, operators
from records.models import Scope
from records.object_types import object_types
from records.property_types import property_types
from workflows.actions.base import Action
from workflows.api import shapes
from workflows.registries import actions, triggers
from workflows.triggers.base import Trigger


class CatalogView(ApiView):
    group = "catalog"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(Scope.WORKFLOWS_READ.value), gettext_lazy("Triggers, actions and operators"), shapes.CATALOG
        ),
    }

    def list(self, request: Request) -> Response:
        return Response(
            {
                "triggers": [plugin(trigger) for trigger in triggers.values()],
                "actions": [describe_action(action) for action in actions.values()],
                "operators": [describe_operator(operator) for operator in dict.fromkeys(operators.values())],
            }
        )


def plugin(found: Trigger | Action) -> dict[str, Any]:
    return {"slug": found.slug, "label": str(found.label), "description": str(found.description)}


def describe_action(action: Action) -> dict[str, Any]:
    return plugin(action) | {
        "group": str(action.group),
        "has_branches": action.splits,
        "object_types": usable_with(action),
        "params": action.Params.schema(),
    }


def usable_with(action: Action) -> list[str] | None:
    """The object types whose workflows can have the action; None for all."""
    found = [slug for slug, object_type in object_types.items() if action.offered_to(object_type)]
    return None if len(found) == len(object_types) else found


def describe_operator(operator: Operator) -> dict[str, Any]:
    return {
        "slug": operator.slug,
        "label": str(operator.label),
        "types": [kind.slug for kind in property_types.values() if kind.family in operator.families],
        "operands": [operand_entry(operand) for operand in operator.operands],
    }
