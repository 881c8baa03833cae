"""JSON as the API takes it: what Python reads but a database or a person would stumble over is refused."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem

#: A definition nests 20 branches of criteria at most, which is well below this.
DEPTH_LIMIT = 150
DIGIT_LIMIT = 40
BOM = b"\xef\xbb\xbf"

#: A place in the document: the place around it and the key in it; None is the document itself.
Place = tuple[Any, Any] | None


@dataclass(frozen=True)
class Refused:
    """Stands in the read document where something was found that JSON does not have, until its path is known."""

    message: str
    value: str


def parse(body: bytes) -> Any:
    """Read a document.

    Raises DocumentError, with line and column for broken JSON, else with paths, for: another encoding than UTF-8, a
    byte order mark, NaN and Infinity, numbers beyond a double, keys that appear twice, NUL characters, halves of
    surrogate pairs, and nesting deeper than 150.
    """
    if body.startswith(BOM):
        raise refusal(_("The document starts with a byte order mark. Send UTF-8 without one."), "invalid_json")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        message = _("The document is not UTF-8: byte %(position)d is 0x%(byte)s. Send UTF-8.")
        values = {"position": error.start, "byte": f"{body[error.start]:02x}"}
        raise refusal(message % values, "invalid_json") from None
    try:
        document = json.loads(
            text, object_pairs_hook=pairs, parse_constant=constant, parse_float=decimal, parse_int=whole
        )
    except json.JSONDecodeError as error:
        message = _("The document is not JSON: %(fault)s at line %(line)d column %(column)d. Correct it there.")
        values = {"fault": error.msg, "line": error.lineno, "column": error.colno}
        raise refusal(message % values, "invalid_json") from None
    except RecursionError:
        raise refusal(too_deep(), "invalid_json") from None
    faults = faults_in(document)
    if faults:
        raise DocumentError(faults)
    return document


def refusal(message: str, code: str) -> DocumentError:
    return DocumentError([Problem("", message, code=code)])


def too_deep() -> str:
    return _("The document is nested too deeply; %(limit)d levels at most. Flatten it.") % {"limit": DEPTH_LIMIT}


def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(found)
    if len(document) < len(found):
        seen: set[str] = set()
        for key, _value in found:
            if key in seen:
                message = _("The key “%(key)s” appears twice in the same object. Send it once.")
                document[key] = Refused(message % {"key": key}, key)
            seen.add(key)
    return document


def constant(text: str) -> Refused:
    message = _("%(value)s is not JSON. Send a finite number or null.")
    return Refused(message % {"value": text}, text)


def decimal(text: str) -> float | Refused:
    number = float(text)
    if math.isfinite(number):
        return number
    message = _("The number %(value)s is too large. Send one below 1e308.")
    return Refused(message % {"value": text[:DIGIT_LIMIT]}, text[:DIGIT_LIMIT])


def whole(text: str) -> int | Refused:
    if len(text) <= DIGIT_LIMIT:
        return int(text)
    message = _("The number %(value)s… has %(count)d digits; %(limit)d at most.")
    values = {"value": text[:DIGIT_LIMIT], "count": len(text), "limit": DIGIT_LIMIT}
    return Refused(message % values, text[:DIGIT_LIMIT])


def faults_in(document: Any) -> list[Problem]:
    """Everything refused in the read document, in reading order, by path."""
    faults: list[Problem] = []
    waiting: list[tuple[Any, Place, int]] = [(document, None, 1)]
    while waiting:
        value, place, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            return [Problem("", too_deep(), code="invalid_json")]
        if isinstance(value, dict):
            inside = [(part, (place, key), depth + 1) for key, part in value.items()]
            faults += [fault for key in value if (fault := fault_of_text(key, (place, key)))]
            waiting += reversed(inside)
        elif isinstance(value, list):
            waiting += reversed([(part, (place, index), depth + 1) for index, part in enumerate(value)])
        elif isinstance(value, str):
            if fault := fault_of_text(value, place):
                faults.append(fault)
        elif isinstance(value, Refused):
            faults.append(Problem(path_of(place), value.message, value.value, code="invalid_json"))
    return faults


def fault_of_text(text: str, place: Place) -> Problem | None:
    if text.isascii() and "\x00" not in text:
        return None
    if "\x00" in text:
        shown = text.replace("\x00", "␀")[:80]
        message = _("The text “%(value)s” contains a NUL character (shown as ␀). Remove it.") % {"value": shown}
        return Problem(path_of(place), message, shown, code="invalid_json")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = _("The text has half of a surrogate pair at character %(position)d. Send whole characters.")
        return Problem(path_of(place), message % {"position": error.start}, code="invalid_json")
    return None


def path_of(place: Place) -> str:
    parts: list[str] = []
    while place is not None:
        place, key = place
        parts.append(str(key).replace("\x00", "␀").encode(errors="replace").decode())
    return ".".join(reversed(parts))
