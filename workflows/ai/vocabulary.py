"""What a model has to know to write a definition: the format in words, and the registry for one type of records."""

from __future__ import annotations

import json
from typing import Any

from records.associations import associations_of
from records.criteria.operators import operators
from records.models import Access
from records.object_types import ObjectType
from records.property_access.rights import rights_of
from records.property_types import property_types
from records.seeing import may_use
from workflows.events.known import known_events
from workflows.registries import actions

#: So many options of one property are told, and so many properties.
OPTIONS, PROPERTIES = 30, 150

FORMAT = """A definition is JSON: {"trigger": …, "steps": […]}.
trigger is one of
- {"kind": "manual"}: people enroll records by hand.
- {"kind": "filter", "criteria": C}: records enroll when they begin to meet the criteria.
- {"kind": "event", "events": [{"event": SLUG}], "reenroll": true}: records enroll when something happens.
- {"kind": "schedule", "schedule": {"every": "day|week|month", "weekdays": ["mon"], "days": [1], "at": "09:00"},
  "criteria": C}: the records that meet the criteria then enroll.
C is {"any": [{"all": [FILTER, …]}, …]}: groups joined by OR, the filters in them by AND. FILTER is
{"property": SLUG, "operator": OPERATOR, "value": VALUE} (no value for is_known and is_unknown; a list for is_any_of
and the like), or {"association": SLUG, "all": [FILTER, …]} for an associated record.
steps is a list of {"id": "small-letters", "action": SLUG, "params": {…}}, ids unique. A branch is
{"id": …, "action": "branch", "branches": [{"name": …, "criteria": C, "steps": […]},
{"name": "Otherwise", "steps": […]}]}; the last one has no criteria. What comes after a branch is done by both ways; a
way ends with {"action": "end"}. Waiting is {"action": "delay", "params": {"days": 1}}. Texts hold tokens like
{{ OBJECT.PROPERTY }} and results of earlier steps {{ output.STEP-ID.NAME }}.
Use only slugs, operators, options and settings that are listed below. "owner" is the record's owner. Where something
that is not listed is needed (a user, a list, a text nobody gave), leave that setting out: a person completes it."""


def vocabulary(object_type: ObjectType, user: Any) -> str:
    """The registry as JSON, as far as the person may use it."""
    return json.dumps(
        {
            "object": object_type.slug,
            "properties": properties(object_type, user),
            "associations": list(associations_of(object_type)),
            "operators": operators_by_type(),
            "events": triggering(object_type, user),
            "actions": [
                described(action)
                for action in actions.values()
                if action.offered_to(object_type) and may_use(user, action.permission) and not action.unavailable()
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
        default=str,
    )


def properties(object_type: ObjectType, user: Any) -> list[dict[str, Any]]:
    known = object_type.properties()
    hidden = set(rights_of(user).below([f"{object_type.slug}.{slug}" for slug in known], Access.VIEW))
    found = []
    for slug, prop in known.items():
        if f"{object_type.slug}.{slug}" in hidden or prop.sensitive:
            continue
        facts: dict[str, Any] = {"slug": slug, "label": str(prop.label), "type": prop.type}
        if prop.options:
            facts["options"] = [option.value for option in prop.options][:OPTIONS]
        if prop.read_only or prop.calculated is not None:
            facts["read_only"] = True
        found.append(facts)
    return found[:PROPERTIES]


def operators_by_type() -> dict[str, list[str]]:
    """The operators of each type of property."""
    every = list(dict.fromkeys(operators.values()))
    return {kind.slug: [one.slug for one in every if kind.family in one.families] for kind in property_types.values()}


def triggering(object_type: ObjectType, user: Any) -> list[dict[str, str]]:
    """The events that can enroll records of the type."""
    return [
        {"slug": event.slug, "label": str(event.label)}
        for event in known_events(object_type)
        if event.triggering and event.offered(object_type) and may_use(user, event.permission)
    ]


def described(action: Any) -> dict[str, Any]:
    """An action with its settings, in as few words as say it."""
    schema = action.Params.schema()
    facts = {"slug": action.slug, "what": str(action.description or action.label), "settings": schema["properties"]}
    return facts | {"required": schema["required"]} | ({"branches": True} if action.splits else {})
