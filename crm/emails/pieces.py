"""The text of an email in pieces: what stays as it is, and what is filled in for each contact.

Texts and addresses are filled in apart from the tags around them, so no value can break out of its place. The plain
text is made from the same pieces.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from django.utils.html import escape
from django.utils.translation import gettext as _

from crm.emails.cleaning import BUTTON, TOKEN

#: How mail programs are told what a tag looks like: many read nothing but this.
STYLES = {
    "h1": "margin:0 0 16px;font-size:28px;line-height:34px;font-weight:700",
    "h2": "margin:24px 0 12px;font-size:22px;line-height:28px;font-weight:700",
    "h3": "margin:20px 0 8px;font-size:18px;line-height:24px;font-weight:700",
    "p": "margin:0 0 16px", "ul": "margin:0 0 16px;padding-left:24px", "ol": "margin:0 0 16px;padding-left:24px",
    "li": "margin:0 0 6px", "blockquote": "margin:0 0 16px;padding-left:16px;border-left:3px solid #c9ced8",
    "hr": "margin:24px 0;border:0;border-top:1px solid #d9dde4", "a": "color:#3a33b8",
    "img": "max-width:100%;height:auto;border:0",
}  # fmt: skip
BUTTON_STYLE = (
    "display:inline-block;padding:12px 20px;border-radius:6px;background:#4a43d6;color:#ffffff;text-decoration:none;"
    "font-weight:600"
)
#: Between texts that are filled in together: no value of the database can hold it.
SEPARATOR = "\x00"
VOID = {"br", "hr", "img"}
SPACE = re.compile(r"[ \t\r\n]+")
BLOCKS = {"h1", "h2", "h3", "p", "ul", "ol", "blockquote", "hr"}


@dataclass(frozen=True)
class Html:
    """Tags, as they are."""

    text: str


@dataclass(frozen=True)
class Words:
    """A text with tokens; `template` has what is around them escaped for HTML, `plain` not."""

    template: str
    plain: str


@dataclass(frozen=True)
class Address:
    """Where a link leads to or a picture comes from."""

    template: str
    link: bool


@dataclass(frozen=True)
class Plain:
    """What stands in the plain text only: line breaks, bullets."""

    text: str


@dataclass(frozen=True)
class Written:
    """Where the plain text has the address of a link, in brackets."""

    template: str


Piece = Html | Words | Address | Plain | Written


def escaped(text: str) -> str:
    """A text as HTML, its tokens as they are."""
    parts, at = [], 0
    for found in TOKEN.finditer(text):
        parts += [escape(text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*parts, escape(text[at:])])


class Reader(HTMLParser):
    """Reads cleaned HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[Piece] = []
        #: For each open link where it leads to and what has been said in it.
        self.links: list[list[str]] = []
        #: For each open list the number of its next item; 0 for bullets.
        self.lists: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.before(tag)
        button = tag == "a" and found.get("class") == BUTTON
        style = BUTTON_STYLE if button else STYLES.get(tag, "")
        styled = f' style="{style}"' if style else ""
        if tag == "a":
            self.links.append([found.get("href", ""), ""])
            self.pieces += [Html('<a href="'), Address(found.get("href", ""), True), Html(f'"{styled}>')]
        elif tag == "img":
            width = f' width="{escape(found["width"])}"' if "width" in found else ""
            self.pieces += [Html('<img src="'), Address(found.get("src", ""), False), Html('" alt="')]
            self.say(found.get("alt", ""))
            self.pieces.append(Html(f'"{width}{styled}>'))
        else:
            self.pieces.append(Html(f"<{tag}{styled}>"))

    def before(self, tag: str) -> None:
        """What the plain text has where a tag opens."""
        if tag == "br":
            self.pieces.append(Plain("\n"))
        elif tag == "hr":
            self.pieces.append(Plain("\n\n----------\n\n"))
        elif tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else 0)
            self.pieces.append(Plain("\n\n"))
        elif tag == "li":
            number = self.lists[-1] if self.lists else 0
            if number:
                self.lists[-1] += 1
            self.pieces.append(Plain(f"\n{number}. " if number else "\n- "))
        elif tag in BLOCKS:
            self.pieces.append(Plain("\n\n"))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        self.pieces.append(Html(f"</{tag}>"))
        if tag == "a" and self.links:
            address, said = self.links.pop()
            if address and said.strip() != address.removeprefix("mailto:"):
                self.pieces.append(Written(address))
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
            self.pieces.append(Plain("\n\n"))
        elif tag in BLOCKS:
            self.pieces.append(Plain("\n\n"))

    def handle_data(self, data: str) -> None:
        if self.links:
            self.links[-1][1] += data
        self.say(SPACE.sub(" ", data))

    def say(self, text: str) -> None:
        if text:
            self.pieces.append(Words(escaped(text), text))


@functools.lru_cache(maxsize=200)
def read(body: str) -> tuple[Piece, ...]:
    """The pieces of a cleaned text."""
    reader = Reader()
    reader.feed(body)
    reader.close()
    return tuple(reader.pieces)


def tokens_in(body: str) -> str:
    """All of a cleaned text that is filled in, as one text: to ask what it speaks of, and what is wrong with it."""
    found = []
    for piece in read(body):
        if isinstance(piece, Words):
            found.append(piece.plain)
        elif isinstance(piece, Address):
            found.append(piece.template)
    return SEPARATOR.join(found)


def tidy(text: str) -> str:
    """Plain text without spaces at ends of lines, and with one empty line at most."""
    lines = (line.strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def in_brackets(address: str) -> str:
    return _(" (%(address)s)") % {"address": address}
