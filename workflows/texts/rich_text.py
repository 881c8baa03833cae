"""Texts with a few tags, as people write them into steps: cleaned for mail programs, and as plain text beside it."""

from __future__ import annotations

import html
import re

import nh3
from django.utils.html import strip_tags

TAGS = {
    "a", "b", "blockquote", "br", "em", "h1", "h2", "h3", "hr", "i", "img", "li", "ol", "p", "strong", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "width"}}
SCHEMES = {"http", "https", "mailto", "tel"}
TAG = re.compile(rf"</?(?:{'|'.join(sorted(TAGS))})(?:\s[^<>]*)?/?>", re.IGNORECASE)
LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
PICTURE = re.compile(r'<img[^>]*?alt="([^"]*)"[^>]*>')
ENDS = re.compile(r"<(?:br|hr)>|</(?:p|h[1-3]|li|blockquote|ul|ol)>")


def is_rich(text: str) -> bool:
    """Whether a text has tags a mail shows."""
    return TAG.search(text) is not None


def cleaned(text: str) -> str:
    """HTML with nothing in it but what a mail may show."""
    return nh3.clean(
        text, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=None,
        clean_content_tags={"script", "style", "title", "textarea"},
    )  # fmt: skip


def plain(text: str) -> str:
    """Cleaned HTML as plain text: a line for each paragraph and item, with the addresses of its links."""
    found = LINK.sub(lambda link: link[2] if link[1] in link[2] else f"{link[2]} ({link[1]})", text)
    found = PICTURE.sub(r"\1", found.replace("\n", " ")).replace("<li>", "- ")
    lines = html.unescape(strip_tags(ENDS.sub("\n", found))).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip()
