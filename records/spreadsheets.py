"""Cells of files that people open in spreadsheets."""

from __future__ import annotations

import re
from typing import Any

#: What spreadsheets take for a formula, some also by its full-width signs; numbers with a sign are none.
FORMULA = re.compile(r"[=@\t\r\n＝＠＋－]|[+-](?!\d[\d\s.,()-]*$)")


def safe(cell: Any) -> Any:
    """A cell no spreadsheet computes: what people have written is text."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell
