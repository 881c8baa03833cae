"""Which records a schedule enrolls at an instant: one query, evaluated as of that instant."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import DateField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import ExtractDay, ExtractMonth, TruncDate
from django.db.models.lookups import Exact, GreaterThanOrEqual, LessThan
from django.utils.translation import gettext as _

from records import criteria
from records.criteria import counting
from records.criteria.expressions import value_of
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.properties import Property
from workflows.definitions.definition import Definition
from workflows.schedules.instants import Rule, days_of
from workflows.times.wall_time import MIDNIGHT, instant_of, moved, workflow_zone
from workflows.triggers.schedule import ALL_RECORDS

#: Records a review names.
SAMPLES = 5


def matching(definition: Definition, rule: Rule, zone: Any, instant: dt.datetime) -> QuerySet[Any]:
    """The live records that a schedule enrolls at an instant. Raises DocumentError when they cannot be read."""
    records = meeting(definition, zone, instant)
    if not rule.property:
        return records
    prop = object_types[definition.object].properties().get(rule.property)
    if prop is None:
        message = _("There is no property “%(value)s” any more. Choose another date property.")
        raise DocumentError([Problem("trigger.schedule.property", message % {"value": rule.property}, rule.property)])
    days = [moved(day, -rule.offset_days) for day in days_of(rule, zone, instant)]
    return records.filter(dated(prop, days, zone, yearly=rule.yearly))


def meeting(definition: Definition, zone: Any, instant: dt.datetime) -> QuerySet[Any]:
    """The live records that meet the trigger's criteria, whatever their dates."""
    kind: ObjectType = object_types[definition.object]
    document = definition.trigger.criteria
    if document == ALL_RECORDS:
        return kind.records()
    return criteria.compile(document, kind, now=instant, zone=zone, stored=True).records()


def matching_now(definition: Definition, now: dt.datetime) -> tuple[int, list[tuple[int, str]]]:
    """How many records meet the criteria now, and id and name of the newest of them (SCH-21).

    None for criteria that are not finished.
    """
    if not definition.trigger.criteria:
        return 0, []
    try:
        records = meeting(definition, workflow_zone(definition.settings), now)
    except DocumentError:
        return 0, []
    kind = object_types[definition.object]
    newest = [(record.pk, kind.name_of(record)) for record in records.order_by("-pk")[:SAMPLES]]
    return counting.count(records), newest


def dated(prop: Property, days: list[dt.date], zone: Any, *, yearly: bool) -> Q:
    """Whose date property is one of some days, in any year with `yearly`; a date with a time as the zone shows it."""
    value, timed = value_of(prop), prop.type == "datetime"
    found = Q()
    for day in days:
        if yearly:
            local = TruncDate(value, tzinfo=zone) if timed else value
            found |= Q(Exact(ExtractMonth(as_date(local)), day.month)) & Q(Exact(ExtractDay(as_date(local)), day.day))
        elif timed:
            start, end = instant_of(day, MIDNIGHT, zone), instant_of(moved(day, 1), MIDNIGHT, zone)
            found |= Q(GreaterThanOrEqual(value, start)) & Q(LessThan(value, end))
        else:
            found |= Q(Exact(value, day))
    return found if days else Q(pk__in=[])


def as_date(value: Any) -> Any:
    return ExpressionWrapper(value, output_field=DateField())
