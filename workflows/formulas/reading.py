"""Reading formulas: text becomes nodes, within limits that keep every formula small."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.formulas.nodes import Call, FormulaError, Literal, Name, Node

#: Characters, parts and levels of one formula at most.
LENGTH, PARTS, DEPTH = 4_000, 300, 30
#: Operators whose rows are one function of many values: they make a formula no deeper.
FLAT = {"&", "+", "*"}
CONSTANTS = {"true": True, "false": False, "blank": None}
#: Operators by how tightly they bind, the loosest first, and the functions they stand for.
LEVELS: tuple[dict[str, str], ...] = (
    {
        "=": "equal", "!=": "not_equal", "<=": "at_most", ">=": "at_least", "<": "less", ">": "greater",
    },
    {"&": "concat"},
    {"+": "add", "-": "subtract"},
    {"*": "multiply", "/": "divide"},
)  # fmt: skip
PART = re.compile(
    r"""\s*(?:
        (?P<number>\d{1,18}(?:\.\d{1,12})?(?![\w.]))
      | (?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*'|“[^”]*”)
      | (?P<name>output\.[a-z0-9][a-z0-9_-]*\.[A-Za-z_][A-Za-z0-9_]*(?![\w.])|[A-Za-z_]\w*(?:\.\w+)*)
      | (?P<sign><=|>=|!=|<>|[-+*/&=<>(),])
    )""",
    re.VERBOSE | re.ASCII,
)


@functools.lru_cache(maxsize=1_000)
def read(text: str) -> Node:
    """A formula's nodes. Raises FormulaError saying what cannot be read, and where."""
    if len(text) > LENGTH:
        message = _("The formula has %(length)d characters, %(limit)d at most. Spread it over several steps.")
        raise FormulaError(message % {"length": len(text), "limit": LENGTH})
    parts = parts_of(text)
    if not parts:
        raise FormulaError(_("The formula is empty. Write one, like concat(contact.first_name, “!”)."))
    if len(parts) > PARTS * 2:
        raise too_many()
    reader = Reader(parts)
    node = reader.compared(0)
    if reader.kind:
        message = _("“%(part)s” cannot stand there. Put “,” between the values of a function, or take it out.")
        raise FormulaError(message % {"part": reader.part})
    return node


def parts_of(text: str) -> list[tuple[str, str]]:
    """Numbers, texts, names and signs, each with its kind."""
    found, place = [], 0
    while text[place:].strip():
        match = PART.match(text, place)
        if match is None or match.lastgroup is None:
            piece = text[place:].strip()
            if piece[0] in "\"'“":
                raise FormulaError(_("The text %(piece)s is not closed. End it with a quote.") % {"piece": piece[:30]})
            message = _("“%(piece)s” cannot be read. Write texts in quotes and numbers like 1234.5.")
            raise FormulaError(message % {"piece": piece[:30]})
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class Reader:
    """Goes through the parts once, from left to right."""

    def __init__(self, parts: list[tuple[str, str]]) -> None:
        self.parts = [*parts, ("", "")]
        self.place = 0
        self.made = 0

    @property
    def kind(self) -> str:
        return self.parts[self.place][0]

    @property
    def part(self) -> str:
        return self.parts[self.place][1]

    def at(self, *signs: str) -> bool:
        return self.kind == "sign" and self.part in signs

    def take(self) -> str:
        part = self.part
        self.place += 1
        return part

    def expect(self, sign: str, message: str) -> None:
        if not self.at(sign):
            raise FormulaError(message)
        self.take()

    def count(self, depth: int) -> None:
        """Hold every formula to its limits while it is read, so that nothing later has to."""
        self.made += 1
        if self.made > PARTS:
            raise too_many()
        if depth > DEPTH:
            message = _("The formula is nested more than %(limit)d levels deep. Spread it over several steps.")
            raise FormulaError(message % {"limit": DEPTH})

    def compared(self, depth: int) -> Node:
        return self.operated(0, depth)

    def operated(self, level: int, depth: int) -> Node:
        """A row of operators that bind alike; each makes one level more, as it is computed by one function more."""
        if level == len(LEVELS):
            return self.signed(depth)
        found, signs = self.operated(level + 1, depth), LEVELS[level]
        while self.at(*signs, *(("<>",) if level == 0 else ())):
            sign = self.take().replace("<>", "!=")
            if sign in FLAT and isinstance(found, Call) and found.written == sign:
                found = Call(signs[sign], (*found.values, self.operated(level + 1, depth)), sign)
                continue
            depth += 1
            self.count(depth)
            found = Call(signs[sign], (found, self.operated(level + 1, depth)), sign)
        return found

    def signed(self, depth: int) -> Node:
        if self.at("-"):
            self.take()
            self.count(depth + 1)
            return Call("negate", (self.signed(depth + 1),), "-")
        return self.single(depth)

    def single(self, depth: int) -> Node:
        self.count(depth)
        kind, part = self.kind, self.part
        if self.at("("):
            self.take()
            inside = self.compared(depth + 1)
            self.expect(")", _("A “(” is not closed. Add a “)”."))
            return replace(inside, written="") if isinstance(inside, Call) and inside.written in FLAT else inside
        makers: dict[str, Callable[[], Node]] = {
            "number": lambda: Literal(Decimal(part)),
            "text": lambda: Literal(unquoted(part)),
            "name": lambda: self.named(part, depth),
        }
        if kind not in makers:
            if not kind:
                raise FormulaError(_("The formula ends too early: a value is missing. Add it, or take out the sign."))
            message = _("A value is missing before “%(part)s”. Add one, or take the sign out.")
            raise FormulaError(message % {"part": part})
        self.take()
        return makers[kind]()

    def named(self, name: str, depth: int) -> Node:
        """A function's call, a constant, or the name of a value."""
        if not self.at("("):
            if name.lower() in CONSTANTS:
                return Literal(CONSTANTS[name.lower()])
            return Name(name)
        self.take()
        values: list[Node] = []
        while not self.at(")"):
            if values:
                message = _("In %(function)s(…) a “,” or the closing “)” is missing.")
                self.expect(",", message % {"function": name})
            values.append(self.compared(depth + 1))
        self.take()
        return Call(name.lower(), tuple(values), name)


def too_many() -> FormulaError:
    message = ngettext(
        "The formula has more than %(limit)d part. Spread it over several steps.",
        "The formula has more than %(limit)d parts. Spread it over several steps.",
        PARTS,
    )
    return FormulaError(message % {"limit": PARTS})


def unquoted(part: str) -> str:
    """The text in quotes; a quote inside is written twice."""
    return part[1:-1] if part[0] == "“" else part[1:-1].replace(part[0] * 2, part[0])
