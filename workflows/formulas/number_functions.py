"""Functions of numbers, and comparisons."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from records.property_types.numbers import LARGEST
from workflows.formulas.functions import Run, function
from workflows.formulas.kinds import NUMBER, Value, written
from workflows.formulas.nodes import FormulaError

#: Decimals a number can be rounded to.
DIGITS = 6
READER = Property("number", "", NUMBER)


def within(name: str, number: Decimal) -> Decimal:
    """A result that is not too large. Raises FormulaError otherwise."""
    if abs(number) >= LARGEST:
        message = _("%(function)s(…) gives a number of more than 18 digits. Divide its numbers, by 1000 say.")
        raise FormulaError(message % {"function": name})
    return number


@function(
    "number", "number|text", "number", gettext_lazy("The number a text is, as “1,234.5”."),
    'number("1,234.5")',
)  # fmt: skip
def number(run: Run, value: Any) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    if not value.strip():
        return None
    try:
        return Decimal(READER.clean(value) or 0)
    except (ValueError, TypeError) as error:
        message = _("number(…) cannot read “%(value)s”. Cut what is no digit first, with cut(…).")
        raise FormulaError(message % {"value": written(value)[:60]}) from error


@function("add", "number, number, number*", "number", gettext_lazy("The sum; also as “+”."), "1 + 2")
def add(run: Run, *numbers: Decimal) -> Decimal:
    return within("add", sum(numbers, Decimal(0)))


@function("subtract", "number, number", "number", gettext_lazy("The difference; also as “-”."), "5 - 3")
def subtract(run: Run, number: Decimal, other: Decimal) -> Decimal:
    return within("subtract", number - other)


@function("multiply", "number, number, number*", "number", gettext_lazy("The product; also as “*”."), "2 * 3")
def multiply(run: Run, *numbers: Decimal) -> Decimal:
    found = Decimal(1)
    for one in numbers:
        found = within("multiply", found * one)
    return found


@function("divide", "number, number", "number", gettext_lazy("The quotient; also as “/”."), "7 / 2")
def divide(run: Run, number: Decimal, other: Decimal) -> Decimal:
    return within("divide", number / by("divide", other))


@function("remainder", "number, number", "number", gettext_lazy("What a division leaves over."), "remainder(7, 3)")
def remainder(run: Run, number: Decimal, other: Decimal) -> Decimal:
    """Never negative for a positive divisor, as on a clock."""
    divisor = by("remainder", other)
    return within("remainder", number - divisor * (number / divisor).to_integral_value(ROUND_FLOOR))


def by(name: str, divisor: Decimal) -> Decimal:
    if not divisor:
        message = _("%(function)s(…) cannot divide by 0. Ask before, with if(… = 0, …, …).")
        raise FormulaError(message % {"function": name})
    return divisor


@function("negate", "number", "number", gettext_lazy("The number below 0 instead of above; also as “-”."), "-(2)")
def negate(run: Run, number: Decimal) -> Decimal:
    return -number


@function("abs", "number", "number", gettext_lazy("Without its sign."), "abs(-2)")
def absolute(run: Run, number: Decimal) -> Decimal:
    return abs(number)


@function(
    "round", "number, number?", "number",
    gettext_lazy("Rounded to so many decimals, 0 if left out; halves go away from 0."), "round(2.345, 2)",
)  # fmt: skip
def round_half_up(run: Run, number: Decimal, digits: Decimal = Decimal(0)) -> Decimal:
    return rounded("round", number, digits, ROUND_HALF_UP)


@function("round_up", "number, number?", "number", gettext_lazy("Rounded up to so many decimals."), "round_up(2.1)")
def round_up(run: Run, number: Decimal, digits: Decimal = Decimal(0)) -> Decimal:
    return rounded("round_up", number, digits, ROUND_CEILING)


@function(
    "round_down", "number, number?", "number", gettext_lazy("Rounded down to so many decimals."), "round_down(2.9)"
)
def round_down(run: Run, number: Decimal, digits: Decimal = Decimal(0)) -> Decimal:
    return rounded("round_down", number, digits, ROUND_FLOOR)


def rounded(name: str, number: Decimal, digits: Decimal, rounding: str) -> Decimal:
    return within(name, number.quantize(Decimal(1).scaleb(-decimals(name, digits)), rounding=rounding))


def decimals(name: str, digits: Decimal) -> int:
    if digits != digits.to_integral_value() or not 0 <= digits <= DIGITS:
        message = _("%(function)s(…) takes 0 to %(limit)d decimals, not %(value)s.")
        raise FormulaError(message % {"function": name, "limit": DIGITS, "value": written(digits)})
    return int(digits)


@function(
    "format_number", "number, number?", "text", gettext_lazy("As people read it, with so many decimals."),
    "format_number(1234.5, 2)",
)  # fmt: skip
def format_number(run: Run, number: Decimal, digits: Decimal = Decimal(0)) -> str:
    places = decimals("format_number", digits)
    exact = rounded("format_number", number, digits, ROUND_HALF_UP)
    return number_format(exact, decimal_pos=places, use_l10n=True, force_grouping=True)


@function(
    "min", "same:number|date|datetime, same:number|date|datetime*", "same",
    gettext_lazy("The smallest number or the earliest date; blank ones do not count."), "min(3, 1, 2)",
    knows_blanks=True,
)  # fmt: skip
def smallest(run: Run, *values: Any) -> Value:
    return min((value for value in values if value is not None), default=None)


@function(
    "max", "same:number|date|datetime, same:number|date|datetime*", "same",
    gettext_lazy("The largest number or the latest date; blank ones do not count."), "max(3, 1, 2)",
    knows_blanks=True,
)  # fmt: skip
def largest(run: Run, *values: Any) -> Value:
    return max((value for value in values if value is not None), default=None)


def comparison(name: str, sign: str, help: Any, compare: Callable[[Any, Any], bool]) -> None:
    """One of < <= > >=: what is blank is neither more nor less than anything."""

    def compute(run: Run, value: Any, other: Any) -> bool:
        return value is not None and other is not None and compare(value, other)

    takes = "same:number|date|datetime|text, same:number|date|datetime|text"
    function(name, takes, "yesno", help, f"1 {sign} 2", knows_blanks=True)(compute)


comparison("less", "<", gettext_lazy("Whether it is less, or earlier; as “<”."), lambda a, b: bool(a < b))
comparison("at_most", "<=", gettext_lazy("Whether it is not more, or later; as “<=”."), lambda a, b: bool(a <= b))
comparison("greater", ">", gettext_lazy("Whether it is more, or later; as “>”."), lambda a, b: bool(a > b))
comparison("at_least", ">=", gettext_lazy("Whether it is not less, or earlier; as “>=”."), lambda a, b: bool(a >= b))
