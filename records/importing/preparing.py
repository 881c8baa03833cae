"""Before the rows: the custom properties a plan creates, with options from the file's values."""

from __future__ import annotations

from django.utils.translation import gettext as _

from records.defining import define
from records.importing.plan import NewProperty, Plan
from records.importing.reading import Table
from records.models import PropertyDefinition
from records.object_types import ObjectType
from records.problems import DocumentError, Problem

MOST_OPTIONS = 500


def prepare(object_type: ObjectType, plan: Plan, table: Table) -> int:
    """Make the plan's custom properties and missing options; how many were made or changed.

    Raises DocumentError when a column has too many different values to be options.
    """
    return sum(prepare_property(object_type, new, table) for new in plan.create)


def prepare_property(object_type: ObjectType, new: NewProperty, table: Table) -> bool:
    definition = PropertyDefinition.objects.filter(object_type=object_type.slug, slug=new.slug).first()
    if definition is None:
        definition = PropertyDefinition(
            object_type=object_type.slug, slug=new.slug, label=new.label, type=new.type, unique=new.unique
        )
    options = missing_options(definition, new, table)
    if definition.pk is not None and not options:
        return False
    definition.options = [*definition.options, *options]
    define(definition)
    return True


def missing_options(definition: PropertyDefinition, new: NewProperty, table: Table) -> list[dict[str, str]]:
    """Options for the column's values the property does not have yet, in the order they appear."""
    if new.type not in ("select", "multi_select"):
        return []
    known = {str(text).casefold() for option in definition.options for text in option.values()}
    found: dict[str, dict[str, str]] = {}
    for cell in table.values(new.column):
        for value in cell.split(";") if new.type == "multi_select" else [cell]:
            text = value.strip()
            if text and text.casefold() not in known:
                found.setdefault(text.casefold(), {"value": text, "label": text})
    if len(found) > MOST_OPTIONS:
        message = _("“%(column)s” has %(count)d different values, too many for options. Make it a text property.")
        facts = {"column": new.column, "count": len(found)}
        raise DocumentError([Problem(f"create.{new.column}", message % facts)])
    return list(found.values())
