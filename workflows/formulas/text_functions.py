"""Functions of texts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.formulas.functions import TEXT_LIMIT, Run, function, too_long
from workflows.formulas.kinds import Value, written
from workflows.formulas.nodes import FormulaError

#: Letters up to the next space or hyphen.
WORD = re.compile(r"[^\s\-–]+")


@function("upper", "text", "text", gettext_lazy("All letters as capitals."), 'upper("ab")')
def upper(run: Run, text: str) -> str:
    return text.upper()


@function("lower", "text", "text", gettext_lazy("All letters small."), 'lower("AB")')
def lower(run: Run, text: str) -> str:
    return text.lower()


@function("capitalize", "text", "text", gettext_lazy("The first letter as a capital."), 'capitalize("new deal")')
def capitalize(run: Run, text: str) -> str:
    return text[:1].upper() + text[1:]


@function(
    "title", "text", "text",
    gettext_lazy("The first letter of every word as a capital; words in capitals only get small letters after it."),
    'title("ANNA-KARIN o’neil")',
)  # fmt: skip
def title(run: Run, text: str) -> str:
    """Names as people write them; a word with capitals of its own (McDonald) keeps them."""
    return WORD.sub(lambda word: titled(word[0]), text)


def titled(word: str) -> str:
    head, mark, tail = word[:1], word[1:2], word[2:]
    if mark in ("'", "’") and len(tail) > 1:  # O'Neil, d'Arc: the name is what comes after it.
        return head.upper() + mark + titled(tail)
    mixed = word != word.upper() and word != word.lower()
    return head.upper() + (word[1:] if mixed else word[1:].lower())


@function("trim", "text", "text", gettext_lazy("Without spaces at both ends."), 'trim("  ab ")')
def trim(run: Run, text: str) -> str:
    return text.strip()


@function("cut", "text, text", "text", gettext_lazy("Without any occurrence of a part."), 'cut("a-b-c", "-")')
def cut(run: Run, text: str, part: str) -> str:
    return text.replace(part, "") if part else text


@function(
    "replace", "text, text, text", "text", gettext_lazy("With every occurrence of a part replaced by another text."),
    'replace("a-b", "-", "+")', knows_blanks=True,
)  # fmt: skip
def replace(run: Run, text: str | None, part: str | None, other: str | None) -> str | None:
    if not text or not part:
        return text
    if len(text) + text.count(part) * len(other or "") > TEXT_LIMIT * 2:
        raise too_long("replace")
    return text.replace(part, other or "")


@function(
    "concat", "any, any*", "text", gettext_lazy("The values one after the other; blank ones are left out."),
    'concat("a", 1, "b")', knows_blanks=True,
)  # fmt: skip
def concat(run: Run, *values: Value) -> str:
    return joined("concat", "", [written(value) for value in values])


@function(
    "join", "text, any, any*", "text",
    gettext_lazy("The values with a text between them; blank ones are left out, with the text."),
    'join(", ", "a", blank, "b")', knows_blanks=True,
)  # fmt: skip
def join(run: Run, between: str | None, *values: Value) -> str:
    return joined("join", between or "", [text for value in values if (text := written(value))])


def joined(name: str, between: str, texts: list[str]) -> str:
    if sum(map(len, texts)) + len(between) * len(texts) > TEXT_LIMIT * 2:
        raise too_long(name)
    return between.join(texts)


@function(
    "length", "text", "number", gettext_lazy("How many characters it has; 0 for a blank."), 'length("abc")',
    knows_blanks=True,
)  # fmt: skip
def length(run: Run, text: str | None) -> Decimal:
    return Decimal(len(text or ""))


@function("left", "text, number", "text", gettext_lazy("Its first characters."), 'left("abcd", 2)')
def left(run: Run, text: str, count: Decimal) -> str:
    return text[: whole("left", count)]


@function("right", "text, number", "text", gettext_lazy("Its last characters."), 'right("abcd", 2)')
def right(run: Run, text: str, count: Decimal) -> str:
    return text[max(len(text) - whole("right", count), 0) :]


@function(
    "middle", "text, number, number", "text",
    gettext_lazy("So many characters, from the one with a number on; the first one is 1."), 'middle("abcd", 2, 2)',
)  # fmt: skip
def middle(run: Run, text: str, start: Decimal, count: Decimal) -> str:
    first = max(whole("middle", start) - 1, 0)
    return text[first : first + whole("middle", count)]


@function(
    "before", "text, text", "text", gettext_lazy("What stands before a mark; blank without it."),
    'before("a@b.se", "@")',
)  # fmt: skip
def before(run: Run, text: str, mark: str) -> str:
    head, found, _tail = text.partition(mark) if mark else ("", "", "")
    return head if found else ""


@function(
    "after", "text, text", "text", gettext_lazy("What stands after a mark; blank without it."), 'after("a@b.se", "@")'
)
def after(run: Run, text: str, mark: str) -> str:
    return text.partition(mark)[2] if mark else ""


@function(
    "contains", "text, text", "yesno", gettext_lazy("Whether a part occurs in it, in capitals or small letters."),
    'contains("Oslo", "os")', knows_blanks=True,
)  # fmt: skip
def contains(run: Run, text: str | None, part: str | None) -> bool:
    return bool(text and part) and str(part).casefold() in str(text).casefold()


@function(
    "starts_with", "text, text", "yesno", gettext_lazy("Whether it begins with a part, in capitals or small letters."),
    'starts_with("Oslo", "os")', knows_blanks=True,
)  # fmt: skip
def starts_with(run: Run, text: str | None, part: str | None) -> bool:
    return bool(text and part) and str(text).casefold().startswith(str(part).casefold())


@function(
    "ends_with", "text, text", "yesno", gettext_lazy("Whether it ends with a part, in capitals or small letters."),
    'ends_with("Oslo", "LO")', knows_blanks=True,
)  # fmt: skip
def ends_with(run: Run, text: str | None, part: str | None) -> bool:
    return bool(text and part) and str(text).casefold().endswith(str(part).casefold())


@function("text", "any", "text", gettext_lazy("Any value as text."), "text(1.50)")
def text(run: Run, value: Any) -> str:
    return written(value)


def whole(name: str, number: Decimal) -> int:
    """A number of characters. Raises FormulaError for a fraction; what is below 0 is 0."""
    if number != number.to_integral_value():
        message = _("%(function)s(…) takes whole numbers of characters, not %(value)s. Use round(…).")
        raise FormulaError(message % {"function": name, "value": written(number)})
    return min(max(int(number), 0), TEXT_LIMIT)
