"""Lists that may be as long as a table, cut for pages that name what goes with something else."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import ngettext

register = template.Library()
#: Of how many things a list tells one by one; the summary above it has all their numbers.
MOST = 100


@register.filter
def shortened(nested: list[Any], most: int = MOST) -> list[Any]:
    """A nested list as unordered_list takes it, each level with `most` items and how many more there are."""
    found: list[Any] = []
    told = hidden = 0
    for item in nested:
        if not isinstance(item, list):
            told += 1
            hidden += told > most
        if told <= most:
            found.append(shortened(item, most) if isinstance(item, list) else item)
    if hidden:
        found.append(ngettext("and %(count)d more", "and %(count)d more", hidden) % {"count": hidden})
    return found
