"""What scripts write, before anything is kept: console, errors, requests and outputs, without secrets.

What the database cannot keep goes here, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workflows.outside.veils import VEIL

if TYPE_CHECKING:
    from workflows.code.sandbox import Finished

#: Signs of the line of a request that are kept.
LINE = 450


def veiled(finished: Finished, hidden: Sequence[str]) -> Finished:
    """What came of a script, without its secrets, as the database can keep it."""
    fault = finished.fault and replace(finished.fault, message=without(finished.fault.message, hidden))
    outputs = finished.outputs and {
        without(name, hidden): without(value, hidden) for name, value in finished.outputs.items()
    }
    console = [without(line, hidden) for line in finished.console]
    # Cut here and not before: of a secret that is cut nobody would know what is left.
    requests = [without(line, hidden)[:LINE] for line in finished.requests]
    return replace(finished, fault=fault, outputs=outputs, console=console, requests=requests)


def without(value: Any, hidden: Sequence[str]) -> Any:
    """A text without what is hidden, NUL and halves of signs; anything else as it is."""
    if not isinstance(value, str):
        return value
    for text in hidden:
        value = value.replace(text, VEIL)
    return value.replace("\x00", "␀").encode(errors="replace").decode()
