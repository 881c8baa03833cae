"""One refinement of what has happened: by time before occurrences are filtered, by count after (FLT-43 to FLT-45)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.criteria.crossing import Range, ranges, refuse_changed_clocks
from records.criteria.operands import DAYS_LIMIT
from records.criteria.operators import PropertyFilter, operators
from records.criteria.points import read_point
from records.criteria.scope import Scope, joined_path
from records.criteria.tree import Context
from records.properties import Property

COUNT_LIMIT = 1_000_000
MOMENT = Property("occurred_at", gettext_lazy("Occurred"), "datetime", read_only=True, calculated=F("occurred_at"))
#: The refinements and what each is made of; those by a point in time are themselves one.
KEYS: dict[str, tuple[str, ...]] = {
    "within": ("days",), "before": (), "after": (), "between": ("from", "to"), "count": ("at_least", "at_most"),
}  # fmt: skip
SENTENCES: dict[str, str | Promise] = {
    "before": gettext_lazy("%(it)s before %(value)s"),
    "after": gettext_lazy("%(it)s after %(value)s"),
    "between": gettext_lazy("%(it)s from %(from)s to %(to)s"),
}


@dataclass(frozen=True)
class Refinement:
    """Occurrences of the last `days` only, or those of which the time passes `moment`, or so many of them.

    `moment` is a filter on when something occurred: days begin and end in the time zone of the criteria, and points
    may move with the clock.
    """

    name: str = ""
    days: int | None = None
    moment: PropertyFilter | None = None
    at_least: int = 1
    at_most: int | None = None

    @property
    def time_sensitive(self) -> bool:
        return self.days is not None or (self.moment is not None and self.moment.time_sensitive)

    def since(self, context: Context) -> dt.datetime:
        """From when on occurrences of the last days count."""
        return context.now - dt.timedelta(days=self.days or 0)

    def q(self, context: Context) -> Q:
        """The condition on the time of an occurrence."""
        if self.days is not None:
            return Q(occurred_at__gte=self.since(context))
        return Q() if self.moment is None else self.moment.q(context)

    def crossed(self, before: Context, after: Context) -> list[Range]:
        """Between which times occurrences lie whose answer time may have changed. Raises ClocksChanged."""
        if self.days is not None:
            return [(self.since(before), self.since(after))]
        if self.moment is None:
            return []
        refuse_changed_clocks(before, after)
        edges = self.moment.operator.edges
        return ranges(edges(self.moment, before), edges(self.moment, after), after.zone, days=False)

    def text(self, sentence: str) -> str:
        """The sentence of the filter with what the refinement adds to it."""
        if self.days is not None:
            more = ngettext("%(it)s in the last %(n)d day", "%(it)s in the last %(n)d days", self.days)
            return more % {"it": sentence, "n": self.days}
        if self.moment is not None:
            points = {name: value.display() for name, value in self.moment.values.items() if hasattr(value, "display")}
            return str(SENTENCES[self.name]) % {"it": sentence, **points}
        words = {"it": sentence, "low": self.at_least, "high": self.at_most}
        if self.at_most is not None and not self.at_least:
            return _("%(it)s at most %(high)d times") % words
        if self.at_most is not None:
            return _("%(it)s between %(low)d and %(high)d times") % words
        return _("%(it)s at least %(low)d times") % words if self.at_least > 1 else sentence


def read(refine: Any, scope: Scope, path: str) -> Refinement | None:
    """The refinement of a filter on an event; None after a fault."""
    if refine in (None, {}):
        return Refinement()
    if not isinstance(refine, dict) or len(refine) != 1 or not set(refine) <= set(KEYS):
        message = _("A filter takes one refinement, not %(value)r: one of %(known)s. Use a second filter for more.")
        scope.fault(path, message % {"value": refine, "known": ", ".join(KEYS)}, refine, code="one_refinement")
        return None
    ((name, facts),) = refine.items()
    place, known = joined_path(path, name), KEYS[name]
    if known and (not isinstance(facts, dict) or not facts or not set(facts) <= set(known)):
        message = _("“%(name)s” is a JSON object with %(known)s, not %(value)r.")
        values = {"name": name, "known": ", ".join(known), "value": facts}
        scope.fault(place, message % values, facts)
        return None
    if name == "within":
        sound = whole(facts, "days", 1, DAYS_LIMIT, scope, place)
        return Refinement(name, days=facts["days"]) if sound else None
    return read_count(facts, scope, place) if name == "count" else read_moment(name, facts, scope, place)


def read_count(facts: dict[str, Any], scope: Scope, place: str) -> Refinement | None:
    wrong = [key for key in facts if not whole(facts, key, 0, COUNT_LIMIT, scope, place)]
    if wrong:
        return None
    high = facts.get("at_most")
    low = facts.get("at_least", 0 if high == 0 else 1)
    if high is None and not low:
        message = _("At least 0 is true of every record. Send 1 or more, or “at_most” with it.")
        scope.fault(joined_path(place, "at_least"), message, low)
        return None
    if high is not None and high < low:
        message = _("At most %(high)d is less than at least %(low)d. Swap the two.")
        scope.fault(joined_path(place, "at_most"), message % {"high": high, "low": low}, high)
        return None
    return Refinement("count", at_least=low, at_most=high)


def read_moment(name: str, facts: Any, scope: Scope, place: str) -> Refinement | None:
    """Before or after a point, or between two of them, both included."""
    operator = operators[f"date:is_{name}"]
    values: dict[str, Any] = {operand.name: operand.default for operand in operator.operands}
    parts = facts if name == "between" else {"value": facts}
    places = {key: joined_path(place, key) if name == "between" else place for key in KEYS[name] or ("value",)}
    sound = True
    for key, where in places.items():
        try:
            values[key] = read_point(parts.get(key))
        except ValueError as error:
            scope.fault(where, str(error), parts.get(key))
            sound = False
    faults = operator.faults(values) if sound else {}
    for key, sentence in faults.items():
        scope.fault(places[key], sentence, parts[key])
    if faults or not sound:
        return None
    moment = PropertyFilter(place, scope.object_type, MOMENT, operator, values, False, scope.hops)
    return Refinement(name, moment=moment)


def whole(facts: dict[str, Any], key: str, low: int, high: int, scope: Scope, place: str) -> bool:
    """Whether it is a whole number within bounds; a fault where not."""
    value = facts.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return True
    message = _("%(value)r is not a whole number between %(low)d and %(high)d. Send one.")
    scope.fault(joined_path(place, key), message % {"value": value, "low": low, "high": high}, value)
    return False
