"""Icons: one SVG sprite, `records/static/records/icons.svg`, made from Lucide icons (ISC licence).

To add an icon, copy its shapes from https://lucide.dev into a `<symbol>` of the sprite, under the name used in code.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

SPRITE = Path(__file__).parent / "static" / "records" / "icons.svg"
FALLBACK = "box"


@cache
def names() -> frozenset[str]:
    """The names of every icon in the sprite."""
    return frozenset(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text()))


def icon(name: str, title: str = "") -> SafeString:
    """An icon of the size and colour of the text around it; a box when there is none of that name.

    With a title it is read aloud and shown on hover; without one it is decoration, hidden from screen readers.
    """
    known = name if name in names() else FALLBACK
    href = f"{static('records/icons.svg')}#{known}"
    if title:
        return format_html(
            '<svg class="icon" role="img" aria-label="{title}"><title>{title}</title><use href="{href}"></use></svg>',
            title=title,
            href=href,
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', href)
