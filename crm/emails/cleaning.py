"""The HTML of emails: what a person wrote, cut down to what mail programs show and what does no harm."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import nh3
from django.utils.translation import gettext as _

from crm.emails import companions
from records.object_types import object_types
from records.problems import Problem
from workflows.texts import tokens

BODY_LIMIT = 100_000
BUTTON = "button"
TAGS = {
    "h1", "h2", "h3", "p", "br", "hr", "strong", "em", "b", "i", "u", "a", "img", "ul", "ol", "li", "blockquote",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "width"}}
SCHEMES = {"http", "https", "mailto", "tel"}
#: Pictures come from the web.
PICTURES = {"http", "https"}
TOKEN = re.compile(r"\{\{.*?\}\}", re.DOTALL)
WIDTH = re.compile(r"[1-9][0-9]{0,3}")


def clean(html: str) -> str:
    """The HTML with nothing in it but what an email may have."""
    html = TOKEN.sub(lambda found: found[0].replace("\xa0", " ").replace("&nbsp;", " "), html)
    cleaned = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, allowed_classes={"a": {BUTTON}}, url_schemes=SCHEMES, link_rel=None,
        attribute_filter=kept, clean_content_tags={"script", "style", "title", "textarea"},
    )  # fmt: skip
    return cleaned.strip()


def kept(tag: str, attribute: str, value: str) -> str | None:
    """A value of an attribute, None where it may not stay."""
    if attribute == "width":
        return value if WIDTH.fullmatch(value) else None
    return value


class Addresses(HTMLParser):
    """Collects where links lead to and pictures come from."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self.links.append(found.get("href") or "")
        elif tag == "img":
            self.pictures.append(found.get("src") or "")


def problems_of(html: object) -> list[Problem]:
    """What keeps HTML from being the text of an email, as a person wrote it, before it is cleaned."""
    if not isinstance(html, str):
        return [Problem("", _("%(value)r is not text. Send a string.") % {"value": html})]
    if len(html) > BODY_LIMIT:
        message = _("The text has %(length)d characters with its tags, %(limit)d at most. Shorten it.")
        return [Problem("", message % {"length": len(html), "limit": BODY_LIMIT})]
    read = Addresses()
    read.feed(html)
    found = [fault for address in read.links if (fault := link_fault(address, SCHEMES))]
    found += [fault for address in read.pictures if (fault := link_fault(address, PICTURES))]
    return [Problem("", sentence, code="address") for sentence in dict.fromkeys(found)]


def link_fault(address: str, schemes: set[str]) -> str:
    """What is wrong with an address, as a sentence; "" for nothing. Tokens may stand after the host."""
    address = address.strip()
    start = address.partition("{{")[0]
    try:
        parts = urlsplit(start)
        named = bool(parts.hostname)
    except ValueError:
        parts, named = urlsplit(""), False
    if parts.scheme not in schemes:
        known = ", ".join(f"{scheme}:" for scheme in sorted(schemes))
        message = _("The address “%(address)s” begins with none of %(known)s. Write it out, like https://example.com.")
        return message % {"address": address[:100], "known": known}
    whole = parts.path.startswith("/") or parts.query or start == address
    if parts.scheme in PICTURES and not (named and whole):
        message = _("The address “%(address)s” has no host. Write it out; tokens can stand after it.")
        return message % {"address": address[:100]}
    return ""


def token_problems(text: str) -> list[Problem]:
    """What is wrong with the tokens of a text to a contact, which may speak of the records beside it, too."""
    return tokens.check(text, object_types["contact"], sources=companions.names())
