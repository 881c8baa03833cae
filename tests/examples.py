"""How hard property tests look: HEADRACE_FULL=1 for a night, anything else for every run."""

from __future__ import annotations

import os

FULL = bool(os.environ.get("HEADRACE_FULL")) or os.environ.get("HYPOTHESIS_PROFILE") == "full"
THOROUGH = 20


def examples(number: int, full: int | None = None) -> int:
    """The number of examples to try: `number` in every run, `full` (or twenty times as many) for a night."""
    return (full or number * THOROUGH) if FULL else number
