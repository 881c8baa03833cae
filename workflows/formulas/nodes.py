"""What a formula consists of, once it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from workflows.formulas.kinds import BLANK, BOOLEAN, NUMBER, TEXT


class FormulaError(ValueError):
    """A formula that cannot be read, or cannot be computed for a record; the message is a whole sentence."""


@dataclass(frozen=True)
class Literal:
    """A value written in the formula itself; None is `blank`."""

    value: str | Decimal | bool | None

    @property
    def kind(self) -> str:
        if self.value is None:
            return BLANK
        if isinstance(self.value, bool):
            return BOOLEAN
        return TEXT if isinstance(self.value, str) else NUMBER


@dataclass(frozen=True)
class Name:
    """A value of the record, its event or an earlier step: contact.city, event.total, output.format.result."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function with its values; `written` is how the formula has it, as "+" for add."""

    function: str
    values: tuple[Node, ...]
    written: str = ""

    @property
    def shown(self) -> str:
        return self.written or self.function


Node = Literal | Name | Call


def names_in(node: Node) -> Iterator[str]:
    """Every name of a formula, in order; those used twice come twice."""
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Call):
        for value in node.values:
            yield from names_in(value)
