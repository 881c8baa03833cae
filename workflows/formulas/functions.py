"""The functions of formulas: what each takes, what it gives, and what it does."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from workflows.formulas.kinds import BOOLEAN, DATE, DATETIME, KINDS, NUMBER, TEXT, Value
from workflows.formulas.nodes import FormulaError

#: Characters of one text, and of all texts that the functions of one formula look at for one record.
TEXT_LIMIT, WORK_LIMIT = 65_000, 2_000_000
SAME, UNIT = "same", "unit"
UNITS = ("years", "months", "weeks", "days", "hours", "minutes")
SHORT = {"text": TEXT, "number": NUMBER, "date": DATE, "datetime": DATETIME, "yesno": BOOLEAN}


@dataclass
class Run:
    """One formula for one record: the instant and the zone it is computed for, and how much it has looked at."""

    now: dt.datetime
    zone: zoneinfo.ZoneInfo
    looked_at: int = 0

    def look(self, function: str, values: Sequence[Value]) -> None:
        """Count the texts a function is given. Raises FormulaError for a formula that looks at too much."""
        self.looked_at += sum(len(value) for value in values if isinstance(value, str))
        if self.looked_at > WORK_LIMIT:
            message = _("%(function)s(…) was not computed: the formula goes through too much text. Shorten the texts.")
            raise FormulaError(message % {"function": function})


@dataclass(frozen=True)
class Takes:
    """What a function accepts in one place: kinds, or one of a few words."""

    kinds: tuple[str, ...]
    same: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """One function.

    `gives` is a kind, or "same" for that of the values that must be alike. A blank given to it makes the result
    blank, unless it `knows_blanks`. With `lazy` it gets its values as functions, and calls those it needs.
    """

    name: str
    takes: tuple[Takes, ...]
    gives: str
    compute: Callable[..., Value]
    help: str | Promise
    example: str
    required: int
    repeats: bool = False
    knows_blanks: bool = False
    lazy: bool = False
    signature: str = field(default="", compare=False)

    def taken_at(self, place: int) -> Takes | None:
        """What it accepts as its value number `place`; None where it takes no more."""
        if place < len(self.takes):
            return self.takes[place]
        return self.takes[-1] if self.repeats and self.takes else None


FUNCTIONS: dict[str, Function] = {}


def takes_of(word: str) -> Takes:
    if word == SAME:
        return Takes(tuple(KINDS), same=True)
    if word == UNIT:
        return Takes((TEXT,), words=UNITS)
    if word == "any":
        return Takes(tuple(KINDS))
    if word.startswith(f"{SAME}:"):
        return Takes(tuple(SHORT[one] for one in word.partition(":")[2].split("|")), same=True)
    return Takes(tuple(SHORT[one] for one in word.split("|")))


def function(
    name: str, signature: str, gives: str, help: Any, example: str, **options: bool
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Register a function. Its `signature` names what it takes: "text, number?" or "any, any*".

    "?" may be left out, "*" may come again and again, "same" must be of one kind with the others so marked.
    """
    words = [word.strip() for word in signature.split(",") if word.strip()]
    repeats = bool(words) and words[-1].endswith("*")
    required = sum(not word.endswith(("?", "*")) for word in words)
    takes = tuple(takes_of(word.rstrip("?*")) for word in words)

    def registered(compute: Callable[..., Value]) -> Callable[..., Value]:
        assert name not in FUNCTIONS, f"two functions are called {name}"
        FUNCTIONS[name] = Function(
            name, takes, SHORT.get(gives, gives), compute, help, example, required, repeats, signature=signature,
            **options,
        )  # fmt: skip
        return compute

    return registered


def checked_text(name: str, value: Value) -> Value:
    """A result that is not too long. Raises FormulaError otherwise."""
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        raise too_long(name)
    return value


def too_long(name: str) -> FormulaError:
    message = _("%(function)s(…) makes a text of more than %(limit)d characters. Shorten its texts, with left(…).")
    return FormulaError(message % {"function": name, "limit": TEXT_LIMIT})
