"""The canvas in pieces, in reading order: what an item of the page's list says, and where it stands.

Adding one step gives every card below it another number, every plus another path, and all of them other places. So
these are kept apart from a piece's face: what has the same face is not sent again (workflows.editor.patching).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from django.utils.safestring import SafeString, mark_safe

from workflows.editor.card_words import NUMBER, TOTAL, escape

#: Where a face has its path.
PATH = "\0p"


class Mark(NamedTuple):
    """What is remembered of a piece that somebody looks at; `face` is a digest."""

    key: str
    face: str
    x: int
    y: int
    width: int
    number: int
    path: str


class Seen(NamedTuple):
    """What is remembered of a canvas that somebody looks at; `lines` is a digest."""

    lines: str
    marks: list[Mark]


@dataclass(frozen=True)
class Piece:
    """One item of the list: `key` is its own for as long as it stands for the same step, branch or gap.

    `number` is the step's, or that of the step before a plus, 0 where none is told; `path` a plus's own. `told` is
    whether the item says where it stands: a card below a plus does not.
    """

    key: str
    face: str
    x: int
    y: int
    width: int
    number: int = 0
    path: str = ""
    told: bool = True

    def html(self, total: str) -> str:
        """The item; `total` is the number of all steps."""
        own = "" if self.path else f' id="{escape(self.key)}"'
        spot = f' data-p="{self.x},{self.y},{self.width}"' if self.told else ""
        face = self.face.replace(NUMBER, str(self.number)).replace(TOTAL, total).replace(PATH, self.path)
        return f"<li{own}{spot}>{face}</li>"

    @property
    def mark(self) -> Mark:
        face = digest(f"{self.told:d}{self.face}")
        return Mark(self.key, face, self.x, self.y, self.width, self.number, self.path)


@dataclass(frozen=True)
class Drawn:
    """A whole canvas: the lines under its pieces, how many steps there are, and what its list begins with."""

    lines: str
    begin: str
    pieces: list[Piece]
    total: int

    @cached_property
    def html(self) -> SafeString:
        total = str(self.total)
        return mark_safe("".join((self.lines, self.begin, *(piece.html(total) for piece in self.pieces), "</ol>")))

    @cached_property
    def seen(self) -> Seen:
        return Seen(digest(self.lines), [piece.mark for piece in self.pieces])

    @cached_property
    def name(self) -> str:
        """What tells this canvas from every other one."""
        return digest(f"{self.begin}{self.total}{self.seen}")


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
