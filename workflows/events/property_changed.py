"""A property of the record has taken another value, or one of some values (EVT-01)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.event_rows import change_rows
from records.object_types import ObjectType
from records.properties import Property
from records.property_types import PropertyType, property_types
from workflows.events.base import Wait, Want
from workflows.events.fields import ValuesField, shown_values
from workflows.events.journal import Happened, JournalEvent, source_of
from workflows.registries import events
from workflows.step_forms.forms import PropertyField
from workflows.step_forms.params import StepContext


class ChangingPropertyField(PropertyField):
    """A property the journal tells of: what is calculated changes without a change of the record."""

    def offers(self, prop: Property) -> bool:
        return prop.calculated is None and prop.slug not in ("id", "created_at", "updated_at") and super().offers(prop)


@events.register
class PropertyChanged(JournalEvent):
    slug = "property_changed"
    label = gettext_lazy("A property of the record changes")

    def fields(self) -> dict[str, forms.Field]:
        return {
            "property": ChangingPropertyField(label=gettext_lazy("Property"), steers=True),
            "values": ValuesField(
                label=gettext_lazy("to one of these values"),
                required=False,
                help_text=gettext_lazy("Leave it out for any value, also none."),
            ),
        }

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        slug = str(document.get("property") or "")
        prop = context.properties.get(slug)
        values = document.get("values")
        if not slug:
            return _("A property changes: choose one")
        facts = {"property": capfirst(str(prop.label)) if prop else slug}
        if not isinstance(values, list) or not values:
            return _("%(property)s changes") % facts
        return _("%(property)s changes to %(values)s") % (facts | {"values": shown_values(values, prop)})

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("property")
        return {f"{context.object_type.slug}.{slug}"} if slug else set()

    def want(self, params: dict[str, Any], context: StepContext) -> Want:
        prop = context.properties[params["property"]]
        values = [part if prop.kind.multiple else prop.kind.to_storage(part) for part in params.get("values") or ()]
        wanted = {"property": prop.slug, "type": prop.type} | ({"values": values} if values else {})
        return Want(source_of(context.object_type.slug), "", wanted | self.filters(params, context))

    def rows(self, document: dict[str, Any], object_type: ObjectType) -> ObjectType | None:
        prop = object_type.properties().get(str(document.get("property") or ""))
        return change_rows(object_type, prop) if prop is not None and prop.calculated is None else None

    def detail(self, params: dict[str, Any]) -> str:
        return str(params["property"])

    def fits(self, wait: Wait, change: Happened) -> bool:
        slug = wait.wanted["property"]
        if slug not in change.after:
            return False
        if "values" not in wait.wanted:
            return True
        kind, value = property_types[wait.wanted["type"]], change.after[slug]
        taken = {comparable(part, kind) for part in (value if isinstance(value, list) else [value])}
        return not taken.isdisjoint(comparable(part, kind) for part in wait.wanted["values"])


def comparable(value: Any, kind: PropertyType) -> Any:
    """A stored value as it is compared: texts in any case."""
    if value is None:
        return None
    try:
        found = value if kind.multiple else kind.from_storage(value)
    except (ValueError, TypeError, ArithmeticError):
        found = str(value)
    return found.casefold() if isinstance(found, str) and kind.family == "text" else found
