"""What the address of a page says: which page it is, and where its visitor came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

ADDRESS_LIMIT, TEXT_LIMIT = 1_000, 300
#: Endings of addresses that are pages; other endings are files, and files are no pages (TRG-14).
PAGE_ENDINGS = {"", ".html", ".htm", ".xhtml", ".php", ".asp", ".aspx", ".jsp", ".jspx", ".do", ".cfm"}
#: Endings that are no ending of a file, as in “/releases/2.1”.
NUMBER = re.compile(r"\.\d+")
#: The parameter of an address that says whose mail the link was in; it is never kept.
WHO = "hr_who"
UTM = {
    "utm_source": "source", "utm_medium": "medium", "utm_campaign": "campaign", "utm_term": "term",
    "utm_content": "content",
}  # fmt: skip
#: What ad networks add to the addresses of their links, and the contact's property that keeps it (FLT-36 to FLT-38).
CLICK_IDS = {
    "gclid": "google_click_id", "fbclid": "facebook_click_id", "li_fat_id": "linkedin_click_id",
    "msclkid": "microsoft_click_id",
}  # fmt: skip
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def clean_text(value: object, limit: int = TEXT_LIMIT) -> str:
    """A text from outside on one line, without control characters; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    # Halves of characters, which no database keeps, are left out.
    whole = value.encode(errors="ignore").decode()
    return " ".join(CONTROL.sub(" ", whole).split())[:limit].strip()


def clean_address(value: object) -> str:
    """An http(s) address without its fragment and without `WHO`; "" for anything else and what cannot be split."""
    text = clean_text(value, ADDRESS_LIMIT)
    try:
        parts = urlsplit(text)
        # Without whoever signs in by it, an address may be none any more: "http://[::1]@]a/".
        parts = urlsplit(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")))
        asked = parse_qsl(parts.query, keep_blank_values=True) if WHO in parts.query else None
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text:
        return ""
    query = parts.query if asked is None else urlencode([(name, it) for name, it in asked if name != WHO])
    return urlunsplit(parts._replace(query=query))


def is_page(address: str) -> bool:
    """Whether an address is a page's and no file's."""
    ending = PurePosixPath(urlsplit(address).path).suffix.lower()
    return ending in PAGE_ENDINGS or NUMBER.fullmatch(ending) is not None


def page_facts(address: object, title: object = "", referrer: object = "") -> dict[str, str]:
    """What a view of a page is told with; {} when the address is no page's."""
    url = clean_address(address)
    if not url or not is_page(url):
        return {}
    facts = {"url": url, "path": urlsplit(url).path or "/", "title": clean_text(title)}
    facts |= {"referrer": clean_address(referrer), **campaign_of(url)}
    return {name: value for name, value in facts.items() if value}


def parameters_of(address: str, names: Mapping[str, str], limit: int) -> dict[str, str]:
    try:
        asked = parse_qsl(urlsplit(address).query, max_num_fields=100)
    except ValueError:
        return {}
    found = {names[name]: clean_text(value, limit) for name, value in asked if name in names}
    return {name: value for name, value in found.items() if value}


def campaign_of(address: str) -> dict[str, str]:
    """The utm_… parameters of an address, by the names events have for them."""
    return parameters_of(address, UTM, 120)


def click_ids_of(address: str) -> dict[str, str]:
    """The ad networks' click ids in an address, by the contact's properties."""
    return parameters_of(address, CLICK_IDS, 250)
