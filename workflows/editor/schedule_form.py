"""The schedule of a trigger, and the date a workflow is centred on, as forms of the trigger panel."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.dates import MONTHS
from django.utils.dates import WEEKDAYS as WEEKDAY_LABELS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.clock import database_now
from records.object_types import object_types
from workflows.definitions.definition import Definition
from workflows.schedules import scheduling, words
from workflows.schedules.instants import RELATIVE_DAYS
from workflows.schedules.rules import DATE_TYPES
from workflows.step_forms.time_fields import OffsetField
from workflows.times.wall_time import WEEKDAYS
from workflows.triggers.schedule import ALL_RECORDS, when_sentence

FREQUENCIES = {
    "once": gettext_lazy("Once"),
    "day": gettext_lazy("Every day"),
    "week": gettext_lazy("Every week"),
    "month": gettext_lazy("Every month"),
    "year": gettext_lazy("Every year"),
    "property": gettext_lazy("By a date property"),
    "cron": gettext_lazy("By a cron expression"),
}
DRAWS_ANEW = {"data-refresh": "panel"}
#: What a trigger that has become a schedule starts with.
NEW = {"every": "day", "at": "09:00"}
NUMBERS = [(str(number), str(number)) for number in range(1, 32)]


def date_properties(definition: Definition) -> list[tuple[str, str]]:
    properties = object_types[definition.object].properties().values()
    return [("", "—"), *((prop.slug, str(prop.label)) for prop in properties if prop.type in DATE_TYPES)]


def relative_choices() -> list[tuple[str, str]]:
    return [(name, _("the %(day)s") % {"day": words.relative_day(name)}) for name in RELATIVE_DAYS]


def fields_of(every: str, definition: Definition) -> dict[str, forms.Field]:
    """The fields of one frequency, in their order."""
    time = forms.CharField(label=_("Time of day"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    if every == "cron":
        text = _(
            "Minute, hour, day of the month, month and weekday: 0 9 * * 1-5 is nine o'clock from Monday to Friday."
        )
        return {"cron": forms.CharField(label=_("Cron expression"), required=False, max_length=200, help_text=text)}
    own: dict[str, forms.Field] = {}
    if every == "once":
        picker = forms.DateInput(attrs={"type": "date"})
        own["date"] = forms.CharField(label=_("Date"), required=False, widget=picker)
    elif every == "week":
        days = [(slug, WEEKDAY_LABELS[number]) for number, slug in enumerate(WEEKDAYS)]
        own["weekdays"] = boxes(_("Days of the week"), days)
    elif every == "month":
        by = [("", _("On certain days of the month")), *relative_choices()]
        own["day"] = forms.ChoiceField(
            label=_("Day"), required=False, choices=by, widget=forms.Select(attrs=DRAWS_ANEW)
        )
        text = _("A month that does not have the day is left out: the 31st does not become the 30th.")
        own["days"] = boxes(_("Days of the month"), NUMBERS, text)
    elif every == "year":
        months = [(str(number), str(name).capitalize()) for number, name in MONTHS.items()]
        own["month"] = forms.ChoiceField(label=_("Month"), required=False, choices=[("", "—"), *months])
        text = _("29 February comes in leap years only.")
        own["day"] = forms.ChoiceField(
            label=_("Day"), required=False, choices=[("", "—"), *NUMBERS, *relative_choices()], help_text=text
        )
    elif every == "property":
        own["property"] = forms.ChoiceField(
            label=_("Date property"), required=False, choices=date_properties(definition)
        )
        own["offset_days"] = OffsetField(label=_("Days before or after it"), required=False)
        own["yearly"] = forms.BooleanField(label=_("Every year, whatever the year of the date"), required=False)
    return {**own, "at": time}


def boxes(label: str, choices: list[tuple[str, Any]], text: str = "") -> forms.Field:
    return forms.MultipleChoiceField(
        label=label, required=False, choices=choices, widget=forms.CheckboxSelectMultiple, help_text=text
    )


class ScheduleForm(forms.Form):
    """When the schedule fires; which fields there are follows from how often. `times` are the next five."""

    every = forms.ChoiceField(
        label=gettext_lazy("How often"), required=False, widget=forms.Select(attrs=DRAWS_ANEW),
        choices=[("", "—"), *FREQUENCIES.items()],
    )  # fmt: skip

    def __init__(self, data: Any, definition: Definition) -> None:
        stored = definition.trigger.document.get("schedule")
        self.stored: dict[str, Any] = stored if isinstance(stored, dict) else {}
        self.definition = definition
        initial = {key: texts(value) if key != "offset_days" else value for key, value in self.stored.items()}
        super().__init__(data, initial=initial, prefix="schedule", auto_id="param_%s")
        every = self.stored.get("every", "") if data is None else data.get("schedule-every", "")
        if every in FREQUENCIES:
            self.fields |= fields_of(every, definition)
        self.frequency = every if every in FREQUENCIES else ""
        if self.stored.get("day") and every == "month" and data is None:
            del self.fields["days"]

    @property
    def sentence(self) -> str:
        """When the stored schedule fires, in words; "" while it is not finished."""
        return when_sentence(self.stored, object_types[self.definition.object])

    @property
    def times(self) -> list[str]:
        """The next five times as clocks of the workflow's zone show them."""
        if not self.sentence:
            return []
        zone = scheduling.zone_of(self.definition)
        found = scheduling.upcoming(self.definition, database_now())
        return [words.shown_firing(instant, zone) for instant in found]

    @property
    def zone(self) -> str:
        return str(scheduling.zone_of(self.definition).key)

    def document(self) -> dict[str, Any]:
        """The schedule as definitions write it; what is not valid is kept, for its problem to be told."""
        if self.data is None or "schedule-every" not in self.data:
            return self.stored or NEW
        self.is_valid()
        found: dict[str, Any] = {"every": self.frequency} if self.frequency else {}
        if self.stored.get("timezone"):
            found["timezone"] = self.stored["timezone"]
        for name, field in self.fields.items():
            if name == "every":
                continue
            sent = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            value = self.cleaned_data.get(name, sent)
            if value not in (None, "", [], False):
                found[name] = written(name, value)
        if found.get("day") and self.frequency == "month":
            found.pop("days", None)
        return found


def texts(value: Any) -> Any:
    """A stored value as the controls have it."""
    if isinstance(value, list):
        return [str(part) for part in value]
    return value if isinstance(value, bool) or value is None else str(value)


def written(name: str, value: Any) -> Any:
    """A value as definitions write it: days and months are numbers, times have no seconds."""
    if name == "days":
        return [number(part) for part in value]
    if name in ("day", "month"):
        return number(value)
    return str(value)[:5] if name == "at" else value


def number(text: Any) -> Any:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 6 else text


class EveryoneForm(forms.Form):
    """Whether a schedule enrolls all records: that must be said, filters that are left out do not say it."""

    def __init__(self, data: Any, definition: Definition) -> None:
        everyone = definition.trigger.criteria == ALL_RECORDS
        super().__init__(data, initial={"everyone": everyone}, auto_id="param_%s")
        label = _("All %(records)s, without filters") % {"records": object_types[definition.object].label_plural}
        box = forms.CheckboxInput(attrs=DRAWS_ANEW)
        self.fields["everyone"] = forms.BooleanField(label=label, required=False, widget=box)
        self.chosen = everyone if data is None else bool(data.get("everyone"))

    def document(self) -> dict[str, Any]:
        return {"criteria": ALL_RECORDS} if self.chosen else {}


class CentreForm(forms.Form):
    """The date all steps are timed by: none, one of the calendar, or one of the record."""

    KINDS = {
        "": gettext_lazy("By the step before them"),
        "date": gettext_lazy("By one date"),
        "property": gettext_lazy("By a date property of the record"),
    }
    by = forms.ChoiceField(
        label=gettext_lazy("Steps are timed"), required=False, widget=forms.Select(attrs=DRAWS_ANEW),
        choices=list(KINDS.items()),
    )  # fmt: skip

    def __init__(self, data: Any, definition: Definition) -> None:
        stored = definition.document.get("centre")
        self.stored: dict[str, Any] = stored if isinstance(stored, dict) else {}
        kind = next((key for key in ("date", "property") if key in self.stored), "")
        initial = {**{key: texts(value) for key, value in self.stored.items()}, "by": kind}
        super().__init__(data, initial=initial, prefix="centre", auto_id="param_%s")
        self.kind = kind if data is None else data.get("centre-by", "")
        if self.kind == "date":
            picker = forms.DateInput(attrs={"type": "date"})
            self.fields["date"] = forms.CharField(label=_("Date"), required=False, widget=picker)
        elif self.kind == "property":
            self.fields["property"] = forms.ChoiceField(
                label=_("Date property"), required=False, choices=date_properties(definition)
            )
        if self.kind:
            text = _("Whatever the year of the date; the record stays inside and begins again the next year.")
            self.fields["yearly"] = forms.BooleanField(label=_("Every year"), required=False, help_text=text)

    def values(self) -> dict[str, Any]:
        """The setting to store; none where the page sent did not have it."""
        found = self.document() if "centre" in self.data else self.stored
        return {"centre": found} if found or self.stored else {}

    def document(self) -> dict[str, Any] | None:
        """The centre as definitions write it; None for a workflow without one."""
        if self.kind not in ("date", "property"):
            return None
        self.is_valid()
        value = self.cleaned_data.get(self.kind, self.data.get(self.add_prefix(self.kind), ""))
        return {self.kind: value, "yearly": bool(self.cleaned_data.get("yearly"))}
