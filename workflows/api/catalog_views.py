"""What definitions can be made of: triggers, filters, events, actions, operators; what a person may use (TRG-12)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.schema import Route
from records.api.views import ApiView
from records.criteria.catalog import operand_entry
from records.criteria.leaves import LeafKind, leaf_kinds
from records.criteria.operators import Operator, operators
from records.event_types import EventType, known_event_types
from records.models import Scope
from records.object_types import object_types
from records.property_types import property_types
from records.seeing import may_use
from workflows.actions.base import Action
from workflows.api import shapes
from workflows.events.base import Event
from workflows.events.stored import StoredEvent
from workflows.registries import actions, events, triggers
from workflows.triggers.base import Trigger


class CatalogView(ApiView):
    group = "catalog"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(Scope.WORKFLOWS_READ.value),
            gettext_lazy("Triggers, filters, events, actions and operators"),
            shapes.CATALOG,
        ),
    }

    def list(self, request: Request) -> Response:
        return Response(
            {
                "triggers": [plugin(trigger) for trigger in triggers.values()],
                "filters": [
                    describe_filter(kind) for kind in leaf_kinds.values() if may_use(request.user, kind.permission)
                ],
                "events": describe_events(request.user),
                "actions": [describe_action(action) for action in actions.values()],
                "operators": [describe_operator(operator) for operator in dict.fromkeys(operators.values())],
            }
        )


def plugin(found: Trigger | Action) -> dict[str, Any]:
    return {"slug": found.slug, "label": str(found.label), "description": str(found.description)}


def describe_filter(kind: LeafKind) -> dict[str, Any]:
    return {"key": kind.slug, "label": str(kind.label), "operators": [slug for slug, _label in kind.operators()]}


def describe_events(user: Any) -> list[dict[str, Any]]:
    """The events of the journal and the engine, then the event types, custom ones last."""
    types = known_event_types()
    stored = [StoredEvent(kind) for kind in types.values()]
    found: list[Event] = [*events.values(), *stored]
    return [describe_event(event, types.get(event.slug)) for event in found if may_use(user, event.permission)]


def describe_event(event: Event, kind: EventType | None) -> dict[str, Any]:
    facts = kind.properties if kind is not None and isinstance(event, StoredEvent) else ()
    happens = [slug for slug, object_type in object_types.items() if event.offered(object_type)]
    return {
        "slug": event.slug,
        "label": str(event.label),
        "category": str(event.category),
        "object_types": None if len(happens) == len(object_types) else happens,
        "properties": [{"slug": prop.slug, "label": str(prop.label), "type": prop.type} for prop in facts],
        "triggers": event.triggering,
        "waited_for": event.waited,
        "filters": isinstance(event, StoredEvent) and event.kind.counted,
    }


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
