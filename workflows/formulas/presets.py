"""The formats that need no formula: each is a function of one value and a few settings (DOP-13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from workflows.formulas.kinds import DATE, DATETIME, KINDS, NUMBER, TEXT
from workflows.formulas.nodes import Call, Literal, Node

FORMULA = "formula"
TEXTS, NUMBERS, DATES = gettext_lazy("Texts"), gettext_lazy("Numbers"), gettext_lazy("Dates")
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Preset:
    """One format: the kinds of values it takes, the settings it needs besides, and the formula it stands for."""

    label: str | Promise
    group: str | Promise
    kinds: tuple[str, ...]
    needs: tuple[str, ...]
    formula: Callable[[Node, Settings], Node]


def plain(function: str) -> Callable[[Node, Settings], Node]:
    return lambda value, settings: Call(function, (value,))


def with_settings(function: str, *names: str) -> Callable[[Node, Settings], Node]:
    """The function of the value and of settings, in their order."""
    return lambda value, settings: Call(function, (value, *(Literal(settings[name]) for name in names)))


def computed(function: str) -> Callable[[Node, Settings], Node]:
    """The function of the value and of a number, which is given or another value."""
    return lambda value, settings: Call(function, (value, settings.get("other") or Literal(settings["amount"])))


def together(value: Node, settings: Settings) -> Node:
    return Call("join", (Literal(settings["between"]), value, settings["other"]))


PRESETS: dict[str, Preset] = {
    "title": Preset(gettext_lazy("Every Word With A Capital"), TEXTS, (TEXT,), (), plain("title")),
    "capitalize": Preset(gettext_lazy("First letter as a capital"), TEXTS, (TEXT,), (), plain("capitalize")),
    "upper": Preset(gettext_lazy("ALL CAPITALS"), TEXTS, (TEXT,), (), plain("upper")),
    "lower": Preset(gettext_lazy("all small letters"), TEXTS, (TEXT,), (), plain("lower")),
    "trim": Preset(gettext_lazy("Without spaces at both ends"), TEXTS, (TEXT,), (), plain("trim")),
    "replace": Preset(
        gettext_lazy("Replace a part"), TEXTS, (TEXT,), ("find", "replacement"),
        with_settings("replace", "find", "replacement"),
    ),
    "cut": Preset(gettext_lazy("Cut a part out"), TEXTS, (TEXT,), ("find",), with_settings("cut", "find")),
    "concat": Preset(gettext_lazy("Put two values together"), TEXTS, tuple(KINDS), ("other", "between"), together),
    "round": Preset(gettext_lazy("Round"), NUMBERS, (NUMBER,), ("digits",), with_settings("round", "digits")),
    "format_number": Preset(
        gettext_lazy("Write as people read it"), NUMBERS, (NUMBER,), ("digits",),
        with_settings("format_number", "digits"),
    ),
    "add": Preset(gettext_lazy("Add"), NUMBERS, (NUMBER,), ("amount", "other"), computed("add")),
    "subtract": Preset(gettext_lazy("Subtract"), NUMBERS, (NUMBER,), ("amount", "other"), computed("subtract")),
    "multiply": Preset(gettext_lazy("Multiply"), NUMBERS, (NUMBER,), ("amount", "other"), computed("multiply")),
    "divide": Preset(gettext_lazy("Divide"), NUMBERS, (NUMBER,), ("amount", "other"), computed("divide")),
    "add_time": Preset(
        gettext_lazy("Add time"), DATES, (DATE, DATETIME), ("amount", "unit"),
        with_settings("add_time", "amount", "unit"),
    ),
    "subtract_time": Preset(
        gettext_lazy("Subtract time"), DATES, (DATE, DATETIME), ("amount", "unit"),
        with_settings("subtract_time", "amount", "unit"),
    ),
    "format_date": Preset(
        gettext_lazy("Write a date"), DATES, (DATE, DATETIME), ("pattern",), with_settings("format_date", "pattern")
    ),
}  # fmt: skip
