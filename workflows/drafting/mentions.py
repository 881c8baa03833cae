"""What the settings of a step say of other steps' results: {{ output.step.name }} in texts, formulas and sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

#: `output.format-data.result` or `output["2nd"].result`, up to the end of the step's id.
MENTION = re.compile(r'(?P<before>\boutput(?:\.|\["))(?P<step>[a-z0-9][a-z0-9_-]*)(?=\.|"\])')
#: The setting that holds a script.
CODE = "code"
TOKEN = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def mentioned(value: Any) -> set[str]:
    """The ids of the steps whose results a setting speaks of."""
    found = set[str]()

    def note(step: str) -> str:
        found.add(step)
        return step

    rewritten(value, note)
    return found


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A setting that speaks of steps by their new ids."""
    return rewritten(value, lambda step: names.get(step, step))


def rewritten(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        # A script speaks of its own things only.
        return {key: part if key == CODE else rewritten(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [rewritten(part, change) for part in value]
    if not isinstance(value, str) or "output" not in value:
        return value

    def in_piece(piece: str) -> str:
        return MENTION.sub(lambda match: match["before"] + change(match["step"]), piece)

    # In a text with tokens only they speak of steps; formulas and sources do as a whole.
    return TOKEN.sub(lambda token: in_piece(token[0]), value) if "{{" in value else in_piece(value)
