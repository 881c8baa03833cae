"""Functions that choose: conditions, truths and blanks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy

from workflows.formulas.functions import Run, function
from workflows.formulas.kinds import Value

Later = Callable[[], Any]


@function(
    "if", "yesno, same, same?", "same",
    gettext_lazy("The first value where the condition holds, else the second, or blank; a blank does not hold."),
    'if(1 < 2, "yes", "no")', lazy=True,
)  # fmt: skip
def choose(run: Run, condition: Later, then: Later, otherwise: Later | None = None) -> Value:
    if condition():
        return then()
    return otherwise() if otherwise is not None else None


@function(
    "if_blank", "same, same", "same", gettext_lazy("The first value, or the second where it is blank."),
    'if_blank(blank, "there")', lazy=True,
)  # fmt: skip
def if_blank(run: Run, value: Later, otherwise: Later) -> Value:
    found = value()
    return otherwise() if found in (None, "") else found


@function("is_blank", "any", "yesno", gettext_lazy("Whether there is no value."), "is_blank(blank)", knows_blanks=True)
def is_blank(run: Run, value: Value) -> bool:
    return value in (None, "")


@function(
    "equal", "same, same", "yesno", gettext_lazy("Whether two values are the same; as “=”."), '"a" = "a"',
    knows_blanks=True,
)  # fmt: skip
def equal(run: Run, value: Value, other: Value) -> bool:
    return (None if value == "" else value) == (None if other == "" else other)


@function(
    "not_equal", "same, same", "yesno", gettext_lazy("Whether two values differ; as “!=” or “<>”."), '"a" != "b"',
    knows_blanks=True,
)  # fmt: skip
def not_equal(run: Run, value: Value, other: Value) -> bool:
    return not equal(run, value, other)


@function(
    "and", "yesno, yesno*", "yesno", gettext_lazy("Whether all of them hold; a blank does not."),
    "and(true, 1 < 2)", lazy=True,
)  # fmt: skip
def all_of(run: Run, *conditions: Later) -> bool:
    return all(condition() for condition in conditions)


@function(
    "or", "yesno, yesno*", "yesno", gettext_lazy("Whether one of them holds; a blank does not."), "or(false, 1 < 2)",
    lazy=True,
)  # fmt: skip
def any_of(run: Run, *conditions: Later) -> bool:
    return any(condition() for condition in conditions)


@function(
    "not", "yesno", "yesno", gettext_lazy("Whether it does not hold; a blank does not."), "not(1 > 2)",
    knows_blanks=True,
)  # fmt: skip
def negation(run: Run, condition: bool | None) -> bool:
    return not condition
