"""How hard property tests look: HYPOTHESIS_PROFILE=full for a night, anything else for every run."""

from __future__ import annotations

import os

THOROUGH = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "full" else 1


def examples(number: int) -> int:
    """The number of examples to try, where every run tries `number`."""
    return number * THOROUGH
