"""Which JSON each part of a definition is; anything else is refused with its place, its value and what to send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from records.problems import Problem

JSON_OBJECT = gettext_lazy("“%(key)s” is a JSON object like %(example)s, not %(value)r.")
LIST = gettext_lazy("“%(key)s” is a list like %(example)s, not %(value)r.")
TEXT = gettext_lazy("“%(key)s” is text like %(example)s, not %(value)r. Send a string.")


@dataclass(frozen=True)
class Shape:
    """What a part has to be; null is the same as leaving it out."""

    fits: Callable[[Any], bool]
    sentence: str | Promise
    example: str


def json_object(example: str) -> Shape:
    return Shape(lambda value: isinstance(value, dict), JSON_OBJECT, example)


def listed(example: str) -> Shape:
    return Shape(lambda value: isinstance(value, list), LIST, example)


def text(example: str) -> Shape:
    return Shape(lambda value: isinstance(value, str), TEXT, example)


DEFINITION = {
    "unenroll": json_object("{“when_no_longer_matching”: true}"),
    "suppress": listed("[“customers”]"),
    "goal": json_object("{“all”: […]}"),
    "sources": listed("[{“id”: “newest_deal”, “object”: “deal”, …}]"),
    "settings": json_object("{“timezone”: “Europe/Stockholm”}"),
}
CRITERIA = {"criteria": json_object("{“all”: […]}")}
STEP = {"params": json_object("{“days”: 2}"), "comment": text("“why this step exists”")}
BRANCH = {"name": text("“Won”")}
#: What tells the branches of a branching apart, by its action's `branch_key`.
BRANCH_KEYS = {
    "criteria": json_object("{“all”: […]}"),
    "values": listed("[“won”]"),
    # What somebody has typed where a share belongs stays in the draft; publishing says what is wrong with it.
    "percent": Shape(lambda value: True, "", ""),
}
SETTINGS = {
    "timezone": text("“Europe/Stockholm”"),
    "windows": listed("[{“days”: [“mon”], “from”: “09:00”, “to”: “17:00”}]"),
    "pause_dates": listed("[“12-24”]"),
    "turn_off_at": text("“2027-12-31T18:00”"),
    "version_policy": text("“follow”"),
}


def faults(document: Mapping[str, Any], shapes: Mapping[str, Shape], path: str = "") -> list[Problem]:
    """A problem for each part that is there, is not null, and is not what it has to be."""
    found = []
    for key, shape in shapes.items():
        value = document.get(key)
        if value is not None and not shape.fits(value):
            message = str(shape.sentence) % {"key": key, "example": shape.example, "value": value}
            found.append(Problem(key, message, value).at(path))
    return found


def part(document: Mapping[str, Any], shapes: Mapping[str, Shape], key: str, empty: Any) -> Any:
    """A part that fits its shape; `empty` where it is missing, null, or does not fit."""
    value = document.get(key)
    return value if value is not None and shapes[key].fits(value) else empty


def known(value: Any, registry: Any) -> bool:
    """Whether a value, which may be any JSON, is a name in a registry."""
    return isinstance(value, str) and value in registry
