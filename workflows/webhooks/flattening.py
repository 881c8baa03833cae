"""Payloads as flat values: each leaf of nested JSON by its path, "customer.address.city" or "items.0.price"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DEEPEST = 10
MOST_LEAVES = 200
#: Stands for what is not there, as None is a value.
NOTHING = object()


def leaves(payload: Any) -> list[tuple[str, Any]]:
    """The texts, numbers, yes-or-nos and blanks of a payload by path, in its order.

    At most MOST_LEAVES of them, from at most DEEPEST levels; what is beyond is left out, see `cut`.
    """
    found: list[tuple[str, Any]] = []
    for path, value in walk(payload, (), 0):
        if len(found) == MOST_LEAVES:
            break
        found.append((path, value))
    return found


def cut(payload: Any) -> bool:
    """Whether a payload has more than `leaves` tells of."""
    return sum(1 for _path, _value in zip(walk(payload, (), 0), range(MOST_LEAVES + 1), strict=False)) > MOST_LEAVES


def walk(value: Any, names: tuple[str, ...], depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        if depth < DEEPEST:
            inside = value.items() if isinstance(value, dict) else enumerate(value)
            for name, part in inside:
                yield from walk(part, (*names, str(name)), depth + 1)
    elif names:
        yield joined(names), value


def joined(names: tuple[str, ...]) -> str:
    """Names as a path; dots and backslashes within a name get a backslash before them."""
    return ".".join(name.replace("\\", "\\\\").replace(".", "\\.") for name in names)


def names_of(path: str) -> list[str]:
    """The names a path is made of."""
    names, escaped = [""], False
    for letter in path:
        if escaped or letter not in "\\.":
            names[-1] += letter
            escaped = False
        elif letter == "\\":
            escaped = True
        else:
            names.append("")
    return names


def value_at(payload: Any, path: str) -> Any:
    """The value at a path; NOTHING when the payload has none there."""
    for name in names_of(path):
        if isinstance(payload, dict) and name in payload:
            payload = payload[name]
        elif isinstance(payload, list) and name.isascii() and name.isdigit() and int(name[:6]) < len(payload):
            payload = payload[int(name[:6])]
        else:
            return NOTHING
    return payload
