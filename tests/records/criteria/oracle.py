"""A deliberately naive evaluator of criteria on plain dictionaries, written from the specification alone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

NEGATIVES = {
    "is_not_equal_to_any_of": "is_equal_to_any_of", "does_not_contain_any_of": "contains_any_of",
    "does_not_contain_exactly": "contains_exactly", "is_not_equal_to": "is_equal_to", "is_not_between": "is_between",
    "is_none_of": "is_any_of", "is_not_exactly": "is_exactly", "does_not_contain_all": "contains_all",
    "is_not_equal_to_property": "is_equal_to_property",
}  # fmt: skip


class Oracle:
    def __init__(self, now: dt.datetime, zone: str) -> None:
        self.now, self.zone = now, ZoneInfo(zone)
        self.today = now.astimezone(self.zone).date()

    def group(self, document: dict[str, Any], record: dict[str, Any]) -> bool:
        if "property" in document:
            return self.leaf(document, record)
        [(join, parts)] = document.items()
        answers = [self.group(part, record) for part in parts]
        return {"all": all(answers), "any": any(answers), "none": not any(answers), "not_all": not all(answers)}[join]

    def leaf(self, leaf: dict[str, Any], record: dict[str, Any]) -> bool:
        value, name = record.get(leaf["property"]), leaf["operator"]
        blank = value is None
        if name in ("is_known", "is_unknown"):
            return blank == (name == "is_unknown")
        if blank:
            return leaf.get("include_blank", False)
        positive = NEGATIVES.get(name)
        met = self.met(positive or name, value, leaf, record)
        return not met if positive else met

    def met(self, name: str, value: Any, leaf: dict[str, Any], record: dict[str, Any]) -> bool:
        if name.endswith("_property"):
            return self.with_property(name, value, record.get(leaf["other"]), leaf)
        if isinstance(value, dt.date):
            return self.date(name, value, leaf)
        if isinstance(value, list):
            wanted = set(leaf["value"])
            return {
                "is_any_of": bool(wanted & set(value)), "is_exactly": wanted == set(value),
                "contains_all": wanted <= set(value),
            }[name]  # fmt: skip
        if isinstance(value, bool):
            return value == (name == "is_true")
        if isinstance(value, Decimal):
            return self.number(name, value, leaf)
        return self.text(name, value, leaf["value"])

    def text(self, name: str, value: str, wanted: Any) -> bool:
        low = value.lower()
        if name == "is_any_of":
            return value in wanted
        if name == "contains_exactly":
            return any(
                low.startswith(wanted.lower(), i)
                and not self.inside_word(low, i - 1)
                and not self.inside_word(low, i + len(wanted))
                for i in range(len(low))
            )
        check = {
            "is_equal_to_any_of": low.__eq__, "contains_any_of": low.__contains__,
            "starts_with_any_of": low.startswith, "ends_with_any_of": low.endswith,
        }[name]  # fmt: skip
        return any(check(one.strip().lower() if "equal" in name else one.lower()) for one in wanted)

    def inside_word(self, text: str, i: int) -> bool:
        return 0 <= i < len(text) and (text[i].isalnum() or text[i] == "_")

    def number(self, name: str, value: Decimal, leaf: dict[str, Any]) -> bool:
        if name == "is_between":
            return Decimal(str(leaf["from"])) <= value <= Decimal(str(leaf["to"]))
        wanted = Decimal(str(leaf["value"]))
        return {
            "is_equal_to": value == wanted, "is_greater_than": value > wanted, "is_less_than": value < wanted,
            "is_greater_than_or_equal_to": value >= wanted, "is_less_than_or_equal_to": value <= wanted,
        }[name]  # fmt: skip

    def with_property(self, name: str, value: Any, other: Any, leaf: dict[str, Any]) -> bool:
        if other is None and "default" in leaf:
            other = dt.date.fromisoformat(leaf["default"])
            other = other if not isinstance(value, dt.datetime) else self.midnight(other)
        if other is None:
            return False
        if isinstance(value, str):
            return value.lower() == other.lower()
        if isinstance(value, dt.datetime) != isinstance(other, dt.datetime):
            value, other = self.day(value), self.day(other)
        if name in ("is_greater_than_property", "is_after_property"):
            return value > other
        return value < other if name in ("is_less_than_property", "is_before_property") else value == other

    def midnight(self, day: dt.date) -> dt.datetime:
        """The first minute whose local date is that day, found by looking at every minute around it."""
        start = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) - dt.timedelta(hours=15)
        minutes = (start + dt.timedelta(minutes=i) for i in range(30 * 60))
        return next(minute for minute in minutes if self.day(minute) == day)

    def day(self, value: dt.date) -> dt.date:
        return value.astimezone(self.zone).date() if isinstance(value, dt.datetime) else value

    def point(self, raw: Any) -> dt.date:
        if isinstance(raw, str):
            return dt.date.fromisoformat(raw)
        first = {
            "today": self.today, "month": self.today.replace(day=1), "year": self.today.replace(month=1, day=1),
            "week": next(d for i in range(7) if (d := self.today - dt.timedelta(days=i)).weekday() == 0),
        }[raw["relative_to"]]  # fmt: skip
        if raw["unit"] in ("days", "weeks"):
            return first + dt.timedelta(days=raw["offset"] * (7 if raw["unit"] == "weeks" else 1))
        for _step in range(abs(raw["offset"])):
            month = first.month + (1 if raw["offset"] > 0 else -1)
            first = first.replace(year=first.year + (month - 1) // 12, month=(month - 1) % 12 + 1)
        return first

    def date(self, name: str, value: dt.date, leaf: dict[str, Any]) -> bool:
        day = self.day(value)
        if name == "is_between":
            low, high = self.point(leaf["from"]), self.point(leaf["to"])
            after = day >= low if leaf.get("include_from", True) else day > low
            return after and (day <= high if leaf.get("include_to", True) else day < high)
        if name in ("is_equal_to", "is_before", "is_after"):
            point = self.point(leaf["value"])
            return {"is_equal_to": day == point, "is_before": day < point, "is_after": day > point}[name]
        if name == "is_in_calendar_period":
            return self.in_period(day, leaf["value"])
        past = value <= self.now if isinstance(value, dt.datetime) else day <= self.today
        future = value >= self.now if isinstance(value, dt.datetime) else day >= self.today
        span = dt.timedelta(days=leaf["value"])
        return {
            "is_less_than_days_ago": past and day >= self.today - span,
            "is_more_than_days_ago": day < self.today - span,
            "is_less_than_days_from_now": future and day <= self.today + span,
            "is_more_than_days_from_now": day > self.today + span,
        }[name]

    def in_period(self, day: dt.date, period: str) -> bool:
        one = dt.timedelta(days=1)
        if period in ("today", "yesterday", "tomorrow"):
            return day == self.today + {"today": 0, "yesterday": -1, "tomorrow": 1}[period] * one
        which, _underscore, length = period.partition("_")
        step = {"last": -1, "this": 0, "next": 1}[which]

        def number(one_day: dt.date) -> int:
            if length == "week":
                return (one_day - dt.date(2001, 1, 1)).days // 7
            size = {"month": 1, "quarter": 3, "year": 12}[length]
            return (one_day.year * 12 + one_day.month - 1) // size

        return number(day) == number(self.today) + step
