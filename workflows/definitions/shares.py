"""Shares of a whole, in percent with two decimals: what the branches of a random split get (BRN-09)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

WHOLE = 100
CENT = Decimal("0.01")


def is_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 100."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return 0 <= value <= WHOLE


def equal_shares(count: int) -> list[float]:
    """Shares that are the same up to a hundredth and add up to 100 exactly: 33.34, 33.33, 33.33."""
    return scaled([1] * count)


def scaled(weights: Sequence[Any]) -> list[float]:
    """Shares in these proportions that add up to 100 exactly; equal ones where all weights are 0."""
    sizes = [Decimal(str(weight)) for weight in weights]
    total = sum(sizes)
    if not total:
        return equal_shares(len(sizes))
    exact = [size * WHOLE / total for size in sizes]
    found = [size.quantize(CENT, ROUND_DOWN) for size in exact]
    # What rounding down has left goes to those who lost most by it, the first ones first.
    left = int((WHOLE - sum(found)) / CENT)
    for index in sorted(range(len(found)), key=lambda i: found[i] - exact[i])[:left]:
        found[index] += CENT
    return [number(share) for share in found]


def number(share: Decimal) -> float:
    """A share as JSON has it: 50, not 50.0."""
    return int(share) if share == share.to_integral_value() else float(share)


def percent_text(percent: Any) -> str:
    """A share as a person reads it."""
    known = isinstance(percent, int | float | Decimal)
    number = number_format(f"{Decimal(str(percent)).normalize():f}", use_l10n=True) if known else "?"
    return _("%(number)s %%") % {"number": number}
