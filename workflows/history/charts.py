"""Charts as SVG without styles of its own: the colours are classes of the page, the figures stand in a table too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 220, 44, 26, 10
#: How wide a letter of a label is at most, about, and how far labels keep from each other.
LETTER, APART = 6.5, 14


@dataclass(frozen=True)
class Series:
    """One row of bars: its name, its class, and a value for each place."""

    name: str
    kind: str
    values: Sequence[int]


def bars(places: Sequence[str], series: Sequence[Series], title: str) -> SafeString:
    """Bars beside each other at each place, with a scale of whole numbers. `title` says what there is to see."""
    top = scale(max((value for one in series for value in one.values), default=0))
    room, height = WIDTH - LEFT, HEIGHT - BOTTOM - TOP
    step = room / max(len(places), 1)
    wide = max(1.0, (step - 2) / max(len(series), 1))
    parts = [line(top, height), *labels(places, step)]
    for number, one in enumerate(series):
        for place, value in enumerate(one.values):
            if value:
                tall = max(1.0, value / top * height)
                x, y = LEFT + place * step + 1 + number * wide, TOP + height - tall
                told = escape(f"{places[place]}: {one.name} {value:,}")
                parts.append(
                    f'<rect class="chart-bar {escape(one.kind)}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
                    f'height="{tall:.1f}"><title>{told}</title></rect>'
                )
    return mark_safe(
        f'<svg class="chart" role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="xMinYMin meet">{"".join(parts)}</svg>'
    )


def scale(most: int) -> int:
    """A round number not below the largest value."""
    size = 1
    while size < most:
        for factor in (2, 5, 10):
            if size * factor >= most:
                return size * factor
        size *= 10
    return size


def line(top: int, height: int) -> str:
    """Lines at nothing, half and all of the scale."""
    found = []
    for part in (0.0, 0.5, 1.0) if top > 1 else (0.0, 1.0):
        y = TOP + height - part * height
        found.append(
            f'<path class="chart-line" d="M{LEFT} {y:.1f}H{WIDTH}"/>'
            f'<text class="chart-text" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * part:,.0f}</text>'
        )
    return "".join(found)


def labels(places: Sequence[str], step: float) -> list[str]:
    """The name of every so many places, so that none touches another or runs out of the picture."""
    widest = max(map(len, places), default=0) * LETTER
    every = max(1, math.ceil((widest + APART) / step))
    return [
        f'<text class="chart-text" x="{LEFT + place * step:.1f}" y="{HEIGHT - 8}">{escape(name)}</text>'
        for place, name in enumerate(places)
        if place % every == 0 and (place == 0 or LEFT + place * step + len(name) * LETTER <= WIDTH)
    ]
