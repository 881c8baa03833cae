"""The settings of a workflow as a panel: execution, records inside, notifications, metrics (SET-01)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import people
from records.object_types import object_types
from records.time_zones import time_zones
from workflows.definitions.attachments import Attachment, offered
from workflows.definitions.definition import Definition
from workflows.definitions.settings_checks import KEYS
from workflows.health import teams
from workflows.health.notifying import KINDS
from workflows.lifecycle.following import FOLLOW, PIN

#: The panel's name: no step can have it.
NAME = "_settings"
ROWS_LIMIT = 500
#: Settings kept as they are sent; blank ones are left out.
PLAIN = ("timezone", "turn_off_at", "version_policy", "metrics", "enroll_merged")
#: A year with a 29th of February, for pause dates that have none.
SOME_YEAR = "2028"
DAYS = {
    "mon": gettext_lazy("Mon"), "tue": gettext_lazy("Tue"), "wed": gettext_lazy("Wed"), "thu": gettext_lazy("Thu"),
    "fri": gettext_lazy("Fri"), "sat": gettext_lazy("Sat"), "sun": gettext_lazy("Sun"),
}  # fmt: skip
PERIODS = {"minute": gettext_lazy("minute"), "hour": gettext_lazy("hour"), "day": gettext_lazy("day")}
NEW_WINDOW = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}
MIDNIGHT, START = "24:00", "00:00"


class WindowForm(forms.Form):
    """A range of times on some days of the week."""

    days = forms.MultipleChoiceField(
        label=gettext_lazy("Days"), required=False, choices=list(DAYS.items()), widget=forms.CheckboxSelectMultiple
    )
    opens = forms.CharField(
        label=gettext_lazy("From"), required=False, widget=forms.TimeInput(attrs={"type": "time", "step": 60})
    )
    closes = forms.CharField(
        label=gettext_lazy("To"), required=False, widget=forms.TimeInput(attrs={"type": "time", "step": 60})
    )

    def document(self) -> dict[str, Any]:
        """The window as definitions write it; midnight at its end is 24:00."""
        self.is_valid()
        closes = self.cleaned_data.get("closes", "")[:5]
        return {
            "days": self.cleaned_data.get("days", []),
            "from": self.cleaned_data.get("opens", "")[:5],
            "to": MIDNIGHT if closes == START else closes,
        }

    @staticmethod
    def initial_of(entry: Any) -> dict[str, Any]:
        closes = str(entry.get("to", ""))
        return {
            "days": entry.get("days"), "opens": entry.get("from"), "closes": START if closes == MIDNIGHT else closes,
        }  # fmt: skip


class PauseForm(forms.Form):
    """A day, or several in a row, on which nothing acts; every year or once."""

    first = forms.CharField(label=gettext_lazy("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.CharField(
        label=gettext_lazy("To (for several days)"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    yearly = forms.BooleanField(label=gettext_lazy("Every year, whatever the year"), required=False)

    def document(self) -> Any:
        self.is_valid()
        cut = 5 if self.cleaned_data.get("yearly") else 0
        first, last = (self.cleaned_data.get(name, "")[cut:] for name in ("first", "last"))
        return {"from": first, "to": last} if last and last != first else first

    @staticmethod
    def initial_of(entry: Any) -> dict[str, Any]:
        found = entry if isinstance(entry, dict) else {"date": entry}
        first, last = str(found.get("date") or found.get("from") or ""), str(found.get("to") or "")
        return {"first": with_year(first), "last": with_year(last), "yearly": len(first) == 5}


def with_year(day: str) -> str:
    return f"{SOME_YEAR}-{day}" if len(day) == 5 else day


class SettingsForm(forms.Form):
    """Everything that is there once."""

    timezone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    turn_off_at = forms.CharField(
        label=gettext_lazy("Turn off at"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=gettext_lazy(
            "A date and time in the workflow's time zone. It is turned off once then; records inside stay, and their "
            "actions are skipped."
        ),
    )  # fmt: skip
    limit_count = forms.CharField(
        label=gettext_lazy("Records at most"), required=False,
        widget=forms.NumberInput(attrs={"min": 1, "max": 1_000_000}),
        help_text=gettext_lazy(
            "How many records may come to their first action in that time. The others wait for their turn; leave it "
            "blank for no limit."
        ),
    )  # fmt: skip
    limit_per = forms.ChoiceField(label=gettext_lazy("per"), required=False, choices=list(PERIODS.items()))
    version_policy = forms.ChoiceField(
        label=gettext_lazy("When a new version is published"),
        required=False,
        widget=forms.RadioSelect,
        choices=[
            (FOLLOW, gettext_lazy("Records inside follow: they go on in the new version, at their step")),
            (PIN, gettext_lazy("Records inside finish the version they began with")),
        ],
        help_text=gettext_lazy("You are asked each time; this is what is chosen beforehand."),
    )
    about = forms.MultipleChoiceField(
        label=gettext_lazy("Notify about"), required=False, choices=list(KINDS.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "At most one notification a day for each. Many more than usual: over 50 in a day, and over three times "
            "the mean of the seven days before. Many fewer: less than a third of that mean, if it is 20 or more."
        ),
    )  # fmt: skip
    users = forms.MultipleChoiceField(
        label=gettext_lazy("Who is notified"), required=False, widget=forms.CheckboxSelectMultiple
    )
    teams = forms.MultipleChoiceField(
        label=gettext_lazy("Teams to notify"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Their main members are told."),
    )
    enroll_merged = forms.BooleanField(
        label=gettext_lazy("Enroll merged records"), required=False,
        help_text=gettext_lazy(
            "Records that begin to meet the trigger because another record was merged into them are enrolled. Without "
            "it, a merge enrolls nobody."
        ),
    )  # fmt: skip
    metrics = forms.BooleanField(
        label=gettext_lazy("Track metrics"), required=False,
        help_text=gettext_lazy(
            "How many records come to each step, get through it and fail there, by version. Counted from the "
            "publication that turns it on, not for the time before."
        ),
    )  # fmt: skip

    def __init__(
        self, data: Any, values: dict[str, Any], attachments: list[Attachment], *, mergeable: bool = False
    ) -> None:
        super().__init__(data, initial=initial_of(values), auto_id="param_%s")
        if not mergeable:
            del self.fields["enroll_merged"]
        self.attachments = attachments
        for attachment in attachments:
            self.fields[attachment.slug] = attachment_field(attachment, values.get(attachment.slug))
        zones = sorted(time_zones())
        account = _("The account's: %(zone)s") % {"zone": settings.TIME_ZONE}
        self.offer("timezone", [("", account), *((zone, zone) for zone in zones)])
        named = self.initial["users"]
        if (listed := people.few()) is None:
            self.fields["users"].widget = people.PeopleInput()
            named = [*named, *(data.getlist("users") if hasattr(data, "getlist") else ())]
        known = {user.get_username(): str(user) for user in listed or ()}
        known |= people.labels([name for name in dict.fromkeys(named) if name and name not in known])
        self.offer("users", list(known.items()))
        groups = dict(teams.choices())
        groups |= {
            slug: _("%(value)s (gone)") % {"value": slug} for slug in self.initial["teams"] if slug not in groups
        }
        self.offer("teams", list(groups.items()))

    @property
    def merging(self) -> forms.BoundField | None:
        """Whether whom merges change is enrolled; None where records cannot be merged."""
        return self["enroll_merged"] if "enroll_merged" in self.fields else None

    @property
    def attached_to(self) -> list[forms.BoundField]:
        """The fields of what this workflow may be attached to."""
        return [self[attachment.slug] for attachment in self.attachments]

    def offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def document(self) -> dict[str, Any]:
        """The settings that were sent, blank ones left out; what is not valid is kept for its problem to be told."""
        self.is_valid()
        sent = {name: self.cleaned_data.get(name, self.data.get(name)) for name in self.fields}
        found = {name: sent[name] for name in PLAIN if sent.get(name)}
        if sent["limit_count"]:
            found["limit"] = {"count": number_of(sent["limit_count"]), "per": sent["limit_per"] or "hour"}
        found |= {one.slug: sent[one.slug] for one in self.attachments if sent[one.slug]}
        notify = {key: list(sent[key] or ()) for key in ("users", "teams", "about") if sent.get(key)}
        return found | ({"notify": notify} if notify else {})


def attachment_field(attachment: Attachment, value: Any) -> forms.ChoiceField:
    """The choice of one attachment; what is gone meanwhile stays in it, for its problem to be told."""
    choices, chosen = attachment.choices(), str(value or "")
    if chosen and chosen not in dict(choices):
        choices.append((chosen, _("%(value)s (gone)") % {"value": chosen}))
    return forms.ChoiceField(
        label=str(attachment.label),
        required=False,
        choices=[("", "—"), *choices],
        help_text=str(attachment.help_text),
        initial=chosen,
    )


def initial_of(values: dict[str, Any]) -> dict[str, Any]:
    limit, notify = of_kind(values.get("limit"), dict, {}), of_kind(values.get("notify"), dict, {})
    return {
        "timezone": values.get("timezone") or "",
        "turn_off_at": values.get("turn_off_at") or "",
        "limit_count": limit.get("count", ""),
        "limit_per": limit.get("per", "hour"),
        "version_policy": values.get("version_policy") or FOLLOW,
        "about": of_kind(notify.get("about"), list, []),
        "users": of_kind(notify.get("users"), list, []),
        "teams": of_kind(notify.get("teams"), list, []),
        "metrics": bool(values.get("metrics")),
        "enroll_merged": bool(values.get("enroll_merged")),
    }


def of_kind(value: Any, kind: type, otherwise: Any) -> Any:
    return value if isinstance(value, kind) else otherwise


def number_of(text: Any) -> Any:
    """The whole number a text is, or the text, for its problem to be told."""
    text = str(text)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text


class SettingsPanel:
    """The forms of the panel, filled from the draft or from what was sent; `row` is the button that was pressed."""

    def __init__(self, definition: Definition, data: Any = None) -> None:
        self.values = definition.settings
        self.scheduled = definition.trigger.kind == "schedule"
        self.data = data
        self.form = SettingsForm(
            data, self.values, offered(definition.object), mergeable=object_types[definition.object].mergeable
        )
        self.windows = self.rows("window", WindowForm, self.values.get("windows"))
        self.pauses = self.rows("pause", PauseForm, self.values.get("pause_dates"))

    def rows(self, name: str, form: Any, entries: Any) -> list[Any]:
        if self.data is not None:
            count = number_of(self.data.get(f"{name}-count", ""))
            indexes = range(min(count, ROWS_LIMIT) if isinstance(count, int) else 0)
            removed = self.data.get("row", "")
            return [
                form(self.data, prefix=f"{name}-{index}", auto_id="param_%s")
                for index in indexes
                if removed != f"{name}-remove-{index}"
            ]
        # What the API has sent in a shape no row can show stays away until it is put right there.
        shown = [entry for entry in of_kind(entries, list, []) if isinstance(entry, dict) or name == "pause"]
        return [
            form(prefix=f"{name}-{index}", initial=form.initial_of(entry), auto_id="param_%s")
            for index, entry in enumerate(shown)
        ]

    def op(self) -> dict[str, Any]:
        """The operation that stores what was sent. Settings this panel does not know stay as they are."""
        known = KEYS | {one.slug for one in self.form.attachments}
        kept = {key: value for key, value in self.values.items() if key not in known}
        windows = [row.document() for row in self.windows]
        pauses = [row.document() for row in self.pauses]
        if self.data.get("row") == "window-add":
            windows.append(NEW_WINDOW)
        if self.data.get("row") == "pause-add":
            pauses.append("")
        rows = {key: found for key, found in (("windows", windows), ("pause_dates", pauses)) if found}
        return {"op": "set_settings", "values": {"settings": {**kept, **self.form.document(), **rows}}}
