"""Date, and date with time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models
from django.utils import dateparse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.moments import moment
from records.property_types.base import PropertyType, property_types

if TYPE_CHECKING:
    from records.properties import Property

#: What every time zone has: an instant is stored in UTC and shown in the zone of whoever looks.
EARLIEST = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
LATEST = dt.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=dt.UTC)


def parse_date(text: str) -> dt.date | None:
    """An ISO date, or None."""
    try:
        return dateparse.parse_date(text)
    except ValueError:
        return None


def written_day(text: str) -> dt.date | None:
    """The day of an ISO date or of an ISO date and time, as it is written there; None for anything else."""
    day = parse_date(text)
    if day is not None:
        return day
    try:
        instant = dateparse.parse_datetime(text)
    except ValueError:
        return None
    return instant.date() if instant is not None else None


@property_types.register
class Date(PropertyType):
    """A calendar day without a zone; written year-month-day (imports may choose another order)."""

    slug = "date"
    label = gettext_lazy("Date")
    family = "date"

    def parse(self, raw: Any, prop: Property) -> dt.date:
        if isinstance(raw, dt.datetime):
            return raw.date()
        if isinstance(raw, dt.date):
            return raw
        day = written_day(raw.strip()) if isinstance(raw, str) else None
        if day is None:
            raise ValueError(
                _("“%(value)s” is not a date. Write it year-month-day, like 2026-11-22.") % {"value": raw}
            )
        return day

    def output_field(self) -> models.Field:
        return models.DateField()

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        return forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **kwargs)

    def from_storage(self, stored: Any) -> dt.date:
        return dt.date.fromisoformat(str(stored)[:10])

    def to_storage(self, value: Any) -> str:
        return value.isoformat()

    def display(self, value: Any, prop: Property) -> str:
        return date_format(value, "DATE_FORMAT")


@property_types.register
class DateTime(PropertyType):
    """An instant; ISO 8601, in UTC where no offset is given."""

    slug = "datetime"
    label = gettext_lazy("Date and time")
    family = "date"

    def parse(self, raw: Any, prop: Property) -> dt.datetime:
        instant = raw if isinstance(raw, dt.datetime) else None
        if instant is None and isinstance(raw, str):
            try:
                instant = dateparse.parse_datetime(raw.strip())
            except ValueError:
                instant = None
            day = parse_date(raw.strip()) if instant is None else None
            instant = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) if day else instant
        if instant is None:
            raise ValueError(
                _("“%(value)s” is not a date and time. Write it like 2026-11-22T08:30:00Z.") % {"value": raw}
            )
        instant = instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
        if not EARLIEST <= instant <= LATEST:
            message = _("“%(value)s” is beyond the calendar. Give an instant from 0001-01-02 to 9999-12-30.")
            raise ValueError(message % {"value": raw})
        return instant

    def output_field(self) -> models.Field:
        return models.DateTimeField()

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        return forms.DateTimeField(widget=widget, **kwargs)

    def from_storage(self, stored: Any) -> dt.datetime:
        instant = dt.datetime.fromisoformat(str(stored))
        return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)

    def to_storage(self, value: Any) -> str:
        return value.astimezone(dt.UTC).isoformat()

    def display(self, value: Any, prop: Property) -> str:
        return moment(value)
