"""Increase or decrease a number property (CRM-20); a blank counts as 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import ObjectType, object_types
from records.properties import Property
from records.sql_arrays import array
from workflows.actions.base import Action
from workflows.engine.writing import column_of
from workflows.registries import actions
from workflows.step_forms.forms import NumberField, PropertyField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, properties_for, subject_of, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

LIMIT = Decimal(10) ** 12


@actions.register
class ChangeNumber(Action):
    slug = "change_number"
    label = gettext_lazy("Increase or decrease a number")
    description = gettext_lazy("Add an amount to a number property, or take it away.")
    group = gettext_lazy("Records")
    icon = "plus-minus"

    class Params(TargetForm):
        edits = True

        property = PropertyField(
            label=gettext_lazy("Number property"), writable=True, types=("number", "currency"), subject=True
        )
        by = NumberField(
            label=gettext_lazy("Change by"),
            min_value=-LIMIT,
            max_value=LIMIT,
            decimal_places=6,
            help_text=gettext_lazy("A negative number decreases the property. A blank property counts as 0."),
        )

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            prop, by = self.subject_properties.get(cleaned.get("property", "")), cleaned.get("by")
            if by == 0:
                self.add_error("by", ValidationError(_("A change by 0 does nothing. Use another number.")))
            if prop and by and whole(self.subject, prop) and by != by.to_integral_value():
                message = _("%(property)s holds whole numbers. Use a whole number.")
                self.add_error("by", ValidationError(message % {"property": prop.label}))
            return cleaned

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        subject = subject_of(document, context)
        prop = properties_for(subject, context).get(str(document.get("property", "")))
        by = document.get("by")
        if prop is None:
            return _("Choose a number property")
        label = prop.label
        if document.get("of"):
            facts = {"property": label, "records": subject.label_plural}
            label = _("%(property)s of the associated %(records)s") % facts
        if isinstance(by, bool) or not isinstance(by, int | float):
            return _("Change %(property)s: choose by how much") % {"property": label}
        sentence = _("Decrease %(property)s by %(by)s") if by < 0 else _("Increase %(property)s by %(by)s")
        return sentence % {"property": label, "by": shown(abs(by))}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return self.writes(document, context)

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("property")
        return {f"{subject_of(document, context).slug}.{slug}"} if slug else set()

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        if params["of"]:
            self.change_associated(batch, params)
            return
        prop, by = batch.properties[params["property"]], params["by"]
        after = add(batch.object_type, prop, batch.ids, by)
        groups: dict[Any, list[Standing]] = {}
        for enrollment in batch.enrollments:
            groups.setdefault(after.get(enrollment.record_id), []).append(enrollment)
        for value, enrollments in groups.items():
            told = None if value is None else plain(value)
            batch.done(enrollments, property=prop.slug, by=plain(by), after=told)

    def change_associated(self, batch: Batch, params: dict[str, Any]) -> None:
        """What several enrolled records share is changed once for each of them."""
        targets, by = targets_of(batch, params), params["by"]
        prop = properties_for(targets.object_type, batch.context)[params["property"]]
        times = Counter(one for pk in targets.by_record for one in targets.by_record[pk])
        add_times(targets.object_type, prop, times, by)
        facts = {"property": prop.slug, "of": targets.object_type.slug, "by": plain(by)}
        batch.done([one for one in batch.enrollments if targets.of(one)], **facts)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        slug = str(detail.get("property", ""))
        other = object_types.get(str(detail.get("of", "")))
        prop = (properties_for(other, context) if other else context.properties).get(slug)
        by = detail.get("by") or 0
        if other is not None:
            of_others = (
                _("Decreased {property} of the associated {records} by {by}")
                if by < 0
                else _("Increased {property} of the associated {records} by {by}")
            )
            facts = {"property": prop.label if prop else slug, "records": other.label_plural}
            return format_html(of_others, by=shown(abs(by)), **facts)
        sentence = (
            _("Decreased {property} by {by} to {after}") if by < 0 else _("Increased {property} by {by} to {after}")
        )
        return format_html(
            sentence, property=prop.label if prop else slug, by=shown(abs(by)), after=shown(detail.get("after"))
        )


def whole(object_type: ObjectType, prop: Property) -> bool:
    return isinstance(column_of(object_type, prop), models.IntegerField)


def add_times(object_type: ObjectType, prop: Property, times: Mapping[int, int], by: Decimal) -> None:
    """Add to the property of each record as often as asked; the rows are locked in the order of their ids."""
    quote = connection.ops.quote_name
    column = column_of(object_type, prop)
    ids = sorted(times)
    facts: dict[str, Any] = {"ids": array(ids), "times": array(times[pk] for pk in ids), "by": by, "slug": prop.slug}
    if column is not None:
        name = quote(str(column.column))
        change = f"{name} = COALESCE(t.{name}, 0) + %(by)s * asked.times"
    else:
        number = "COALESCE(NULLIF(t.custom ->> %(slug)s, '')::numeric, 0) + %(by)s * asked.times"
        change = f"custom = t.custom || jsonb_build_object(%(slug)s::text, trim_scale({number}))"
    table, pk = quote(object_type.table), quote(object_type.key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH asked AS MATERIALIZED (SELECT t.{pk} AS pk, a.times "
            f"FROM unnest(%(ids)s::bigint[], %(times)s::bigint[]) AS a (pk, times) JOIN {table} t ON t.{pk} = a.pk "
            f"ORDER BY t.{pk} FOR NO KEY UPDATE OF t) "
            f"UPDATE {table} AS t SET {change} FROM asked WHERE t.{pk} = asked.pk",
            facts,
        )


def add(object_type: ObjectType, prop: Property, ids: list[int], by: Decimal) -> dict[int, Any]:
    """Add to the property of each record in the database itself, so that two at once both count; the new values."""
    quote = connection.ops.quote_name
    column = column_of(object_type, prop)
    facts: dict[str, Any] = {"ids": array(ids), "by": by, "slug": prop.slug}
    if column is not None:
        result = quote(str(column.column))
        change = f"{result} = COALESCE({result}, 0) + %(by)s"
    else:
        number = "COALESCE(NULLIF(custom ->> %(slug)s, '')::numeric, 0) + %(by)s"
        change = f"custom = custom || jsonb_build_object(%(slug)s::text, trim_scale({number}))"
        result = "(custom ->> %(slug)s)::numeric"
    table, pk = quote(object_type.table), quote(object_type.key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {change} WHERE {pk} = ANY(%(ids)s::bigint[]) RETURNING {pk}, {result}", facts
        )
        return dict(cursor.fetchall())


def plain(value: Any) -> int | float:
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else float(number)


def shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "?"
    return number_format(plain(value), use_l10n=True, force_grouping=True)
