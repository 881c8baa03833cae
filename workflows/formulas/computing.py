"""Checking formulas before they run, and computing them for a record."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.property_types.numbers import LARGEST

# Importing them makes their functions known.
from workflows.formulas import date_functions, logic_functions, number_functions, text_functions
from workflows.formulas.functions import FUNCTIONS, SAME, Function, Run, Takes, checked_text
from workflows.formulas.kinds import BLANK, DATE, KINDS, REMEDIES, TEXT, Value, named
from workflows.formulas.nodes import Call, FormulaError, Literal, Name, Node

LIBRARIES = (text_functions, number_functions, date_functions, logic_functions)
#: More digits than any two numbers of a record need; only results are rounded.
EXACT = decimal.Context(prec=40, traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow])

#: The kind of a name's values; None when there is no such name.
Kinds = Callable[[str], str | None]


def kind_given(node: Node, kinds: Kinds) -> str:
    """The kind of what a formula gives; text when it is always blank. Raises FormulaError when it does not fit."""
    found = kind_in(node, kinds)
    return TEXT if found == BLANK else found


def kind_in(node: Node, kinds: Kinds) -> str:
    if isinstance(node, Literal):
        return node.kind
    if isinstance(node, Name):
        found = kinds(node.name)
        if found is None:
            message = _("There is no value “%(name)s”. Choose one below the formula, or write texts in quotes.")
            raise FormulaError(message % {"name": node.name})
        return found
    function = function_of(node)
    given = [kind_in(value, kinds) for value in node.values]
    for place, kind in enumerate(given):
        check_value(node, place, kind, function.taken_at(place))
    check_unit(node, given)
    alike = one_kind(node, function, given)
    return alike if function.gives == SAME else function.gives


def function_of(call: Call) -> Function:
    """The function of a call with a fitting number of values."""
    function = FUNCTIONS.get(call.function)
    if function is None:
        message = _("There is no function “%(name)s”. Use one of: %(known)s.")
        raise FormulaError(message % {"name": call.shown[:60], "known": ", ".join(sorted(FUNCTIONS))})
    count = len(call.values)
    if count < function.required:
        message = ngettext(
            "%(function)s(…) takes %(count)d value at least. Write it like %(example)s.",
            "%(function)s(…) takes %(count)d values at least. Write it like %(example)s.",
            function.required,
        )
        raise FormulaError(
            message % {"function": function.name, "count": function.required, "example": function.example}
        )
    if count and function.taken_at(count - 1) is None:
        message = ngettext(
            "%(function)s(…) takes %(count)d value at most. Write it like %(example)s.",
            "%(function)s(…) takes %(count)d values at most. Write it like %(example)s.",
            len(function.takes),
        )
        raise FormulaError(
            message % {"function": function.name, "count": len(function.takes), "example": function.example}
        )
    return function


def check_value(call: Call, place: int, kind: str, takes: Takes | None) -> None:
    """Refuse a value whose kind does not fit, and a word that is none of those to choose from."""
    assert takes is not None, "the number of values was checked"
    facts: dict[str, Any] = {"function": call.shown, "place": place + 1}
    if takes.words:
        value = call.values[place]
        if not isinstance(value, Literal) or value.value not in takes.words:
            message = _("Value %(place)d of “%(function)s” must be one of: %(known)s, in quotes.")
            raise FormulaError(message % (facts | {"known": ", ".join(takes.words)}))
    if kind not in (*takes.kinds, BLANK):
        message = _("Value %(place)d of “%(function)s” must be %(wanted)s, but is %(kind)s. %(remedy)s")
        facts |= {"wanted": named(takes.kinds), "kind": KINDS[kind], "remedy": REMEDIES[takes.kinds[0]]}
        raise FormulaError(message % facts)


def check_unit(call: Call, given: list[str]) -> None:
    """Refuse hours and minutes after a date, which has none."""
    if call.function not in ("add_time", "subtract_time") or given[0] != DATE:
        return
    unit = call.values[-1]
    if isinstance(unit, Literal) and unit.value in date_functions.SECONDS:
        raise date_functions.untimed(call.function, str(unit.value))


def one_kind(call: Call, function: Function, given: list[str]) -> str:
    """The one kind of the values that must be alike; blank when all of them are."""
    found = BLANK
    for place, kind in enumerate(given):
        takes = function.taken_at(place)
        if takes is None or not takes.same or kind == BLANK:
            continue
        if found not in (BLANK, kind):
            message = _("The values of “%(function)s” must be alike, but one is %(one)s and one %(other)s. %(remedy)s")
            facts = {"one": KINDS[found], "other": KINDS[kind], "remedy": REMEDIES[found]}
            raise FormulaError(message % (facts | {"function": call.shown}))
        found = kind
    return found


def compute(node: Node, values: Mapping[str, Value], run: Run) -> Value:
    """What a checked formula gives for the values of a record; None for a blank. Raises FormulaError with a reason."""
    with decimal.localcontext(EXACT):
        found = computed(node, values, run)
        if isinstance(found, Decimal):
            if abs(found) >= LARGEST:
                raise FormulaError(_("The result is a number of more than 18 digits. Divide it, by 1000 say."))
            # What a number property holds, too.
            return number_functions.rounded("round", found, Decimal(number_functions.DIGITS), decimal.ROUND_HALF_UP)
    return None if found == "" else found


def computed(node: Node, values: Mapping[str, Value], run: Run) -> Value:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return values.get(node.name)
    function = FUNCTIONS[node.function]
    if function.lazy:
        return function.compute(run, *(partial(computed, value, values, run) for value in node.values))
    given = [computed(value, values, run) for value in node.values]
    if not function.knows_blanks and None in given:
        return None
    run.look(function.name, given)
    try:
        return checked_text(function.name, function.compute(run, *given))
    except (decimal.InvalidOperation, decimal.Overflow) as error:
        message = _("%(function)s(…) cannot compute with numbers that large. Divide them, by 1000 say.")
        raise FormulaError(message % {"function": function.name}) from error
