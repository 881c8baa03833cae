"""What can be filtered by, for the builder and for clients: properties, operators, associations."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records import people
from records.associations import associations_of
from records.categories import categories
from records.criteria.builder_words import texts
from records.criteria.leaves import leaf_kinds
from records.criteria.operands import Chosen, Operand
from records.criteria.operators import Operator, operators, operators_for
from records.criteria.points import ANCHORS, BEFORE
from records.criteria.tree import JOINS
from records.models import Association
from records.object_types import ObjectType
from records.properties import Option, Property
from records.seeing import may_use
from records.vocabulary import ListedIn

SHOWN_LABELS = 50


def catalog(object_type: ObjectType, user: Any = None) -> dict[str, Any]:
    """All the builder needs to know about one object type, as JSON; for a user only what that one may use (TRG-12)."""
    return {
        "slug": object_type.slug,
        "label": capfirst(str(object_type.label)),
        "plural": str(object_type.label_plural),
        "blanks_match_negatives": object_type.blanks_match_negatives,
        "properties": [property_entry(prop, user) for prop in object_type.properties().values()],
        "operators": {key: operator_entry(operator) for key, operator in operators.items()},
        "associations": association_entries(object_type),
        **user_entries(),
        "kinds": kind_entries(object_type, user),
        "joins": {slug: str(label) for slug, label in JOINS.items()},
        "anchors": {slug: str(label) for slug, label in ANCHORS.items()},
        "units": {unit: unit_label(unit) for unit in BEFORE},
        "texts": texts(object_type),
    }


def property_entry(prop: Property, user: Any = None) -> dict[str, Any]:
    family, source = prop.kind.family, prop.options_source
    closed = source.closed_to(user) if isinstance(source, ListedIn) and source.closed_to else ()
    return {
        "slug": prop.slug,
        "label": capfirst(str(prop.label)),
        "type": prop.type,
        "family": family,
        "group": str(prop.group),
        "options": [option_entry(option) for option in prop.options if option.value not in closed]
        if "select" in family
        else [],
        "operators": [f"{family}:{slug}" for slug in operators_for(prop)],
    }


def option_entry(option: Option) -> dict[str, str]:
    return {"value": option.value, "label": str(option.label)}


def operator_entry(operator: Operator) -> dict[str, Any]:
    return {
        "slug": operator.slug,
        "label": str(operator.label),
        "families": list(operator.families),
        "negative": operator.negative,
        "takes_blanks": operator.takes_blanks,
        "reads_history": operator.reads_history,
        "operands": [operand_entry(operand) for operand in operator.operands],
    }


def operand_entry(operand: Operand) -> dict[str, Any]:
    entry = {
        "name": operand.name,
        "label": capfirst(str(operand.label)),
        "control": operand.control,
        "required": operand.required,
        "default": operand.default,
        "low": getattr(operand, "low", None),
        "high": getattr(operand, "high", None),
        "any_family": getattr(operand, "any_family", False),
    }
    if isinstance(operand, Chosen):
        entry["choices"] = [{"value": slug, "label": str(label)} for slug, label in operand.choices.items()]
    return entry


def association_entries(object_type: ObjectType) -> list[dict[str, Any]]:
    labels: dict[str, list[str]] = {}
    used = Association.objects.filter(from_type=object_type.slug).exclude(label="")
    for to_type, label in used.values_list("to_type", "label").distinct().order_by("label")[:SHOWN_LABELS]:
        labels.setdefault(to_type, []).append(label)
    return [
        {
            "slug": association.slug,
            "to": association.to.slug,
            "label": capfirst(str(association.to.label)),
            "labelled": association.relation is None,
            "labels": labels.get(association.to.slug, []),
            "category": str(categories[association.to.category].label),
        }
        for association in associations_of(object_type).values()
    ]


def user_entries() -> dict[str, Any]:
    """The users to choose from; where they are too many for a list, the address that finds some."""
    listed = people.few()
    names = [(user.get_username(), user.get_full_name() or user.get_username()) for user in listed or ()]
    return {"users": paired(names), "people_url": reverse("records:people") if listed is None else ""}


def kind_entries(object_type: ObjectType, user: Any = None) -> list[dict[str, Any]]:
    """The kinds of filter that are a choice and an operator, as far as there is something to choose."""
    found = []
    for slug, kind in leaf_kinds.items():
        choices = [choice for choice in kind.entries(object_type, user) if may_use(user, choice.permission)]
        if choices:
            options = [{"value": one.value, "label": one.label, "category": one.category} for one in choices]
            found.append(
                {
                    "key": slug, "label": str(kind.label), "options": options, "operators": paired(kind.operators()),
                    "rows": kind.rows, "refined": list(kind.refined),
                }
            )  # fmt: skip
    return found


def paired(choices: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in choices]


def filter_schema(prop: Property, operator: Operator) -> dict[str, Any]:
    """The JSON schema of a filter with this property and operator."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"property": {"const": prop.slug}, "operator": {"const": operator.slug}},
        "required": ["property", "operator", *(o.name for o in operator.operands if o.required)],
        "additionalProperties": False,
    }
    schema["properties"] |= {operand.name: operand.schema(prop) for operand in operator.operands}
    if operator.takes_blanks:
        schema["properties"]["include_blank"] = {"type": "boolean"}
    return schema


def unit_label(unit: str) -> str:
    labels = {
        "years": _("years"), "quarters": _("quarters"), "months": _("months"), "weeks": _("weeks"), "days": _("days"),
        "hours": _("hours"), "minutes": _("minutes"), "seconds": _("seconds"), "milliseconds": _("milliseconds"),
    }  # fmt: skip
    return labels[unit]
