"""`{% load pages %}{% pages page %}`: the way through a list that is cut into pages by number."""

from __future__ import annotations

from typing import Any

from django import template
from django.core.paginator import Page

register = template.Library()


@register.inclusion_tag("admin/pages.html", takes_context=True)
def pages(context: template.Context, page: Page[Any], name: str = "page", label: str = "") -> dict[str, Any]:
    """Links to the pages before and after, with the filters of the address kept; nothing where there is one page.

    `name` is the page's in the address, `label` what a screen reader calls the links.
    """

    def address(number: int) -> str:
        kept = context["request"].GET.copy()
        kept[name] = str(number)
        return f"?{kept.urlencode()}"

    return {
        "page": page,
        "label": label,
        "previous": address(page.previous_page_number()) if page.has_previous() else "",
        "next": address(page.next_page_number()) if page.has_next() else "",
    }
