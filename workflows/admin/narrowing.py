"""Lists of what happened, narrowed by the address: values from the query string, and the filters' chips."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.definitions.definition import Definition
from workflows.registries import actions

PERIODS = {
    "hour": (gettext_lazy("Last hour"), dt.timedelta(hours=1)),
    "day": (gettext_lazy("Last 24 hours"), dt.timedelta(days=1)),
    "week": (gettext_lazy("Last 7 days"), dt.timedelta(days=7)),
    "month": (gettext_lazy("Last 30 days"), dt.timedelta(days=30)),
}


@dataclass(frozen=True)
class Choice:
    """One value of a filter; `query_string` is the page's with it chosen."""

    display: str
    query_string: str
    selected: bool


class Narrowing:
    """What the address asks for. `user` is who looks, `now` the database's time."""

    #: The names of all that narrows the list besides the workflow.
    names: ClassVar[tuple[str, ...]] = ()
    #: Where the page begins: a value that changes takes those behind it away, any other value all of them.
    places: ClassVar[tuple[str, ...]] = ("before",)

    def __init__(self, query: QueryDict, now: dt.datetime, user: Any = None) -> None:
        self.query, self.now, self.user = query, now, user

    def chosen(self, name: str) -> str:
        return self.query.get(name, "").strip()

    def number(self, name: str) -> int | None:
        value = self.chosen(name)
        return int(value) if value.isdecimal() and len(value) < 19 else None

    def begin(self, name: str) -> dt.datetime | None:
        """When the chosen period began; None where none is chosen. One that is none has only just begun."""
        chosen = self.chosen(name)
        return self.now - PERIODS[chosen][1] if chosen in PERIODS else self.now if chosen else None

    def with_value(self, name: str, value: str) -> str:
        """The query string of the first page with one value changed; "" takes it away."""
        gone = {name, *(self.places[self.places.index(name) :] if name in self.places else self.places)}
        kept = {key: val for key, val in self.query.items() if key not in gone and val}
        return "?" + urlencode(kept | ({name: value} if value else {}))

    @property
    def newest(self) -> str:
        """The query string of the first page; "" there."""
        return self.with_value(self.places[0], "") if any(map(self.chosen, self.places)) else ""

    @property
    def narrowed(self) -> bool:
        return any(self.chosen(name) for name in self.names)

    def filter(self, name: str, title: str, values: list[tuple[str, Any]]) -> dict[str, Any]:
        """One filter as the template of the admin's own filters wants it."""
        current = self.chosen(name)
        every = Choice(_("All"), self.with_value(name, ""), not current)
        choices = [Choice(str(label), self.with_value(name, str(key)), current == str(key)) for key, label in values]
        return {"title": title, "choices": [every, *choices]}

    def some(self, name: str, title: str, values: list[tuple[str, Any]], most: int, others: Choice) -> dict[str, Any]:
        """A filter with the first of many values; behind them stands where the others are found."""
        found = self.filter(name, title, values[:most])
        return found | {"choices": [*found["choices"], *([others] if len(values) > most else [])]}

    def periods(self, name: str, title: str) -> dict[str, Any]:
        return self.filter(name, title, [(key, label) for key, (label, _span) in PERIODS.items()])

    def steps(self, definition: Definition | None, name: str = "step") -> list[tuple[str, str]]:
        """The steps of a definition, and one that is gone if it was asked for."""
        found = {step.id: step_label(definition, step.id) for step in definition.walk()} if definition else {}
        asked = self.chosen(name)
        return list((found | ({asked: asked} if asked and asked not in found else {})).items())


def step_label(definition: Definition | None, step_id: str) -> str:
    """ "3. Send email"; the id of a step that is not in the definition."""
    step = definition.by_id.get(step_id) if definition else None
    if definition is None or step is None:
        return step_id
    return _("%(number)d. %(action)s") % {
        "number": definition.number_of(step_id),
        "action": actions[step.action].label,
    }
